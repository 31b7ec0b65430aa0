"""Reading in this very process: for whoever trusts the recording, and inside a process that may die of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from services.common.domain.options import Options
from services.gpu_worker.engine.clip_audio import sounds
from services.gpu_worker.engine.part_audio import cut_parts
from services.gpu_worker.engine.plan import Plan
from services.gpu_worker.engine.planner import make_plan
from services.gpu_worker.engine.reader import ALONE_SECONDS, PART_SECONDS, Sound
from services.gpu_worker.engine.stopping import StopFlag


class LocalReader:
    """A `Reader`."""

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
        return make_plan(
            path,
            options,
            max_seconds=max_seconds,
            stop=stop,
            part_seconds=part_seconds,
            alone_seconds=alone_seconds,
        )

    def sounds(
        self, path: Path, plan: Plan, clips: Sequence[int], *, stop: StopFlag, part: int | None = None
    ) -> Iterator[Sound]:
        """See `clip_audio.sounds`."""
        return sounds(path, plan, clips, stop=stop, part=part)

    def cut_parts(self, path: Path, plan: Plan, folder: Path, *, stop: StopFlag) -> None:
        """See `part_audio.cut_parts`."""
        cut_parts(path, plan, folder, stop=stop)
