"""What a run's processes have noted, as figures. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Noted: TypeAlias = Mapping[str, Any]
"""A batch of the clock, or the last account of a process (`Steps.keep`)."""


def waits(batches: Sequence[Noted], begun: float, ended: float) -> dict[str, Any]:
    """How busy the device was, and when it was not: before its first batch, between two, and after its last."""
    free, busy, between = batches[0]["began"], 0.0, []
    for batch in batches:
        between.append((batch["began"] - free, free - begun))
        free = min(batch["began"] + batch["cost"], ended)
        busy += free - batch["began"]
    longest, when = max(between)
    return {
        "batches": len(batches),
        "audio_seconds": sum(batch["seconds"] for batch in batches),
        "device_seconds": busy,
        "busy": busy / (ended - begun),
        "waited": {
            "before the first batch": batches[0]["began"] - begun,
            "between": sum(seconds for seconds, _ in between),
            "longest": longest,
            "longest after": when,
            "after the last batch": ended - free,
        },
    }


def steps_of(
    device: Mapping[str, float], readers: Sequence[Noted], device_all: float, worker: float
) -> dict[str, float]:
    """Processor seconds by step.

    Args:
        device: of the device's process by step; what it computes besides is `rest`.
        readers: the readers' accounts; what they compute besides their steps is `planning`.
        device_all: of the device's process.
        worker: of the worker's process.

    """
    steps = Counter[str]()
    for reader in readers:
        steps.update(reader["steps"])
        steps["planning"] += reader["processor"] - sum(reader["steps"].values())
    return {**steps, **device, "worker": worker, "rest": device_all - sum(device.values())}


def less(now: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    return {name: seconds - before.get(name, 0.0) for name, seconds in now.items()}


def peaks(readers: Sequence[Noted], device: float, worker: float) -> dict[str, float]:
    """MiB of each process, and of all that live at once: of several readers, those that do."""
    together = max(
        sum(other["peak_mib"] for other in readers if other["began"] <= one["began"] <= other["ended"])
        for one in readers
    )
    return {"worker": worker, "readers": together, "device": device, "all": worker + together + device}
