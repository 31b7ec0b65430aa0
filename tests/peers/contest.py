"""Rounds in which each contestant transcribes each recording, one after the other, and the medians of what it took."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from tests.peers.contestants import ENGINE, Contestant
from tests.peers.measured import Measured, measure
from tests.peers.recordings import Recording
from tests.peers.starts import median_and_ninetieth, start_errors
from tests.support.accuracy import character_error_rate

Runs = Mapping[str, Sequence[Measured]]
"""By contestant, in the order of the rounds."""
Figures = dict[str, dict[str, dict[str, Any]]]
"""By recording and contestant."""


def rounds(
    recordings: Sequence[Recording], contestants: Sequence[Contestant], model: Path, count: int
) -> Iterator[Figures]:
    """The figures so far, by recording and contestant, each time that all contestants have transcribed a recording.

    Every run is also told on standard error, as it ends.
    """
    runs: dict[str, dict[str, list[Measured]]] = {}
    told: Figures = {}
    for number, recording in product(range(count), recordings):
        measured = runs.setdefault(recording.name, {one.name: [] for one in contestants})
        for contestant in contestants:
            run = measure(contestant, model, recording.path)
            measured[contestant.name].append(run)
            took = f"{run.seconds:.1f} s wall, {run.processor_seconds:.1f} s of processors, {run.peak_mib:.0f} MiB"
            sys.stderr.write(f"{number + 1}/{count} {recording.name}: {contestant.name}: {took}\n")
        told = told | {recording.name: figures(measured, recording)}
        yield told


def figures(runs: Runs, recording: Recording) -> dict[str, dict[str, Any]]:
    """Medians over the rounds; what was heard is the last round's."""
    return {name: _medians(measured, runs.get(ENGINE), recording) for name, measured in runs.items()}


def _medians(runs: Sequence[Measured], engine: Sequence[Measured] | None, recording: Recording) -> dict[str, Any]:
    errors = start_errors(runs[-1].units, recording.sentences)
    middle, high = median_and_ninetieth(errors)
    walls = [run.seconds for run in runs]
    return {
        "wall seconds": {"median": median(walls), "least": min(walls), "greatest": max(walls)},
        "engine's speed": _ratio(runs, engine),
        "processor seconds": median(run.processor_seconds for run in runs),
        "load seconds": median(run.load_seconds for run in runs),
        "peak MiB": median(run.peak_mib for run in runs),
        "CER": character_error_rate(runs[-1].text, recording.text),
        "milliseconds off": {"median": middle, "ninetieth": high, "sentences": len(errors)},
    }


def _ratio(runs: Sequence[Measured], engine: Sequence[Measured] | None) -> float | None:
    """How many times as fast the engine was, as the median over the rounds; None without the engine, or for itself.

    A machine that is busy in one round slows both of its runs, so rounds are compared one by one.
    """
    if engine is None or engine is runs:
        return None
    return median(other.seconds / ours.seconds for other, ours in zip(runs, engine, strict=True))
