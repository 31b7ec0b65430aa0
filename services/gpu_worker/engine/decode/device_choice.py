"""Which device the engine uses, with which number format, and for how many clips at once."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

import ctranslate2


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What an operator may set; `choose` decides the rest."""

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
    """Batches that the device computes at once."""
    in_flight: int
    """Batches at once, with those whose words are made on a processor while the device computes the next."""
    threads: int
    """Per worker."""


# On a GPU one worker computes one batch at a time, and while it does, words are made of the batch before.
GPU_IN_FLIGHT = 2

# Two workers of one thread each are faster than one with two threads: the decoder's small products do not fill several
# cores, and one worker encodes while another generates. In batches of four a token costs an eighth less than in batches
# of two. Measured in docs/performance.md.
CPU_BATCH = 4

# The batch follows from a GPU's whole memory, not from what is free at the moment, so that every machine with the same
# GPU has the same batches. A window of whisper-small needs some 300 MiB at five beams (keys and values of 12 layers:
# 448 tokens a beam, 1,500 frames), one of a medium model three times that; 4 GiB are for weights and libraries.
# The second batch in flight adds nothing: its clips go to the GPU when its turn begins, and its encoder's output (1,500
# frames of 768 halves, 2.2 MiB a window; 2.9 for a medium model) is given back when its turn ends.
WEIGHTS_MIB, WINDOW_MIB = 4096, 512
LEAST_GPU_BATCH, MOST_GPU_BATCH = 4, 32


def choose(settings: EngineSettings) -> Choice:
    """Settle on a device and how to use it."""
    device = settings.device
    if device == "auto":
        device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    if device == "cuda":
        compute_type = "int8_float16" if settings.compute_type == "auto" else settings.compute_type
        batch = settings.batch or gpu_batch(_gpu_memory_mib())
        return Choice(
            device=device, compute_type=compute_type, batch=batch, workers=1, in_flight=GPU_IN_FLIGHT, threads=1
        )
    threads = settings.threads or len(os.sched_getaffinity(0))
    compute_type = "int8" if settings.compute_type == "auto" else settings.compute_type
    return Choice(
        device=device,
        compute_type=compute_type,
        batch=settings.batch or CPU_BATCH,
        workers=threads,
        in_flight=threads,
        threads=1,
    )


def gpu_batch(memory_mib: int) -> int:
    """Clips a batch for a GPU with so much memory: a multiple of four."""
    windows = (memory_mib - WEIGHTS_MIB) // WINDOW_MIB
    return max(LEAST_GPU_BATCH, min(MOST_GPU_BATCH, windows - windows % 4))


def _gpu_memory_mib() -> int:
    """Memory of the first GPU, as nvidia-smi says; 0 where that does not work, which gives the smallest batch."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]  # of the driver's package
    try:
        told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout  # noqa: S603 - fixed words
        return int(told.split()[0])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return 0
