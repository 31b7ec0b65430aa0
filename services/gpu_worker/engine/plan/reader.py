"""What the engine needs of a reader: it plans a recording and spools its sound. It needs no model and no device."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from services.common.domain.options import Options
from services.gpu_worker.engine.audio.sound import LongPause
from services.gpu_worker.engine.plan.plan import Clip, Plan
from services.gpu_worker.engine.stopping import StopFlag


@dataclass(frozen=True, slots=True)
class ReadClip:
    """A clip whose sound is in the spool."""

    clip: Clip
    pauses: tuple[LongPause, ...] = ()
    """The long pauses up to its end, without those that came with the clips before."""


Items: TypeAlias = Generator[ReadClip | Plan, None, None]
"""Clips in the order of their indices, then the plan, if it was not known. Whoever takes them closes the generator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutting:
    """How a recording is cut into parts."""

    part_seconds: float = 1800
    """The least length of a part."""
    alone_seconds: float = 3600
    """The longest recording that stays one part."""
    most_parts: int = 1000
    """Beyond so many, neighbours are joined."""


USUAL = Cutting()
"""For a recording, unless the settings say otherwise."""


class Reader(Protocol):
    """Reads in this process (`LocalReader`) or in others (`services/gpu_worker/engine/processes/readers.py`)."""

    def plan(
        self,
        path: Path,
        options: Options,
        *,
        spool: Path,
        max_seconds: float,
        stop: StopFlag,
        cutting: Cutting = USUAL,
    ) -> Items:
        """See `planner.plan`."""

    def clips(
        self,
        path: Path,
        plan: Plan,
        clips: Sequence[int],
        *,
        spool: Path,
        stop: StopFlag,
        part: int | None = None,
        until: int = 0,
    ) -> Items:
        """See `planned_clips.clips`."""

    def cut_parts(self, plan: Plan, spool: Path, folder: Path, *, stop: StopFlag) -> None:
        """See `part_audio.cut_parts`."""
