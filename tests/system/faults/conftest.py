"""The network between a worker and its Redis outlives each of the tests that spoil it."""

import pytest


@pytest.fixture(autouse=True)
def no_task_is_left() -> None:
    """In place of the suite's: the tasks that are left are those of the module's network."""
