"""A newcomer's machine: private servers that need no installation, and a workspace worth looking at."""
