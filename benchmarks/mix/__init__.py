"""A realistic mix of reads and writes with the cache and without it: response times, hit rates, database load."""
