"""The rule that no test's captured log has one of the suite's own secrets in it."""

from collections.abc import Generator, Iterable

import pytest

from tests.api import OPS_TOKEN, PASSWORD, SECRET_KEY

SECRETS = {"the secret key": SECRET_KEY, "the ops token": OPS_TOKEN, "a password": PASSWORD}


def leaks(sections: Iterable[tuple[str, str]]) -> list[str]:
    """Which secrets are in what was captured of stderr and of logging."""
    logged = "".join(text for title, text in sections if "stderr" in title or "log" in title)
    return [name for name, secret in SECRETS.items() if secret in logged]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test, or its setting up or tearing down, that has logged one."""
    report: pytest.TestReport = yield
    if report.passed and (found := leaks(report.sections)):
        report.outcome = "failed"
        report.longrepr = f"it has logged {', '.join(found)}"
    return report
