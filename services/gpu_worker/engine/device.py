"""Which device, which number format, how many clips at once."""

from __future__ import annotations

import os
from dataclasses import dataclass

import ctranslate2


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What an operator may say; what is not said is chosen."""

    device: str = "auto"
    """`auto`, `cpu` or `cuda`."""
    compute_type: str = "auto"
    """`auto`: int8 on a CPU, int8_float16 on a GPU."""
    batch: int = 0
    """Clips a batch; 0 chooses."""
    threads: int = 0
    """CPU threads in all; 0 takes every core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the engine runs with."""

    device: str
    compute_type: str
    batch: int
    workers: int
    threads: int
    """Per worker."""


# Two workers of one thread each are faster than one with two threads: the decoder's small products do not fill several
# cores, and one worker encodes while another generates. Measured in docs/performance.md.
CPU_BATCH = 4
GPU_BATCH = 16


def choose(settings: EngineSettings) -> Choice:
    """Settle on a device and how to use it."""
    device = settings.device
    if device == "auto":
        device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    if device == "cuda":
        compute_type = "int8_float16" if settings.compute_type == "auto" else settings.compute_type
        return Choice(device=device, compute_type=compute_type, batch=settings.batch or GPU_BATCH, workers=1, threads=1)
    threads = settings.threads or len(os.sched_getaffinity(0))
    compute_type = "int8" if settings.compute_type == "auto" else settings.compute_type
    return Choice(
        device=device,
        compute_type=compute_type,
        batch=settings.batch or CPU_BATCH,
        workers=threads,
        threads=1,
    )
