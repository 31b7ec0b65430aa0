"""Whatever people have recorded is read as they hear it.

`python -m tests.recordings` makes the recordings of `matrix.py`, judges how each is read, plans thousands of small
mutations, prints a table and writes reports/recordings.json. What is wrong is kept in reports/recordings/.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from tests.recordings import pool
from tests.recordings.judge import Verdict
from tests.recordings.matrix import cases
from tests.recordings.mutations import AIR, BASES, base
from tests.recordings.readers import Mutation, judged, planned
from tests.support.programs import find

REPORT = Path("reports/recordings.json")
KEPT = Path("reports/recordings")
MUTATIONS = 5000
JUDGED_SECONDS, PLANNED_SECONDS = 60.0, 20.0
"""What one file may take: to be made, read and judged; to be planned."""
OUTCOMES = ("exact", "warned", "refused", "WRONG")
HEADINGS = ("read exactly", "with a warning", "refused", "WRONG")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.recordings", description=__doc__)
    parser.add_argument("--only", action="append", metavar="KIND", help="a kind, a part of a file's name, or mutations")
    parser.add_argument("--list", action="store_true", help="names of all files, and nothing else")
    parser.add_argument("--mutations", type=int, default=MUTATIONS, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chosen = [number for number, case in enumerate(cases()) if _wanted(case.title, asked.only)]
    if asked.list:
        print(*(cases()[number].title for number in chosen), sep="\n")
        return 0
    if not find("ffmpeg"):
        print("ffmpeg is not on this machine, and nothing can be judged without it.")
        return 1
    began = time.monotonic()
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir(parents=True)
    verdicts = judge_cases(chosen)
    judged_in = time.monotonic() - began
    outcomes: dict[str, int] = {}
    failures: list[dict[str, str]] = []
    if _wanted("mutations", asked.only):
        outcomes, failures = mutate(asked.mutations, asked.seed)
    mutated_in = time.monotonic() - began - judged_in
    _print_table(verdicts, outcomes, failures)
    print(f"{len(verdicts)} files in {judged_in:.0f} s, {sum(outcomes.values())} mutations in {mutated_in:.0f} s")
    report = {
        "files": [verdict.to_json() for verdict in verdicts],
        "seconds": {"files": round(judged_in, 1), "mutations": round(mutated_in, 1)},
        "mutations": {"seed": asked.seed, "outcomes": outcomes, "failures": failures},
    }
    REPORT.write_text(json.dumps(report, indent=1, ensure_ascii=False))
    return bool(failures) or any(verdict.outcome == "WRONG" for verdict in verdicts)


def _wanted(name: str, only: list[str] | None) -> bool:
    return not only or any(word in name for word in only)


def judge_cases(numbers: list[int]) -> list[Verdict]:
    """Each case's verdict, printed where it is bad; the bad files are made once more and kept."""
    verdicts = []
    for ended in pool.run(judged, numbers, seconds=JUDGED_SECONDS):
        case = cases()[ended.task]
        verdict = ended.result or Verdict(case.kind, case.name, "WRONG", (ended.failure or "",), (), 0.0)
        verdicts.append(verdict)
        if verdict.outcome == "WRONG":
            print(f"WRONG {case.title}", *verdict.faults, sep="\n    ", flush=True)
            kept = KEPT / case.title
            kept.parent.mkdir(exist_ok=True)
            case.make(kept)
    return sorted(verdicts, key=lambda verdict: (verdict.kind, verdict.name))


def mutate(count: int, seed: int) -> tuple[dict[str, int], list[dict[str, str]]]:
    """How many ended how, and those that ended otherwise than they may."""
    outcomes: Counter[str] = Counter()
    failures = []
    with tempfile.TemporaryDirectory(prefix="recordings-") as folder:
        bases = [base(name, Path(folder) / name) for name in (*BASES, AIR)]
        tasks = (Mutation(bases[number % len(bases)], seed, number) for number in range(count))
        for ended in pool.run(planned, tasks, seconds=PLANNED_SECONDS):
            outcomes[ended.result or "WRONG"] += 1
            if ended.failure:
                print(f"WRONG {ended.task.name}: {ended.failure}", flush=True)
                failures.append({"name": ended.task.name, "failure": ended.failure})
                (KEPT / ended.task.name).write_bytes(ended.task.data())
    return dict(outcomes), failures


def _print_table(verdicts: list[Verdict], outcomes: dict[str, int], failures: list[dict[str, str]]) -> None:
    rows: defaultdict[str, Counter[str]] = defaultdict(Counter)
    seconds: defaultdict[str, float] = defaultdict(float)
    for verdict in verdicts:
        rows[verdict.kind][verdict.outcome] += 1
        seconds[verdict.kind] += verdict.seconds
    for outcome, number in outcomes.items():
        rows["mutations"][outcome if outcome in OUTCOMES else "refused"] += number
    print(f"{'kind':<14}{'files':>7}", *(f"{heading:>16}" for heading in HEADINGS), f"{'s to plan':>12}")
    for kind, row in rows.items():
        numbers = (f"{row[outcome]:>16}" for outcome in OUTCOMES)
        print(f"{kind:<14}{row.total():>7}", *numbers, f"{seconds[kind]:>12.1f}")
    total = sum(rows.values(), Counter[str]())
    print(f"{'all':<14}{total.total():>7}", *(f"{total[outcome]:>16}" for outcome in OUTCOMES))
    codes = {outcome: number for outcome, number in outcomes.items() if outcome not in OUTCOMES}
    if codes:
        print("mutations refused with", ", ".join(f"{code} {number}" for code, number in sorted(codes.items())))


if __name__ == "__main__":
    sys.exit(main())
