"""The tests, folder by folder as the sources are."""
