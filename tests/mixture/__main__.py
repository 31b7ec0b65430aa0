"""Bad files of every kind hold up, spoil and cost nothing: two hundred files, every tenth of them bad.

`python -m tests.mixture` makes them, transcribes each alone, sends them all through the whole system on this machine as
two clients, holds one against the other, prints a table and writes reports/mixture.json. Its exit status is 1 if a
promise was not kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.mixture.alone import Alone, alone
from tests.mixture.collection import Made, make, mixture
from tests.mixture.judge import differing, gaps, violations
from tests.mixture.recording import Sort
from tests.mixture.together import Together, together
from tests.support.programs import find
from tests.support.random_model import write_random_model

REPORT = Path("reports/mixture.json")
PATIENCE_SECONDS = 900.0
MODEL_SEED = 2
"""Gives a dozen words a file, and no two files the same; other seeds are short of words, or slow with them."""
SHOWN = 40
"""Violations printed; the report has all."""


def main() -> int:
    """Exit status 0 if every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.mixture", description=__doc__)
    parser.add_argument("--files", type=int, default=200, metavar="N")
    parser.add_argument("--every", type=int, default=10, metavar="N", help="so many-th of them is bad")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the files are written, and stay")
    asked = parser.parse_args()
    if not find("ffmpeg"):
        print("ffmpeg is not on this machine, and the files are made with it.")
        return 1
    with tempfile.TemporaryDirectory(prefix="mixture-") as room:
        folder = asked.keep or Path(room) / "files"
        folder.mkdir(parents=True, exist_ok=True)
        return prove(asked.files, asked.every, folder, write_random_model(Path(room) / "model", seed=MODEL_SEED))


def prove(count: int, every: int, folder: Path, model: Path) -> int:
    began = time.monotonic()
    made = make(mixture(count, every=every), folder)
    made_in = time.monotonic() - began
    print(f"{len(made)} files made in {made_in:.0f} s; now each alone …", flush=True)
    by_itself = alone(model, [one.path for one in made])
    alone_in = time.monotonic() - began - made_in
    print(f"{alone_in:.0f} s; now all of them together …", flush=True)
    seen = together(made, model, patience_seconds=PATIENCE_SECONDS)
    wrong = list(violations(made, by_itself, seen))
    _print_table(made, by_itself, seen)
    for line in wrong[:SHOWN]:
        print(f"VIOLATION  {line}")
    seconds = {"made": round(made_in, 1), "alone": round(alone_in, 1), "together": round(seen.seconds, 1)}
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(_report(made, by_itself, seen, wrong) | {"seconds": seconds}, indent=1))
    print(f"{len(wrong)} violations; {REPORT} has everything.")
    return 1 if wrong else 0


def _print_table(made: Sequence[Made], by_itself: Mapping[Path, Alone], seen: Together) -> None:
    after = {gap.name: gap.seconds for gap in gaps(made, seen)}
    print(f"\n{'file':26} {'sort':7} {'alone':24} {'together':24} {'next claim':>10}")
    for one in made:
        if one.recording.sort is not Sort.GOOD:
            gap = f"{after[one.name]:.2f} s" if one.name in after else ""
            mine = _outcome_alone(by_itself[one.path])
            print(f"{one.name:26} {one.recording.sort.value:7} {mine:24} {_outcome(one, seen):24} {gap:>10}")
    good = [one for one in made if one.recording.sort is Sort.GOOD]
    done = sum(_outcome(one, seen) == "completed" for one in good)
    words = sum(by_itself[one.path].words for one in good)
    texts = {(by_itself[one.path].digests or {}).get("txt") for one in good}
    print(f"\n{done} of {len(good)} good ones completed: {words} words, {len(texts)} different texts")
    rounded = len(_rounded(made, by_itself, seen))
    print(f"in {rounded} transcripts a time or a probability is not, to the last digit, that of alone")
    print(
        f"{len(seen.logs)} machines launched, {seen.needed} needed; {seen.seconds:.0f} s from first upload to last end"
    )
    if after:
        print(f"next claim after a bad one: {median(after.values()):.2f} s median, {max(after.values()):.2f} s at most")


def _outcome_alone(by_itself: Alone) -> str:
    return by_itself.code or by_itself.trouble or f"{by_itself.words} words"


def _outcome(one: Made, seen: Together) -> str:
    return ", ".join(str((job.error or {}).get("code") or job.status.value) for job in seen.jobs[one.name]) or "no job"


def _rounded(made: Sequence[Made], by_itself: Mapping[Path, Alone], seen: Together) -> list[str]:
    """Files whose transcripts are not those that they give alone, to the last digit."""
    return [
        one.name for one in made for job in seen.jobs[one.name] if job.result and differing(by_itself[one.path], job)
    ]


def _report(
    made: Sequence[Made], by_itself: Mapping[Path, Alone], seen: Together, wrong: Sequence[str]
) -> dict[str, Any]:
    return {
        "files": [
            {
                "name": one.name,
                "sort": one.recording.sort.value,
                "alone": _outcome_alone(by_itself[one.path]),
                "together": _outcome(one, seen),
            }
            for one in made
        ],
        "machines": {"launched": len(seen.logs), "needed": seen.needed},
        "rounded": _rounded(made, by_itself, seen),
        "gaps": {gap.name: gap.seconds for gap in gaps(made, seen)},
        "violations": list(wrong),
    }


if __name__ == "__main__":
    sys.exit(main())
