"""Each clip's samples, cut out of a stream that is read once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.common.domain.errors import ReadingDiffersError
from services.gpu_worker.engine.audio.reading import read
from services.gpu_worker.engine.audio.samples import Samples
from services.gpu_worker.engine.audio.sound import RATE, VOICES
from services.gpu_worker.engine.plan.plan import Clip, Plan
from services.gpu_worker.engine.plan.reader import Sound
from services.gpu_worker.engine.stopping import StopFlag

MOST_MISSING = RATE
"""By how many samples a plan of an earlier release may be longer than what is read today."""


def sounds(path: Path, plan: Plan, clips: Sequence[int], *, stop: StopFlag, part: int | None = None) -> Iterator[Sound]:
    """Each of these clips of a plan, in the order of their indices, as soon as it has been read.

    Args:
        path: the recording, or the file of one of its parts.
        plan: of the whole recording.
        clips: indices of clips, in ascending order.
        stop: once it is set, reading stops.
        part: the index of the part that the file holds; None for the whole recording.

    Raises:
        ReadingDiffersError: what is read is not what was planned.
        StoppedError: `stop` is set.
        InvalidMediaError, NoAudioTrackError, InvalidOptionError: as `read`.

    """
    offset = 0 if part is None else plan.parts[part].start
    wanted = [plan.clips[index] for index in clips]
    for clip, samples in clip_audio(as_planned(path, plan, part, stop), wanted, offset):
        yield clip.index, samples.tobytes()


def as_planned(path: Path, plan: Plan, part: int | None, stop: StopFlag) -> Iterator[Samples]:
    """The voices of a plan's recording, or of the file of one of its parts, in blocks of shape (voices, samples).

    Raises:
        ReadingDiffersError: what is read is not what was planned.
        InvalidMediaError, NoAudioTrackError, InvalidOptionError, StoppedError: as `read`.

    """
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


def clip_audio(
    blocks: Iterable[Samples], clips: Sequence[Clip], offset: int = 0
) -> Iterator[tuple[Clip, npt.NDArray[np.int16]]]:
    """Yield each clip with its samples, shape (n,), as soon as they have been read.

    Of the stream only those blocks are kept that an incomplete clip needs. A clip that reaches beyond the end of the
    stream is filled up with silence: the plan counted the same samples, so it lacks at most what a codec rounds.

    Args:
        blocks: the stream, in blocks of shape (channels, samples).
        clips: in the order of their start.
        offset: where the stream begins in the recording, in samples.

    """
    waiting = deque(clips)
    kept: deque[Samples] = deque()
    kept_from = position = offset
    for block in blocks if waiting else ():
        kept.append(block)
        position += block.shape[1]
        while waiting and waiting[0].end <= position:
            clip = waiting.popleft()
            yield clip, _cut(kept, kept_from, clip)
        if not waiting:
            return
        needed = waiting[0].start
        while kept and kept_from + kept[0].shape[1] <= needed:
            kept_from += kept.popleft().shape[1]
    for clip in waiting:
        yield clip, _cut(kept, kept_from, clip)


def _cut(kept: Sequence[Samples], kept_from: int, clip: Clip) -> npt.NDArray[np.int16]:
    if not kept:
        return np.zeros(clip.samples, np.int16)
    audio = np.concatenate([block[clip.channel] for block in kept])
    cut = np.concatenate([audio[max(start - kept_from, 0) : max(end - kept_from, 0)] for start, end in clip.spans])
    return np.pad(cut, (0, clip.samples - len(cut)))
