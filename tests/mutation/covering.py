"""Which tests run which lines: measured once in one process a core, and kept for as long as nothing has changed."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import coverage
import pytest

from tests.mutation.session import ROOT, fork, pytest_main

KEPT = ROOT / ".cache" / "mutation.json"
SCENARIOS = "tests/mutation/undisturbed.py"
LEFT_OUT = frozenset(
    {
        "test_burst",  # a process for the emulator
        "test_crash_matrix",  # processes of its own; its scenarios are run undisturbed instead
        "test_engine",  # the model, which is none of the rooms in question; as the next ones
        "test_engine_ends",
        "test_engine_options",
        "test_example_receivers",  # receivers in other languages
        "test_images",
        "test_imports",  # starts Python anew, where no mistake is
        "test_packages",
        "test_media",
        "test_mutation",
        "test_terraform_contract",
        "test_terraform_files",
        "test_machine_files",
        "test_iam_policies",
        "test_hostile_receivers",
        "test_api_cursors",
        "test_api_bodies",
        "test_engine_clips",
        "test_engine_packing",
        "test_engine_parts",
        "test_engine_spans",
        "test_engine_assembly",
        "test_model_files",
        "test_local_functions",
        "test_transcript_browsers",  # npm
        "test_transcript_document",
        "test_transcript_doubts",
        "test_transcript_formats",
        "test_transcript_kept",
        "test_transcript_sentences",
        "test_transcript_subtitles",
        "test_transcript_turns",
        "test_webhook_signing",
    }
)
"""Test files that say nothing of the rooms in question, or say it in a process where no mistake can be made."""


@dataclass(frozen=True, kw_only=True)
class Test:
    """A test, how long it takes, and what it runs: lines by file."""

    __test__ = False  # it is none of pytest's
    id: str
    seconds: float
    """By the clock, on the day that it was measured: what it may take at least."""
    work: float
    """Of processor time: what running it costs, whatever else the machine does."""
    lines: Mapping[str, frozenset[int]]

    def share_in(self, path: str) -> float:
        """How much of what it runs is in this file: whoever only passes through has little."""
        return len(self.lines.get(path, ())) / max(1, self.size)

    @cached_property
    def size(self) -> int:
        """Lines that it runs."""
        return sum(map(len, self.lines.values()))


@dataclass(frozen=True, kw_only=True)
class Covering:
    """All tests that pass, and what is run by no test but by being imported."""

    tests: Sequence[Test]
    imported: Mapping[str, frozenset[int]]

    def of(self, places: Mapping[str, Iterable[int]]) -> list[Test]:
        """Those that run any of these lines, by file."""
        return [
            test
            for test in self.tests
            if any(not test.lines.get(path, frozenset()).isdisjoint(lines) for path, lines in places.items())
        ]


def measure(targets: Sequence[str], jobs: int) -> Covering:
    """What covers these files; tests that have not changed since they were measured are not measured again."""
    names = _test_files()
    common = _digest(_sources())
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    digests = {name: f"{common} {_digest([name])}" for name in names}
    fresh = {name: kept[name] for name in names if kept.get(name, {}).get("digest") == digests[name]}
    missing = [name for name in names if name not in fresh]
    for name, entry in _measured(missing, targets, jobs):
        fresh[name] = {"digest": digests[name], **entry}
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(fresh))
    return _covering(fresh)


def _test_files() -> list[str]:
    folders = ("tests/unit", "tests/integration")
    found = [path for folder in folders for path in sorted((ROOT / folder).glob("test_*.py"))]
    return [SCENARIOS, *(str(path.relative_to(ROOT)) for path in found if path.stem not in LEFT_OUT)]


def _sources() -> list[str]:
    """What any test may depend on."""
    folders = ("services", "tests/support", "tests/crash", "tests/unit", "tests/integration")
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(str(path.relative_to(ROOT)) for path in found if not path.name.startswith("test_"))


def _digest(paths: Sequence[str]) -> str:
    """Of what these files say, not of how they say it: a comment changes no test."""
    said = (f"{path} {ast.dump(ast.parse((ROOT / path).read_bytes()))}" for path in paths)
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _measured(names: Sequence[str], targets: Sequence[str], jobs: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each test file with its tests, from forked processes that take turns at the list."""
    with tempfile.TemporaryDirectory() as folder:
        children = []
        for number in range(jobs):
            mine = names[number::jobs]
            if mine:
                answer = Path(folder, f"{number}.json")
                children.append((fork(lambda mine=mine, answer=answer: _trace(mine, targets, answer)), answer))
        for child, answer in children:
            _, status = os.waitpid(child, 0)
            if status or not answer.exists():
                raise SystemExit("the tests could not be measured: do they run?")
            yield from json.loads(answer.read_text()).items()


def _trace(names: Sequence[str], targets: Sequence[str], answer: Path) -> None:
    paths = [str(ROOT / target) for target in targets]
    os.environ["COVERAGE_CORE"] = "ctrace"
    traced = coverage.Coverage(data_file=None, config_file=False, include=paths)
    tracing = _Tracing(traced)
    traced.start()
    pytest_main(names, tracing)
    traced.stop()
    data = traced.get_data()
    lines: dict[str, dict[str, list[int]]] = {}
    for target, path in zip(targets, paths, strict=True):
        for line, contexts in data.contexts_by_lineno(path).items():
            for context in contexts:
                lines.setdefault(context, {}).setdefault(target, []).append(line)
    entries: dict[str, dict[str, Any]] = {name: {"tests": [], "imported": lines.get("", {})} for name in names}
    for test, (seconds, work) in tracing.passed.items():
        entry = {"id": test, "seconds": round(seconds, 3), "work": round(work, 3), "lines": lines.get(test, {})}
        entries[test.split("::", 1)[0]]["tests"].append(entry)
    answer.write_text(json.dumps(entries))


class _Tracing:
    """Tells coverage which test runs, and remembers those that passed."""

    def __init__(self, traced: coverage.Coverage) -> None:
        self._traced = traced
        self._taken: dict[str, tuple[float, float]] = {}
        self._bad: set[str] = set()
        self._context: str | None = None

    @property
    def passed(self) -> dict[str, tuple[float, float]]:
        return {test: taken for test, taken in self._taken.items() if test not in self._bad}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """What is made once for all tests is not the first one's cost: it runs beforehand, and does not count."""
        firsts = {item.path: item for item in reversed(session.items)}
        self._context = "beforehand"
        for item in firsts.values():
            item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
        self._context = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._traced.switch_context(self._context or item.nodeid)
        began = time.monotonic(), time.process_time()
        try:
            return (yield)
        finally:
            self._taken[item.nodeid] = time.monotonic() - began[0], time.process_time() - began[1]
            self._traced.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self._bad.add(report.nodeid)


def _covering(entries: Mapping[str, Any]) -> Covering:
    tests = [
        Test(
            id=test["id"],
            seconds=test["seconds"],
            work=test["work"],
            lines={path: frozenset(lines) for path, lines in test["lines"].items()},
        )
        for entry in entries.values()
        for test in entry["tests"]
    ]
    imported: dict[str, set[int]] = {}
    for entry in entries.values():
        for path, lines in entry["imported"].items():
            imported.setdefault(path, set()).update(lines)
    return Covering(tests=tests, imported={path: frozenset(lines) for path, lines in imported.items()})
