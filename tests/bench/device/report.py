"""How busy a fast device is kept, when the first text comes, and what that computes: medians of several runs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from services.gpu_worker.engine.decode.catalogue import PACKAGED
from services.gpu_worker.engine.decode.model_files import locate
from tests.bench.device.one_case import Case, run
from tests.bench.device.recordings import RECORDINGS, Recording
from tests.support.random_model import write_random_model

SPEEDS = (50, 100, 200, 400)
"""Seconds of audio a second."""
MOST_SECONDS = 200.0
"""How long the runs of one case may take together, unless it is only one."""
FETCHED_A_SECOND = 50e6
"""Bytes: an assumption, of one stream from S3 to a machine of the same region."""
BEFORE = ("reading", "detection", "planning", "features", "worker", "rest")
"""All steps but the Python code around the model."""
CORES = 2
MOST_EXACT = 100
"""Numbers below it are shown with two decimals."""


def figures(names: Sequence[str], speeds: Sequence[int], runs: int, folder: Path) -> list[dict[str, Any]]:
    """One entry for each recording and speed."""
    model = write_model(folder / "model")
    return [_figures(RECORDINGS[name], speed, runs, model) for name in names for speed in speeds]


def write_model(folder: Path) -> Path:
    """A model of random weights, which is never asked to compute, with a real model's tokenizer."""
    write_random_model(folder)
    shutil.copy(locate(PACKAGED).folder / "tokenizer.json", folder)
    return folder


def _figures(recording: Recording, speed: int, runs: int, model: Path) -> dict[str, Any]:
    files = recording.files()
    case = Case(
        paths=[str(path) for path in files],
        speed=speed,
        model=str(model),
        separate=recording.separate,
        stopped_after=0.0 if speed == max(SPEEDS) else recording.stopped_after,
    )
    expected = case.stopped_after or recording.seconds / speed
    count = max(min(runs, recording.most_runs, int(MOST_SECONDS / expected)), 1)
    sys.stderr.write(f"{recording.name}, {speed} x, runs: {count}\n")
    measured = _median([run(case) for _ in range(count)])
    fetching = sum(path.stat().st_size for path in files) / FETCHED_A_SECOND
    heading = {"recording": recording.name, "speed": speed, "runs": count, "stopped_after": case.stopped_after}
    return {name: _rounded(value) for name, value in {**heading, "fetching_seconds": fetching, **measured}.items()}


def _median(values: Sequence[Any]) -> Any:
    """Of each number, in nested mappings; None where any run lacks it."""
    if isinstance(values[0], Mapping):
        return {name: _median([value[name] for value in values]) for name in values[0]}
    return None if None in values else median(values)


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(inner) for name, inner in value.items()}
    return round(value, 3) if isinstance(value, float) else value


def joined(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Entries of earlier runs, in the place of which those of the same recording and speed come that are new."""
    cases = {(entry["recording"], entry["speed"]): entry for entry in (*before, *now)}
    return list(cases.values())


def table(entries: Sequence[Mapping[str, Any]]) -> str:
    """Two tables for the screen and for docs/performance.md."""
    return "\n".join([*_rows(entries, _TIMES), "", *_rows(entries, _COSTS)])


def _rows(entries: Sequence[Mapping[str, Any]], columns: Mapping[str, Any]) -> Iterator[str]:
    yield f"| {' | '.join(['recording', 'speed', *columns])} |"
    yield "|---" * (len(columns) + 2) + "|"
    for entry in entries:
        name = entry["recording"] + (f", {entry['stopped_after']:g} s of it" if entry["stopped_after"] else "")
        cells = [column(entry) for column in columns.values()]
        yield f"| {' | '.join([name, str(entry['speed']), *map(_shown, cells)])} |"


def _shown(cell: float | None) -> str:
    if cell is None:
        return "-"
    return f"{cell:.2f}" if isinstance(cell, float) and cell < MOST_EXACT else f"{cell:.0f}"


def _an_hour(step: str) -> Any:
    """Processor seconds of a step for an hour of audio; None where a part of a recording was read."""

    def column(entry: Mapping[str, Any]) -> float | None:
        hours = RECORDINGS[entry["recording"]].seconds / 3600
        return None if entry["stopped_after"] else entry["processor_seconds"].get(step, 0.0) / hours

    return column


def _before_the_device(entry: Mapping[str, Any]) -> float:
    """Processor seconds of all steps before the device, by the two cores' while it is busy."""
    before = sum(entry["processor_seconds"].get(step, 0.0) for step in BEFORE)
    return float(before / (CORES * entry["device_seconds"]))


_TIMES: Mapping[str, Any] = {
    "runs": lambda entry: entry["runs"],
    "first text, s": lambda entry: entry["first_text_seconds"],
    "planned, s": lambda entry: entry["planned_seconds"],
    "all, s": lambda entry: entry["seconds"],
    "device busy": lambda entry: entry["busy"],
    "idle before, s": lambda entry: entry["waited"]["before the first batch"],
    "idle between, s": lambda entry: entry["waited"]["between"],
    "idle after, s": lambda entry: entry["waited"]["after the last batch"],
    "clips a batch": lambda entry: entry["clips"] / entry["batches"],
    "fetching adds, s": lambda entry: entry["fetching_seconds"],
}
_COSTS: Mapping[str, Any] = {
    **{f"{step}, s/h": _an_hour(step) for step in (*BEFORE, "words")},
    "before / (2 x device)": _before_the_device,
    **{
        f"{name}, MiB": lambda entry, name=name: entry["peaks_mib"][name]
        for name in ("worker", "readers", "device", "all")
    },
}
