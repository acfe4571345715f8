"""The fixtures that every test may ask for, and the rule that CI skips nothing."""

import pytest
from hypothesis import settings

# No test asserts on time.
settings.register_profile("mina", deadline=None)
settings.load_profile("mina")

pytest_plugins = ("tests.servers", "tests.api", "tests.planted", "tests.measured", "tests.system.serving")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--no-skips`: a skipped or expected-to-fail test fails the run, as CI wants it."""
    parser.addoption("--no-skips", action="store_true", help="skipped tests fail the run")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which tests were skipped, where that is a failure."""
    if config.getoption("--no-skips") and _skipped(terminalreporter):
        terminalreporter.write_line("skipped tests fail this run", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a green run with skips into a failed one."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--no-skips") and reporter is not None and _skipped(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _skipped(reporter: pytest.TerminalReporter) -> int:
    return sum(len(reporter.stats.get(kind, [])) for kind in ("skipped", "xfailed", "xpassed"))
