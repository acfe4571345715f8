"""How stale caches are, and what it costs a writer that one is not: `make bench-coherence`."""
