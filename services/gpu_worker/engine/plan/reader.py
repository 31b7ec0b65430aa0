"""What the engine needs of a reader: it plans a recording, then gives its clips. It needs no model and no device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from services.common.domain.options import Options
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.stopping import StopFlag

Sound = tuple[int, bytes]
"""A clip's index in its plan, and its samples: 16 bit at 16 kHz, in this machine's order of bytes."""
PART_SECONDS = 1800
ALONE_SECONDS = 3600
"""A recording up to this length is one part."""


class Reader(Protocol):
    """Reads in this process (`LocalReader`) or in others (`services/gpu_worker/engine/processes/readers.py`)."""

    def plan(
        self,
        path: Path,
        options: Options,
        *,
        max_seconds: float,
        stop: StopFlag,
        part_seconds: float = PART_SECONDS,
        alone_seconds: float = ALONE_SECONDS,
    ) -> Plan:
        """See `planner.make_plan`."""

    def sounds(
        self, path: Path, plan: Plan, clips: Sequence[int], *, stop: StopFlag, part: int | None = None
    ) -> Iterator[Sound]:
        """See `clip_audio.sounds`."""

    def cut_parts(self, path: Path, plan: Plan, folder: Path, *, stop: StopFlag) -> None:
        """See `part_audio.cut_parts`."""
