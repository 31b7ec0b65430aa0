"""The clips of a plan that is known: the sound is read again, on a later attempt or from the file of a part."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from services.common.domain.errors import ReadingDiffersError
from services.gpu_worker.engine.audio.reading import read
from services.gpu_worker.engine.audio.samples import Samples
from services.gpu_worker.engine.audio.sound import RATE, VOICES
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.plan.reader import Items, ReadClip
from services.gpu_worker.engine.plan.spool import spooled
from services.gpu_worker.engine.stopping import StopFlag

MOST_MISSING = RATE
"""By how many samples a plan of an earlier release may be longer than what is read today."""


def clips(
    path: Path,
    plan: Plan,
    clips: Sequence[int],
    *,
    spool: Path,
    stop: StopFlag,
    part: int | None = None,
    until: int = 0,
) -> Items:
    """Each of these clips, in the order of their indices, as soon as its sound is in the spool.

    Args:
        path: the recording, or the file of one of its parts.
        plan: of the whole recording.
        clips: indices of clips, in ascending order.
        spool: the folder that gets the sound.
        stop: once it is set, reading stops.
        part: the index of the part that the file holds; None for the whole recording.
        until: as far as this sample of the recording the spool gets the sound, whatever the clips need.

    Raises:
        ReadingDiffersError: what is read is not what was planned.
        StoppedError: `stop` is set.
        InvalidMediaError, NoAudioTrackError, InvalidOptionError: as `read`.

    """
    position = 0 if part is None else plan.parts[part].start
    waiting = deque(plan.clips[index] for index in clips)
    for block in spooled(_as_planned(path, plan, part, stop), spool) if waiting or position < until else ():
        position += block.shape[1]
        while waiting and waiting[0].end <= position:
            yield ReadClip(waiting.popleft())
        if not waiting and position >= until:
            return
    for clip in waiting:
        yield ReadClip(clip)


def _as_planned(path: Path, plan: Plan, part: int | None, stop: StopFlag) -> Iterator[Samples]:
    """The voices of a plan's recording, or of the file of one of its parts, in blocks of shape (voices, samples)."""
    reading, blocks = read(path, plan.hearing if part is None else VOICES, stop)
    planned = plan.samples if part is None else plan.parts[part].end - plan.parts[part].start
    for block in blocks:
        if len(block) != plan.channels:
            raise ReadingDiffersError(
                f"The recording was planned with {plan.channels} voices, and read with {len(block)}."
            )
        yield block
    if reading.samples < planned - MOST_MISSING:
        raise ReadingDiffersError(
            f"The recording was planned with {planned / RATE:.1f} s of sound, read with {reading.samples / RATE:.1f}."
        )
