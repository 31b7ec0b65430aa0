"""`nox -s bench`: speed, accuracy and memory of the engine beside the plain library's: a table, and reports/bench.json.

The recording of eleven minutes is the meeting five times over with pauses, made here, so nothing else is needed.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from services.gpu_worker.engine.catalogue import PACKAGED
from services.gpu_worker.engine.model import locate
from services.gpu_worker.engine.plan import RATE
from tests.bench import listening, memory, speed, stages, table
from tests.bench.contestants import Field
from tests.support.accuracy import MEETING
from tests.support.acoustics import load, write_wav
from tests.support.random_model import write_random_model

MEETINGS = 5
PARTS = ("long", "short", "stages", "accuracy", "memory")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("parts", nargs="*", default=PARTS, help=f"of {', '.join(PARTS)}; all by default")
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--model", default=PACKAGED)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = measure(given.parts, given.runs, given.model, Path(folder))
    Path("reports").mkdir(exist_ok=True)
    target = Path("reports/bench.json")
    before = json.loads(target.read_text()) if target.exists() else {}
    target.write_text(json.dumps(before | report, indent=1, ensure_ascii=False))
    sys.stdout.write(table.render(report) + "\n")


def measure(parts: list[str], runs: int, model: str, folder: Path) -> dict[str, Any]:
    """Run the parts asked for."""
    sound = load(MEETING)
    pause = np.zeros(4 * RATE)
    long = write_wav(folder / "eleven_minutes.wav", np.concatenate([np.r_[sound, pause]] * MEETINGS))
    field = Field(locate(model))
    choice = field.engine.choice
    report: dict[str, Any] = {
        "machine": f"{platform.processor() or platform.machine()}, {choice}",
        "versions": {name: version(name) for name in ("faster-whisper", "ctranslate2")},
    }
    if "long" in parts:
        report["eleven minutes"] = speed.long_recording(field, long, runs)
    if "short" in parts:
        report["short files"] = speed.short_files(field, _sentences(sound, folder), runs)
    if "stages" in parts:
        report["processor seconds, eleven minutes"] = stages.processor_seconds(field, long)
    if "accuracy" in parts:
        report["accuracy"] = listening.accuracy(field, folder)
        report["nobody speaks"] = listening.no_speech(field, folder)
    field.close()
    if "memory" in parts:
        report["peak MB"] = memory.peaks(long, folder, None)
        report["peak MB, random weights"] = memory.peaks(long, folder, write_random_model(folder / "random"))
    return report


def _sentences(sound: Any, folder: Path) -> list[Path]:
    """Each sentence of the meeting in a file of its own, with what silence there is around it."""
    times = json.loads(MEETING.with_suffix(".json").read_text())
    return [
        write_wav(
            folder / f"sentence_{index}.wav",
            sound[int((time["start"] - 0.3) * RATE) : int((time["end"] + 0.3) * RATE)],
        )
        for index, time in enumerate(times)
    ]


if __name__ == "__main__":
    main()
