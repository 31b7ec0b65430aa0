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
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import structlog

from tests.crash.faults import Mode
from tests.crash.invariants import violations
from tests.crash.mutants import MUTANTS, planted
from tests.crash.scenarios import SCENARIOS, Scenario
from tests.crash.world import crash_world

REPORT = Path("reports/crash_matrix.json")


def named(name: str) -> Scenario:
    return next(scenario for scenario in SCENARIOS if scenario.name == name)


def undisturbed(scenario: Scenario) -> tuple[list[str], list[str]]:
    """The calls of a run in which nothing happens, and what it violates."""
    with crash_world(**scenario.shape) as world:
        world.listen()
        scenario.run(world)
        return world.faults.calls, violations(world, scenario.expected)


def disturbed(scenario: Scenario, at: int, mode: Mode) -> list[str]:
    """What is violated when `mode` happens at call number `at`."""
    with crash_world(**scenario.shape) as world:
        world.listen()
        world.faults.plan(at, mode, world.rival)
        scenario.run(world)
        if not world.faults.happened:
            return ["harness: the call was never made"]
        return violations(world, scenario.expected)


def _one(task: tuple[str, int, Mode, str | None]) -> tuple[str, int, Mode, list[str]]:
    name, at, mode, mutant = task
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with planted(mutant):
        try:
            found = disturbed(named(name), at, mode)
        except Exception as error:  # noqa: BLE001 - a run that breaks is a violation of its own
            found = [f"harness: {type(error).__name__}: {error}"]
    return name, at, mode, found


def run(tasks: Iterable[tuple[str, int, Mode, str | None]]) -> list[tuple[str, int, Mode, list[str]]]:
    """All of them, on every core."""
    with multiprocessing.get_context("spawn").Pool() as pool:
        return pool.map(_one, tasks, chunksize=4)


def tasks_of(scenario: Scenario, calls: Sequence[str], *, mutant: str | None = None) -> list[Any]:
    return [(scenario.name, at, mode, mutant) for at in range(len(calls)) for mode in Mode]


def check_mutants(calls: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Each planted mistake, and the first invariant that notices."""
    results = []
    for mutant in MUTANTS:
        scenario = named(mutant.scenario)
        caught: str | None = None
        with planted(mutant.name):
            _, found = undisturbed(scenario)
            caught = found[0] if found else None
        if caught is None:
            modes = tasks_of(scenario, calls[scenario.name], mutant=mutant.name)
            outcomes = [found for *_, found in run([task for task in modes if task[2] in mutant.modes])]
            caught = next((found[0] for found in outcomes if found and not found[0].startswith("harness")), None)
        results.append({"name": mutant.name, "caught_by": caught.split(":")[0] if caught else None})
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", action="append", help="only this one")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    began = time.monotonic()
    scenarios = [one for one in SCENARIOS if not chosen.scenario or one.name in chosen.scenario]
    report: dict[str, Any] = {"runs": 0, "violations": [], "scenarios": [], "mutants": []}
    calls: dict[str, list[str]] = {}
    print(f"{'scenario':<26}{'calls':>6}{'runs':>6}{'violations':>12}")
    for scenario in scenarios:
        calls[scenario.name], found = undisturbed(scenario)
        disturbances = tasks_of(scenario, calls[scenario.name]) if scenario.disturbed else []
        outcomes = [(scenario.name, -1, "undisturbed", found), *run(disturbances)]
        bad = [
            {"scenario": name, "call": at, "operation": calls[name][at] if at >= 0 else None, "mode": mode, "found": f}
            for name, at, mode, f in outcomes
            if f
        ]
        row = {"name": scenario.name, "calls": len(calls[scenario.name]), "runs": len(outcomes) - 1}
        report["scenarios"].append({**row, "violations": len(bad)})
        report["runs"] += row["runs"]
        report["violations"] += bad
        print(f"{scenario.name:<26}{row['calls']:>6}{row['runs']:>6}{len(bad):>12}", flush=True)
    if not chosen.scenario:
        report["mutants"] = check_mutants(calls)
        for mutant in report["mutants"]:
            print(f"planted: {mutant['name']:<50} caught by {mutant['caught_by'] or 'NOBODY'}")
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=1))
    for violation in report["violations"][:20]:
        print(violation)
    print(f"{report['runs']} runs, {len(report['violations'])} violations, {time.monotonic() - began:.0f} s")
    return bool(report["violations"]) or any(mutant["caught_by"] is None for mutant in report["mutants"])


if __name__ == "__main__":
    sys.exit(main())
