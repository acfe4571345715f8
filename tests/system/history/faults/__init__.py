"""What is broken in a run, how it is made good again, and what failures it excuses."""

from tests.system.history.faults.fault import Fault
from tests.system.history.faults.kinds import KINDS, Kind, Lane
from tests.system.history.faults.workers import NO_WRITE

__all__ = ["KINDS", "NO_WRITE", "Fault", "Kind", "Lane"]
