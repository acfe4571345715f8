"""The page of `benchmarks.speed`, in the whole of Mina; the other caches serve it from `benchmarks.speed.servers`."""
