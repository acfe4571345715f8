"""Runs a command while holding a lock file; the kernel drops the lock with the process, so none is ever stale."""

import fcntl
import subprocess
import sys
from pathlib import Path

with Path(sys.argv[1]).open("w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    sys.exit(subprocess.run(sys.argv[2:], check=False).returncode)
