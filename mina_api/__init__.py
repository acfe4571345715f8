"""Mina API: meetings, transcripts and analytics over HTTP, behind a response cache that is never stale."""
