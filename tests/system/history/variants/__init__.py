"""Weaker caches, as others have them, in the place of this one: what the checker must see through.

`python -m tests.system.history.variants NAME --port N` serves the application with one of them.
"""
