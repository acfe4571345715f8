"""What is broken in a run, how it is made good again, and what failures it excuses."""

from tests.system.history.faults.fault import Fault
from tests.system.history.faults.kinds import KINDS, Kind, Lane

__all__ = ["KINDS", "Fault", "Kind", "Lane"]
