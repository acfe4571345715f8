"""Recording: segments become durable in small batches, each at its place in its session."""
