"""TEMPORARY: the branch `packing` brings the real one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from services.gpu_worker.engine.plan.packing import boundaries
from services.gpu_worker.engine.plan.plan import Clip, PlannedPart


def parts(clips: Sequence[Clip], samples: int, *, part: int, alone: int) -> tuple[PlannedPart, ...]:
    cuts = boundaries([(clip.start, clip.end) for clip in clips], samples, part=part, alone=alone)
    found = []
    for index, (start, end) in enumerate(pairwise(cuts)):
        mine = [clip.index for clip in clips if start <= clip.start < end]
        first = mine[0] if mine else 0
        found.append(PlannedPart(index, start, end, first, first + len(mine)))
    return tuple(found)
