"""`nox -s bench`: speed, accuracy and memory of the engine beside the plain library's: a table, and reports/bench.json.

The recording of eleven minutes is the meeting five times over with pauses, made here, so nothing else is needed. Only
the dialogues of `speakers` need the synthesizers that the nox session installs.
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.decode.catalogue import PACKAGED
from services.gpu_worker.engine.decode.device_choice import Choice, EngineSettings, choose
from services.gpu_worker.engine.decode.model_files import locate
from tests.bench import gpu, listening, memory, speed, stages, table, upload
from tests.bench.contestants import Field
from tests.bench.device import report as device
from tests.bench.device.recordings import RECORDINGS
from tests.bench.device.report import SPEEDS
from tests.bench.speakers import report as speakers
from tests.bench.speakers import session
from tests.bench.speakers.recordings import NAMES
from tests.support.accuracy import MEETING
from tests.support.acoustics import load, write_wav
from tests.support.random_model import write_random_model

MEETINGS = 5
WITH_MODEL = ("long", "short", "stages", "accuracy", "memory", "gpu")
PARTS = (*WITH_MODEL, "device", "upload", "speakers")
LISTS: Mapping[str, Any] = {"device": device, "speakers": speakers}
"""Parts whose figures are a list, with an entry for each recording."""


def main() -> None:
    given = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as folder:
        settings = EngineSettings(compute_type=given.compute_type)
        report = machine(given.model, settings)
        if set(given.parts) & set(WITH_MODEL):
            report |= measure(given.parts, given.runs, given.model, settings, Path(folder))
        if "device" in given.parts:
            report["device"] = device.figures(given.recordings, given.speeds, given.runs, Path(folder))
        if "upload" in given.parts:
            report["upload"] = upload.from_upload_to_webhook(given.runs, Path(folder))
        if "speakers" in given.parts:
            model = None if given.no_words else locate(given.model)
            chosen = session.chosen(given.dialogues, given.folder, given.kept or Path(folder) / "dialogues")
            report["speakers"] = session.figures(chosen, model, settings)
    _keep(report)
    _show(report)


def _arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("parts", nargs="*", default=PARTS, help=f"of {', '.join(PARTS)}; all by default")
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--recordings", nargs="+", default=list(RECORDINGS), choices=RECORDINGS, help="of `device`")
    arguments.add_argument("--speeds", nargs="+", type=int, default=SPEEDS, help="of `device`, in times real time")
    arguments.add_argument("--model", default=PACKAGED)
    arguments.add_argument("--compute-type", default="auto", help="int8, int8_float16, float16 or float32")
    arguments.add_argument(
        "--dialogues",
        nargs="+",
        default=NAMES,
        choices=NAMES,
        metavar="NAME",
        help=f"of `speakers`: {', '.join(NAMES)}",
    )
    arguments.add_argument("--kept", type=Path, help="of `speakers`: the folder in which made dialogues stay")
    arguments.add_argument("--folder", type=Path, help="of `speakers`: recordings and RTTM files, instead of made ones")
    arguments.add_argument("--no-words", action="store_true", help="of `speakers`: only who speaks when")
    return arguments.parse_args()


def _keep(report: dict[str, Any]) -> None:
    """Add the figures to those of the same machine, in the place of older ones."""
    Path("reports").mkdir(exist_ok=True)
    target = Path("reports/bench.json")
    before = json.loads(target.read_text()) if target.exists() else {}
    if before.get("machine") != report["machine"]:
        before = {}  # figures of two devices do not make one table
    lists = {part: part_of.joined(before.get(part, []), report.get(part, [])) for part, part_of in LISTS.items()}
    kept = before | report | {part: entries for part, entries in lists.items() if entries}
    target.write_text(json.dumps(kept, indent=1, ensure_ascii=False))


def _show(report: dict[str, Any]) -> None:
    lists = [part_of.table(report[part]) for part, part_of in LISTS.items() if report.get(part)]
    rest = {part: figures for part, figures in report.items() if part not in LISTS}
    sys.stdout.write("\n\n".join([table.render(rest), *lists]) + "\n")


def machine(model: str, settings: EngineSettings) -> dict[str, Any]:
    """What the figures of a report have in common."""
    choice = choose(settings)
    return {
        "machine": f"{_device(choice)}, {model}, {choice}",
        "versions": {name: version(name) for name in ("faster-whisper", "ctranslate2")},
    }


def measure(parts: list[str], runs: int, model: str, settings: EngineSettings, folder: Path) -> dict[str, Any]:
    """Run those of the parts that need a model's words."""
    sound = load(MEETING)
    pause = np.zeros(4 * RATE)
    long = write_wav(folder / "eleven_minutes.wav", np.concatenate([np.r_[sound, pause]] * MEETINGS))
    field = Field(locate(model), settings)
    report: dict[str, Any] = {}
    if "long" in parts:
        report["eleven minutes"] = speed.long_recording(field, long, runs)
    if "short" in parts:
        report["short files"] = speed.short_files(field, _sentences(sound, folder), runs)
    if "stages" in parts:
        report["seconds, eleven minutes"] = stages.seconds(field, long)
    if "accuracy" in parts:
        report["accuracy"] = listening.accuracy(field, folder)
        report["nobody speaks"] = listening.no_speech(field, folder)
    field.close()
    if "memory" in parts and field.engine.model.choice.device == "cpu":
        report["peak MB"] = memory.peaks(long, folder, None)
        report["peak MB, random weights"] = memory.peaks(long, folder, write_random_model(folder / "random"))
    if "gpu" in parts:
        report["on a GPU"] = gpu.missing() or gpu.Bench(locate(model), gpu.recordings(long, folder)).figures()
    return report


def _device(choice: Choice) -> str:
    """The processor's name, or the GPU's."""
    if choice.device == "cuda":
        command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[0]
    names = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return names[0] if names else platform.machine()


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
