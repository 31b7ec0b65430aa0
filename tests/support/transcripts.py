"""Transcripts, put together from clips as the engine gives them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from services.common.domain.options import Options
from services.common.transcript.attribution import SpokenTurn
from services.common.transcript.transcript import Transcript
from services.common.transcript.words import Word
from services.gpu_worker.engine.assembly import assemble
from services.gpu_worker.engine.audio.sound import RATE, MediaInfo
from services.gpu_worker.engine.decode.model_files import ModelFiles
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.plan import Clip, Plan, PlannedPart

MODEL = ModelFiles(Path("model"), "any", "standard", "abc", {})
SOURCE = MediaInfo("wav", "pcm_s16le", RATE, 1, 60.0)
TICK = 0.001
"""Seconds: the formats' own unit."""
Turns = Sequence[tuple[float, float, int]]
"""From when to when who speaks in a channel, by numbers that need not be those of the transcript."""
MOMENTS = st.sampled_from([0.0, 0.02, 0.3]) | st.floats(0, 9)
WORDS = st.sampled_from(["ja", "jaha.", "o" * 50, "å" * 400])


def spoken(text: str, start: float = 0.0, pace: float = 0.4, probability: float = 0.9) -> tuple[Word, ...]:
    """The words of a text, one every `pace` seconds."""
    return tuple(
        Word(f" {word}", start + index * pace, start + index * pace + pace * 0.8, probability)
        for index, word in enumerate(text.split())
    )


def transcript(
    *clips: tuple[Word, ...], channel_count: int = 1, turns: Sequence[Turns] | None = None, **options: object
) -> Transcript:
    """A recording of a minute; the clips lie on channel 0, the last one on the last channel; the second is flagged.

    `turns` are those of each channel, if speakers are told apart.
    """
    laid = tuple(
        Clip(index, channel_count - 1 if index == len(clips) - 1 else 0, ((index * RATE, (index + 1) * RATE),))
        for index in range(len(clips))
    )
    plan = Plan(60 * RATE, channel_count, "sv", 60 * RATE, laid, (PlannedPart(0, 0, 60 * RATE, 0, len(laid)),), SOURCE)
    results = [
        ClipResult(index=index, words=words, logprob=-0.2, no_speech=0.0, flags=("unsure",) if index == 1 else ())
        for index, words in enumerate(clips)
    ]
    spoken_turns = None if turns is None else [[SpokenTurn(*turn) for turn in mine] for mine in turns]
    return assemble(plan, results, Options.parse(options, ["any"]), MODEL, spoken_turns)


def dialogue(*said: tuple[int | None, str], **options: Any) -> Transcript:
    """A recording of one channel: each in turn, by a number of the speaker, says some words, a second after another.

    Nobody is heard where the number is None.
    """
    start, clips, turns = 0.0, [], []
    for speaker, text in said:
        clips.append(spoken(text, start, pace=0.3))
        end = clips[-1][-1].end
        if speaker is not None:
            turns.append((start, end, speaker))
        start = end + (1.01 if speaker is not None else 1.5)
    words = tuple(word for clip in clips for word in clip)
    return transcript(words, turns=[turns], **{"speakers": "auto", **options})


def call(**options: Any) -> Transcript:
    """Two speakers on channels of their own, at the same time."""
    return transcript(spoken("Hej du."), spoken("Hej själv.", 0.1), channel_count=2, channels="separate", **options)


def texts_of_people() -> st.SearchStrategy[str]:
    """Texts of one word or more, as people may write them."""
    blank = st.sampled_from(["", " ", "  ", "\N{NO-BREAK SPACE}"])
    words = st.sampled_from(["ja", "nej.", "=1+1", "a-->b", "<i>", "שלום", "👩‍👩‍👧", "田" * 80, '"']) | st.text(
        st.characters(categories=["L", "N", "P"], codec="utf-8"), min_size=1, max_size=9
    )
    return st.tuples(blank, st.lists(words, min_size=1, max_size=4).map(" ".join), blank).map("".join)


@st.composite
def recordings(draw: st.DrawFn) -> tuple[Plan, Transcript]:
    """Up to two channels of clips with silences cut out, and words with and without length, some beyond their clip."""
    clips: list[Clip] = []
    results: list[ClipResult] = []
    end = RATE
    for channel in range(draw(st.integers(1, 2))):
        position = 0
        for _ in range(draw(st.integers(1, 3))):
            spans = []
            for _ in range(draw(st.integers(1, 4))):
                start = position + draw(st.sampled_from([0, 5000, 25_000, 400_000]))
                position = start + draw(st.integers(RATE // 10, 10 * RATE))
                spans.append((start, position))
            clips.append(Clip(len(clips), channel, tuple(spans)))
            moment, words = 0.0, []
            for pause, length, text in draw(st.lists(st.tuples(MOMENTS, MOMENTS, WORDS), max_size=20)):
                placed = clips[-1].place(moment + pause, moment + pause + length)
                words.append(Word(f" {text}", round(placed[0], 3), round(placed[1], 3), 0.9))
                moment += pause + length
            results.append(ClipResult(index=clips[-1].index, words=tuple(words), logprob=-0.2, no_speech=0.0))
        end = max(end, position)
    end += draw(st.integers(0, RATE))
    plan = Plan(end, channel + 1, "sv", end, tuple(clips), (PlannedPart(0, 0, end, 0, len(clips)),), SOURCE)
    return plan, assemble(plan, results, Options.parse({"channels": "separate", "words": True}, ["any"]), MODEL)
