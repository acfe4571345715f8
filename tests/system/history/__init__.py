"""A history checker: whole servers under load and faults, and proof that no answer was older than it may be.

`history` records, `checker` judges, `load` reads and writes, `faults` breaks things, `runs` puts them together;
`python -m tests.system.history` is the soak test.
"""
