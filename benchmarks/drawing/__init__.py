"""The benchmarks' pictures, by matplotlib in an environment of its own, `.dev/measuring`, which has nothing of Mina."""
