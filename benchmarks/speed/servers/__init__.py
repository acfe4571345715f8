"""The servers that are measured side by side: one page, one check of one token, one body to the byte.

Those of other caches run in an environment without Mina (`.dev/peers`), so nothing here but `mina` imports it.
"""
