"""On the project's own machines nothing may be left out: there a skipped test fails the run."""

from __future__ import annotations

import os

import pytest


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("A test was skipped; here nothing may be left out.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
