"""`/live`: a page that shows a session's transcript as it grows."""
