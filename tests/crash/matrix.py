"""The crash matrix: every scenario, disturbed in four ways at every AWS call that its undisturbed run makes.

`python -m tests.crash.matrix` prints the table and writes reports/crash_matrix.json.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any, TypeAlias

import structlog

from tests.crash.invariants import violations
from tests.crash.mutants import MUTANTS, Mutant, planted
from tests.crash.scenarios import SCENARIOS, Scenario
from tests.support.faults import Mode
from tests.support.step_world import step_world

REPORT = Path("reports/crash_matrix.json")
FEW = 4
"""Disturbances at a time while a planted mistake is looked for."""
Task: TypeAlias = tuple[str, int, Mode, str | None]
"""A scenario's name, the number of a call, what happens there, and the name of a planted mistake."""


def named(name: str) -> Scenario:
    return next(scenario for scenario in SCENARIOS if scenario.name == name)


def undisturbed(scenario: Scenario) -> tuple[list[str], list[str]]:
    """The calls of a run in which nothing happens, and what it violates."""
    with step_world(**scenario.shape) as world:
        world.listen()
        scenario.run(world)
        return world.faults.calls, violations(world, scenario.expected)


def disturbed(scenario: Scenario, at: int, mode: Mode) -> list[str]:
    """What is violated when `mode` happens at call number `at`."""
    with step_world(**scenario.shape) as world:
        world.listen()
        world.faults.plan(at, mode, world.rival)
        scenario.run(world)
        if not world.faults.happened:
            return ["harness: the call was never made"]
        return violations(world, scenario.expected)


def _one(task: Task) -> tuple[str, int, Mode, list[str]]:
    name, at, mode, mutant = task
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with planted(mutant):
        try:
            found = disturbed(named(name), at, mode)
        except Exception as error:  # noqa: BLE001 - a run that breaks is a violation of its own
            found = [f"harness: {type(error).__name__}: {error}"]
    return name, at, mode, found


@contextmanager
def every_core() -> Iterator[Pool]:
    """Processes for runs, each with an emulator of its own."""
    with multiprocessing.get_context("spawn").Pool() as pool:
        yield pool


def run(tasks: Sequence[Task], pool: Pool) -> list[tuple[str, int, Mode, list[str]]]:
    """Each task with what it violates, in order."""
    return pool.map(_one, tasks, chunksize=1)


def tasks_of(scenario: Scenario, calls: Sequence[str], *, mutant: str | None = None) -> list[Task]:
    return [(scenario.name, at, mode, mutant) for at in range(len(calls)) for mode in Mode]


def caught_by(mutant: Mutant, pool: Pool) -> str | None:
    """The first invariant that notices a planted mistake: undisturbed, or at the first disturbance that shows it."""
    scenario = named(mutant.scenario)
    with planted(mutant.name):
        calls, found = undisturbed(scenario)
    tasks = [
        task
        for task in tasks_of(scenario, calls, mutant=mutant.name)
        if task[2] in mutant.modes and mutant.at in {"", calls[task[1]]}
    ]
    for some in range(0, len(tasks), FEW):
        if found:
            break
        outcomes = run(tasks[some : some + FEW], pool)
        found = [one for *_, all_found in outcomes for one in all_found if not one.startswith("harness")]
    return found[0].split(":")[0] if found else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", action="append", help="only this one")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    began = time.monotonic()
    report: dict[str, Any] = {"runs": 0, "violations": [], "scenarios": [], "mutants": []}
    print(f"{'scenario':<26}{'calls':>6}{'runs':>6}{'violations':>12}")
    with every_core() as pool:
        for scenario in SCENARIOS:
            if not chosen.scenario or scenario.name in chosen.scenario:
                _go_through(scenario, pool, report)
        for mutant in () if chosen.scenario else MUTANTS:
            caught = caught_by(mutant, pool)
            report["mutants"].append({"name": mutant.name, "caught_by": caught})
            print(f"planted: {mutant.name:<50} caught by {caught or 'NOBODY'}", flush=True)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=1))
    print(f"{report['runs']} runs, {len(report['violations'])} violations, {time.monotonic() - began:.0f} s")
    return bool(report["violations"]) or any(mutant["caught_by"] is None for mutant in report["mutants"])


def _go_through(scenario: Scenario, pool: Pool, report: dict[str, Any]) -> None:
    """One scenario at all its calls, into the report."""
    calls, found = undisturbed(scenario)
    tasks = tasks_of(scenario, calls) if scenario.disturbed else []
    outcomes = [(scenario.name, -1, "undisturbed", found), *run(tasks, pool)]
    bad = [
        {"scenario": scenario.name, "call": at, "operation": calls[at] if at >= 0 else None, "mode": mode, "found": f}
        for _, at, mode, f in outcomes
        if f
    ]
    row = {"name": scenario.name, "calls": len(calls), "runs": len(tasks), "violations": len(bad)}
    report["scenarios"].append(row)
    report["runs"] += len(tasks)
    report["violations"] += bad
    print(f"{scenario.name:<26}{len(calls):>6}{len(tasks):>6}{len(bad):>12}", flush=True)
    for violation in bad:
        print(violation, flush=True)


if __name__ == "__main__":
    sys.exit(main())
