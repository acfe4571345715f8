"""What the cache costs as it grows: entries, tags, bodies, workers, and entries under a tag that is invalidated."""
