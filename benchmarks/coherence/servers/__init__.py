"""One small application, once for each cache: meetings with a version, read one by one and all at once, and written.

What runs with the peers' Python imports nothing of Mina's.
"""
