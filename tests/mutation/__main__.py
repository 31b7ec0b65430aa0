"""Mistakes in conditions, guards and counters, and which of them the tests notice.

`python -m tests.mutation [PATH…] [--survivors] [--every N] [--jobs N]` prints the survivors and a table, and writes
reports/mutants.json. By the report it fails where less than `FLOOR` of what can go wrong in the store is noticed.
"""

from __future__ import annotations

import argparse
import ast
import gc
import importlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from tests.mutation import covering, rooms
from tests.mutation.covering import Covering
from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.session import ROOT, pytest_main, same_examples_each_time
from tests.mutation.trial import Bodies, Report, Trial, on_import
from tests.mutation.trials import Mutant, Trials, Verdict

FLOOR = 0.90
"""Share of the mistakes in the store that must be noticed."""
REPORT = ROOT / "reports" / "mutants.json"
KEPT_EVERY = 25
"""Verdicts after which the report is written: what an interrupted run has found is not lost."""
SHOWN = 150
"""Characters of a survivor's line."""
_FOREIGN = (
    *("boto3", "cryptography", "fastapi", "httpx", "moto", "moto.dynamodb", "moto.ec2", "moto.kms", "moto.s3"),
    *("moto.ssm", "numpy", "pydantic_settings", "schemathesis", "structlog"),
)
"""What takes long to import and is not ours."""


class Warm:
    """A pytest plugin: all tests are collected, clients made, and then every mutant gets a fork of that."""

    def __init__(
        self,
        trials: Trials,
        mutants: Sequence[Mutant],
        known: Covering,
        bodies: Bodies,
        note: Callable[[Verdict], None],
    ) -> None:
        self._trials, self._mutants, self._known, self._bodies, self._note = trials, mutants, known, bodies, note
        self._trial: Trial | None = None
        self._items: list[pytest.Item] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._items = session.items
        self._warm_up()
        # One folder for all forks: a new one each would have them clear away each other's.
        session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        gc.collect()
        gc.freeze()
        for verdict in self._trials.run(self._mutants, self._start):
            self._note(verdict)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if self._trial:
            self._trial.pytest_runtest_logreport(report)

    def _warm_up(self) -> None:
        """The quickest test of each file: what is made once for all tests is made before the first fork."""
        quickest: dict[str, str] = {}
        for test in sorted(self._known.tests, key=lambda test: test.work):
            quickest.setdefault(test.id.split("::", 1)[0], test.id)
        for item in self._items:
            if item.nodeid in quickest.values():
                item.ihook.pytest_runtest_protocol(item=item, nextitem=None)

    def _start(self, mutant: Mutant | None, ids: Sequence[str], report: Report) -> None:
        if mutant and not self._bodies.exchange(mutant.path, mutant.change):
            report.say("unheld")
            return
        self._trial = Trial(ids, report)
        self._trial.run(self._items)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("path", nargs="*", help="only files that begin like this")
    parser.add_argument("--survivors", action="store_true", help="only those that the last report names")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth, for a first impression")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="forks at a time")
    asked = parser.parse_args()
    began = time.monotonic()
    chosen = [path for path in rooms.files() if not asked.path or path.startswith(tuple(asked.path))]
    modules = rooms.trees(chosen)
    everything = rooms.mutants(modules)
    if unknown := rooms.unknown_equivalents(everything, chosen):
        print("named as equivalent, and not there any more:", *unknown, sep="\n  ")
        return 1
    mutants = [mutant for mutant in everything if rooms.key(mutant) not in EQUIVALENT]
    none = len(everything) - len(mutants)
    if asked.survivors:
        caught = {key for key, entry in _reported().items() if entry["caught_by"]}
        mutants = [mutant for mutant in mutants if mutant.place not in caught]
    mutants = mutants[:: asked.every]
    possible = {mutant.place for mutant in rooms.mutants(rooms.trees(rooms.files()))}
    verdicts: list[Verdict] = []

    def note(verdict: Verdict) -> None:
        _tell(verdict)
        verdicts.append(verdict)
        if len(verdicts) % KEPT_EVERY == 0:
            _write(verdicts, possible, time.monotonic() - began)

    with _folder():
        same_examples_each_time()
        for name in _FOREIGN:
            importlib.import_module(name)
        known = covering.measure(rooms.files(), asked.jobs)
        print(f"{len(known.tests)} tests measured in {time.monotonic() - began:.0f} s", flush=True)
        _try_all(mutants, modules, known, asked.jobs, note)
    seconds = time.monotonic() - began
    _print(verdicts)
    _write(verdicts, possible, seconds)
    print(f"{len(verdicts)} mistakes, {none} that are none, {seconds:.0f} s")
    return _below_floor()


@contextmanager
def _folder() -> Iterator[None]:
    """One for whatever the forks leave behind."""
    folder = tempfile.mkdtemp(prefix="mutants-")
    tempfile.tempdir = os.environ["TMPDIR"] = folder
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _try_all(
    mutants: Sequence[Mutant],
    modules: Mapping[str, ast.Module],
    known: Covering,
    jobs: int,
    note: Callable[[Verdict], None],
) -> None:
    """First what must be there at import, while nothing of ours has been imported; then everything else."""
    early = [mutant for mutant in mutants if _is_early(mutant, known)]
    late = [mutant for mutant in mutants if not _is_early(mutant, known)]
    trials = Trials(known, rooms.users(rooms.trees(rooms.files())), jobs=jobs)

    def start(mutant: Mutant | None, ids: Sequence[str], report: Report) -> None:
        if mutant:
            tree, change = modules[mutant.path], mutant.change
            on_import(mutant.path, tree, change, ids, report)
        else:
            pytest_main(ids, Trial(ids, report))

    for verdict in trials.run(early, start):
        note(verdict)
    files = sorted({test.id.split("::", 1)[0] for test in known.tests})
    pytest_main(files, Warm(trials, late, known, Bodies(modules), note))
    for test in sorted(trials.distrusted):
        print(f"fails by itself, and was left out: {test}")


def _is_early(mutant: Mutant, known: Covering) -> bool:
    imported = known.imported.get(mutant.path, frozenset())
    return not mutant.change.site.where or not imported.isdisjoint(mutant.change.lines)


def _tell(verdict: Verdict) -> None:
    if verdict.caught_by is None:
        print(f"{verdict.mutant.name[:SHOWN]} [{verdict.how}, {verdict.tests} tests]", file=sys.__stdout__, flush=True)


def _print(verdicts: Sequence[Verdict]) -> None:
    by_file: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_file[verdict.mutant.path].append(verdict)
    print(f"\n{'file':<48}{'mistakes':>10}{'noticed':>10}{'':>8}")
    for path, found in sorted(by_file.items()):
        print(_row(path, found))
    for room in rooms.ROOMS:
        if found := [verdict for verdict in verdicts if verdict.mutant.path.startswith(f"{room}/")]:
            print(_row(room, found))


def _row(name: str, found: Sequence[Verdict]) -> str:
    caught = sum(verdict.caught_by is not None for verdict in found)
    return f"{name:<48}{len(found):>10}{caught:>10}{share(found):>8.1%}"


def share(verdicts: Sequence[Verdict]) -> float:
    """How much of it was noticed; all, where there was nothing."""
    return sum(verdict.caught_by is not None for verdict in verdicts) / len(verdicts) if verdicts else 1.0


def _write(verdicts: Sequence[Verdict], everything: Collection[str], seconds: float) -> None:
    """Into the report, in which what was not tried this time stays as it was found, if it can still be made."""
    entries = {key: entry for key, entry in _reported().items() if key in everything}
    entries |= {
        verdict.mutant.place: {
            "mutant": verdict.mutant.place,
            "file": verdict.mutant.path,
            "function": verdict.mutant.change.site.where,
            "change": verdict.mutant.change.text,
            "line": verdict.mutant.change.line,
            "operator": verdict.mutant.change.operator,
            "caught_by": verdict.caught_by,
            "how": verdict.how,
            "tests": verdict.tests,
        }
        for verdict in verdicts
    }
    REPORT.parent.mkdir(exist_ok=True)
    mutants = sorted(entries.values(), key=lambda entry: (entry["file"], entry["line"]))
    REPORT.write_text(json.dumps({"seconds": round(seconds), "mutants": mutants}, indent=1))


def _reported() -> dict[str, dict[str, Any]]:
    entries = json.loads(REPORT.read_text())["mutants"] if REPORT.exists() else []
    return {entry["mutant"]: entry for entry in entries}


def _below_floor() -> bool:
    """By the report, so that trying the survivors again counts what was noticed before."""
    caught = [entry["caught_by"] is not None for entry in _reported().values() if entry["file"].startswith(rooms.STORE)]
    reached = sum(caught) / len(caught) if caught else 1.0
    if reached < FLOOR:
        print(f"The tests notice {reached:.1%} of the mistakes in {rooms.STORE}; {FLOOR:.0%} are asked for.")
    return reached < FLOOR


if __name__ == "__main__":
    sys.exit(main())
