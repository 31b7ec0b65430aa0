"""What holds for every run: what is left out is said, and so is where the time went."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import services.gpu_worker.engine  # noqa: F401 - before any test loads numpy: it then keeps to one thread
from tests.support import programs

SHOWN_SECONDS = 1.0
"""Of a file, to have a line of its own in the table."""
LONGEST = (
    *("test_deployment.py", "test_crash_matrix.py", "test_chaos.py", "test_recording.py"),
    *("test_killed_worker.py", "test_leaving.py"),
)
"""Files that take longest, so that where tests run side by side nobody waits for one that began last."""
HYPOTHESIS = "hypothesispytest"
YIELDING = 5
"""How nice the others are."""
SHARE_A_STACK = (
    *("test_api_examples.py", "test_command_line.py", "test_demo.py", "test_dialogue.py", "test_logs.py"),
    *(
        "test_official_client.py",
        "test_page_recordings.py",
        "test_pages.py",
        "test_resumed_upload.py",
        "test_system.py",
        "test_terminal.py",
    ),
)
"""Files whose tests use the stack of tests/e2e/conftest.py."""
NOTHING_LEFT_OUT = "CI" in os.environ
"""On the project's own machines: there a test whose program is missing fails, and so does a run with a skipped test."""
_missing: set[str] = set()
_seconds: defaultdict[str, float] = defaultdict(float)
_tests: Counter[str] = Counter()


def pytest_configure() -> None:
    """Hear Ctrl-C and a closed terminal: what nohup or a shell starts may ignore them, and pass that on."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot be run here, and put in front what takes longest."""
    if not NOTHING_LEFT_OUT:
        _leave_out(config, items)
    items.sort(key=_place)


def _leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = {marker for marker in programs.MARKERS for item in items if item.get_closest_marker(marker)}
    _missing.update(marker for marker in wanted if not programs.MARKERS[marker]())
    left_out = [item for item in items if any(item.get_closest_marker(marker) for marker in _missing)]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def _place(item: pytest.Item) -> tuple[int, bool, int]:
    """The longest files first, then who shares a stack, then whole systems, the emulator, and what takes no time."""
    rooms = ("e2e", "integration", "unit")
    longest = LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST)
    room = next((number for number, room in enumerate(rooms) if room in item.path.parts), 0)
    return longest, item.path.name not in SHARE_A_STACK, room


@pytest.fixture(scope="session", autouse=True)
def published_as_promised() -> Iterator[None]:
    """Every message and every json transcript that a test's process makes is as the contract says."""
    from tests.support import contract  # noqa: PLC0415 - only processes that run tests need it

    with contract.held():
        yield


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file is run by one process, and so are those that share a stack."""
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415 - a single test needs none of it

    class Scheduling(LoadFileScheduling):  # type: ignore[misc] # xdist's types are not followed
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", 1)[0]
            return "the shared stack" if Path(file).name in SHARE_A_STACK else file

    return Scheduling(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Of several processes, whoever computes makes way for the one with the longest file, which mostly waits."""
    if hasattr(item.config, "workerinput") and item.path.name != LONGEST[0] and os.nice(0) < YIELDING:
        os.nice(YIELDING)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    file = report.nodeid.split("::")[0]
    _seconds[file] += report.duration
    _tests[file] += report.when == "call"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was left out, and how long each file took, set-up included: side by side they take less than their sum."""
    for marker in sorted(_missing):
        terminalreporter.write_line(f"{marker} is not on this machine, so this was left out: {_proof(config, marker)}")
    if len(_seconds) < 2:
        return
    terminalreporter.section("seconds by file")
    for file, seconds in sorted(_seconds.items(), key=lambda entry: -entry[1]):
        if seconds >= SHOWN_SECONDS:
            terminalreporter.write_line(f"{seconds:7.1f} s {_tests[file]:4} tests  {file}")
    rest = [file for file, seconds in _seconds.items() if seconds < SHOWN_SECONDS]
    if rest:
        terminalreporter.write_line(_rest(rest))


def _rest(files: list[str]) -> str:
    seconds, tests = sum(_seconds[file] for file in files), sum(_tests[file] for file in files)
    return f"{seconds:7.1f} s {tests:4} tests  in {len(files)} other files"


def _proof(config: pytest.Config, marker: str) -> str:
    """What a marker's tests prove, as pyproject.toml says."""
    lines: list[str] = config.getini("markers")
    return next(line.split(": ", 1)[1] for line in lines if line.startswith(f"{marker}: "))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """One of several processes has ended, and tells what it left out."""
    _missing.update(getattr(node, "workeroutput", {}).get("missing", ()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["missing"] = sorted(_missing)
    plugins = session.config.pluginmanager
    if "hypothesis" not in sys.modules and plugins.has_plugin(HYPOTHESIS):
        # Its plugin would import it now, which takes half a second, to say that there is nothing to say.
        plugins.unregister(name=HYPOTHESIS)
    reporter = plugins.get_plugin("terminalreporter")
    if NOTHING_LEFT_OUT and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("A test was skipped; here nothing may be left out.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
