"""What AWS does on a bad day, and what becomes of workers and jobs then.

`python -m tests.outages` lets each service fail in each way, for two minutes, under real workers on local stacks, at
their boot, while they idle and while they work; prints a table and writes reports/outages.json. The logs of what went
wrong are kept in reports/outages/.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.outages.trial import USUAL_SECONDS, Phase, Row, Trial, random_model
from tests.support.aws_proxy import SERVICES, Fault

REPORT = Path("reports/outages.json")
KEPT = Path("reports/outages")
SIDE_BY_SIDE = 4
"""Systems at a time: they mostly wait."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.outages", description=__doc__)
    parser.add_argument("--seconds", type=float, default=USUAL_SECONDS, help="how long each outage lasts")
    parser.add_argument("--service", action="append", choices=SERVICES, help="only this one")
    parser.add_argument("--fault", action="append", type=Fault, choices=list(Fault), help="only this one")
    parser.add_argument("--phase", action="append", type=Phase, choices=list(Phase), help="only this one")
    parser.add_argument("--side-by-side", type=int, default=SIDE_BY_SIDE, metavar="N")
    asked = parser.parse_args()
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir(parents=True)
    began = time.monotonic()
    print(_line("service", "fault", "phase", "calls", "done after", "attempts", "silent after", "violations"))
    with tempfile.TemporaryDirectory(prefix="outages-") as folder, ThreadPoolExecutor(asked.side_by_side) as pool:
        model = random_model(Path(folder) / "model")
        trials = [
            Trial(service, fault, asked.seconds, model)
            for service in asked.service or SERVICES
            for fault in asked.fault or _faults(asked.seconds)
        ]
        phases = asked.phase or list(Phase)
        rows = [row for found in pool.map(lambda trial: _run(trial, phases), trials) for row in found]
    took, bad = time.monotonic() - began, sum(bool(row.faults) for row in rows)
    print(f"{len(rows)} outages of {asked.seconds:.0f} s, {bad} with violations, in {took:.0f} s")
    report = {"seconds": asked.seconds, "took": round(took), "rows": [row.to_json() for row in rows]}
    REPORT.write_text(json.dumps(report, indent=1))
    return bool(bad)


def _faults(seconds: float) -> list[Fault]:
    """Those that can be shown in so short a time: how long a client waits for an answer is not shortened with it."""
    return [fault for fault in Fault if fault is not Fault.HANGING or seconds >= USUAL_SECONDS]


def _line(service: str, fault: str, phase: str, *figures: str) -> str:
    """Of the table; the last figure is as long as it is."""
    *short, last = figures
    return f"{service:<10}{fault:<14}{phase:<6}{''.join(f'{figure:>14}' for figure in short)}  {last}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s"


def _run(trial: Trial, phases: Sequence[Phase]) -> list[Row]:
    """One system's rows, printed at once; one that cannot even be run is a violation of its own."""
    try:
        rows = trial.run(phases)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other systems go on
        rows = [trial.broken(phases[0], f"{type(error).__name__}: {error}")]
    for row in rows:
        silent = _seconds(row.silent_after) if row.silent_after else ""
        figures = str(row.disturbed), _seconds(row.done_after), str(row.attempts), silent
        print(_line(row.service, row.fault, row.phase, *figures, "; ".join(row.faults) or "none"), flush=True)
    for phase, text in trial.logs:
        (KEPT / f"{trial.service}-{trial.fault.replace(' ', '-')}-{phase}.log").write_text(text)
    return rows


if __name__ == "__main__":
    sys.exit(main())
