"""How fast a cached answer is, beside the floor of the server and beside other caches: `make bench`."""
