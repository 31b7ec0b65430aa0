"""Throughput: the engine against the plain library, in alternating runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.contestants import Field
from tests.support.accuracy import SENTENCES, character_error_rate


def long_recording(field: Field, path: Path, runs: int) -> dict[str, Any]:
    """The meeting five times over: median seconds, spread, and error rates."""
    texts: dict[str, str] = {}
    seconds = _alternating({"batched": lambda: field.batched(path), "ours": lambda: field.ours(path)}, runs, texts)
    reference = " ".join(SENTENCES * 5)
    return {
        "seconds": seconds,
        "times plain": round(seconds["batched"]["median"] / seconds["ours"]["median"], 2),
        "cer": {name: round(character_error_rate(text, reference), 4) for name, text in texts.items()},
        "cer sequential": round(character_error_rate(field.sequential(path), reference), 4),
    }


def short_files(field: Field, paths: list[Path], runs: int) -> dict[str, Any]:
    """Files of one sentence each, one plain call after the other against the engine's queue."""
    texts: dict[str, str] = {}
    seconds = _alternating(
        {
            "batched": lambda: " ".join(field.batched(path) for path in paths),
            "ours": lambda: " ".join(field.ours_several(paths)),
        },
        runs,
        texts,
    )
    reference = " ".join(SENTENCES)
    return {
        "files": len(paths),
        "seconds": seconds,
        "times plain": round(seconds["batched"]["median"] / seconds["ours"]["median"], 2),
        "cer": {name: round(character_error_rate(text, reference), 4) for name, text in texts.items()},
        "cer sequential": round(character_error_rate(" ".join(field.sequential(path) for path in paths), reference), 4),
    }


def _alternating(
    contestants: dict[str, Callable[[], str]], runs: int, texts: dict[str, str]
) -> dict[str, dict[str, float]]:
    """Median, least and greatest wall seconds and median processor seconds; what was said is left in `texts`."""
    wall: dict[str, list[float]] = {name: [] for name in contestants}
    processor: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(runs):
        for name, contestant in contestants.items():
            began, began_processor = time.perf_counter(), time.process_time()
            texts[name] = contestant()
            wall[name].append(time.perf_counter() - began)
            processor[name].append(time.process_time() - began_processor)
    return {
        name: {
            "median": round(median(wall[name]), 2),
            "least": round(min(wall[name]), 2),
            "greatest": round(max(wall[name]), 2),
            "processor": round(median(processor[name]), 2),
        }
        for name in contestants
    }
