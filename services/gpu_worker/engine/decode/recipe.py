"""How a clip is decoded: the settings of one call of the decoder, and those of the fallback. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.common.domain.options import Options
from services.gpu_worker.engine.decode.catalogue import Habits
from services.gpu_worker.engine.decode.hints import with_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Settings of one decode; clips share a batch only when theirs are equal."""

    language: str
    beams: int
    timestamps: bool = False
    patience: float = 1.0
    repetition_penalty: float = 1.0
    no_repeat_ngram: int = 0
    prompt: str | None = None
    hotwords: str | None = None


def recipes(options: Options, habits: Habits, words: Sequence[str] = ()) -> tuple[Recipe, ...]:
    """The recipes to try in turn until a clip's text can be trusted: the first attempt, then the fallback.

    Whisper's own fallback samples at a higher temperature. None of these does, so that the same clip gives the same
    words everywhere. The second searches with more beams and penalises repetition a little; the third penalises it
    more and leaves out the hints, which a model may repeat instead of what is said.

    Args:
        options: of the job, with the language that was settled.
        habits: the model's.
        words: those of the job's vocabulary that the model reads.

    """
    first = Recipe(
        language=options.language,
        beams=habits.beams[options.preset],
        timestamps=habits.timestamps,
        prompt=options.prompt,
        hotwords=with_words(options.hotwords, words),
    )
    wider = replace(first, beams=max(first.beams + 3, 8), repetition_penalty=1.1, no_repeat_ngram=5)
    penalised = replace(first, beams=1, repetition_penalty=1.3, no_repeat_ngram=3, prompt=None, hotwords=None)
    return (first, wider, penalised)


SHORT_CLIP, SHORT_WINDOW, LONG_WINDOW = 1000, 1700, 3000
"""Lengths in frames of 10 ms."""


def habits_for(frames: int, habits: Habits) -> Habits:
    """The habits for a clip of so many frames: the model's own for short clips, where it has some."""
    return habits.short if habits.short and frames <= SHORT_CLIP else habits


def window(frames: int, habits: Habits, *, again: bool) -> int:
    """The encoder window, in frames, for a clip of so many frames; a clip that is decoded again gets the whole one."""
    short = habits.short is not None and frames <= SHORT_CLIP and not again
    return SHORT_WINDOW if short else LONG_WINDOW
