"""From clips to the parts of a long recording. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from services.gpu_worker.engine.plan.plan import Clip, PlannedPart


class _Cut(NamedTuple):
    """A place where a recording may be cut."""

    clip: int
    """The index of the clip behind it."""
    before: int
    """Where all clips before it have ended."""
    after: int
    """Where the clip behind it begins: not before that, unless voices overlap."""

    @property
    def pause(self) -> int:
        return self.after - self.before

    @property
    def middle(self) -> int:
        return (self.before + self.after) // 2


def parts(clips: Sequence[Clip], samples: int, *, part: int, alone: int) -> tuple[PlannedPart, ...]:
    """Cut a recording into parts, none of which shares a clip with another.

    A cut is in the middle of a pause between clips: after `part` samples the longest one within the next third of a
    part or, if there is none, the first one after that. Where voices overlap at each of these places, the cut is where
    they overlap least. There the parts overlap too, so that each one holds its clips as a whole.

    Args:
        clips: of all voices, in the order of their start.
        samples: the recording's length.
        part: the least length of a part, in samples, from the middle of one pause to the next.
        alone: the greatest length that stays one part, in samples.

    """
    cuts = list(_cuts(clips, samples, part)) if samples > alone else []
    starts = [0, *(min(cut.middle, cut.after) for cut in cuts)]
    ends = [*(max(cut.middle, cut.before) for cut in cuts), samples]
    indices = [0, *(cut.clip for cut in cuts), len(clips)]
    return tuple(
        PlannedPart(index, start, end, indices[index], indices[index + 1])
        for index, (start, end) in enumerate(zip(starts, ends, strict=True))
    )


def _cuts(clips: Sequence[Clip], samples: int, part: int) -> Iterator[_Cut]:
    latest = accumulate((clip.end for clip in clips), max)
    places = [_Cut(clip.index, before, clip.start) for before, clip in zip(latest, clips[1:], strict=False)]
    earliest = part
    while earliest + part <= samples:
        later = [place for place in places if earliest <= place.middle <= samples - part]
        if not later:
            return
        near = [place for place in later if place.middle < earliest + part // 3] or later[:1]
        cut = max(near, key=lambda place: (place.pause, -place.middle))
        yield cut
        earliest = cut.middle + part
