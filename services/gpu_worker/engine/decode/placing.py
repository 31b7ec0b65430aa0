"""From times in a clip's audio to times that a player shows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.common.transcript.words import Word
from services.gpu_worker.engine.audio.sound import LongPause, on_the_clock
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.plan import Clip


def placed(result: ClipResult, clip: Clip, pauses: Sequence[LongPause]) -> ClipResult:
    """The result of a clip, whose words have times in seconds of the clip's audio, with times of the recording.

    Args:
        result: as a model gives it.
        clip: the same clip in the plan.
        pauses: the recording's long pauses, at least up to the clip's end.

    """
    words = []
    for word in result.words:
        start, end = clip.place(word.start, word.end)
        shown = on_the_clock(start, pauses)
        words.append(Word(word.text, round(shown, 3), round(shown + end - start, 3), word.probability))
    return replace(result, words=tuple(words), clip=clip)
