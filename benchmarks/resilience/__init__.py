"""How caches bear many cold requests at once, and a Redis that hangs or dies: `make bench-resilience`."""
