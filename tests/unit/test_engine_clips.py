"""The clips of all voices come in one order, as soon as no voice can bring an earlier one."""

from __future__ import annotations

import pickle
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.plan.clips import ClipFinder
from services.gpu_worker.engine.plan.packing import REACH, Packer
from services.gpu_worker.engine.plan.plan import Clip
from services.gpu_worker.engine.plan.spans import WINDOW, Thresholds, speech_spans

SECOND = RATE // WINDOW
"""Probabilities for about a second."""
Voices = list[list[float]]


@st.composite
def conversations(draw: st.DrawFn) -> Voices:
    """Probabilities of up to three voices, as many for each."""
    turns = st.lists(st.tuples(st.integers(1, 600), st.sampled_from([1, 6, 20, 80, 700, 6000])), max_size=6)
    voices = [
        [probability for speech, silence in draw(turns) for probability in [0.1] * silence + [0.9] * speech]
        for _ in range(draw(st.integers(1, 3)))
    ]
    longest = max(map(len, voices))
    return [voice + [0.1] * (longest - len(voice)) for voice in voices]


def found(voices: Voices, samples: int) -> tuple[list[Clip], int]:
    """The clips of voices whose probabilities are all known, and how many samples have speech."""
    finder = ClipFinder(len(voices))
    clips = [*finder.push(voices), *finder.finish(samples)]
    return clips, finder.speech


@settings(max_examples=50, deadline=None)
@given(conversations())
def test_each_voice_has_the_clips_that_it_has_alone(voices: Voices) -> None:
    samples = len(voices[0]) * WINDOW
    clips, _ = found(voices, samples)
    for number, voice in enumerate(voices):
        packer = Packer()
        alone = [*packer.push(speech_spans(voice, samples, Thresholds()), samples), *packer.finish(samples)]
        assert [clip.spans for clip in clips if clip.channel == number] == alone
    assert [clip.index for clip in clips] == list(range(len(clips)))
    assert clips == sorted(clips, key=lambda clip: (clip.spans, clip.channel))


@settings(max_examples=50, deadline=None)
@given(conversations(), st.lists(st.lists(st.integers(0, 4000), min_size=3, max_size=3), max_size=20))
def test_clips_and_speech_do_not_depend_on_how_the_probabilities_come(voices: Voices, sizes: list[list[int]]) -> None:
    samples = len(voices[0]) * WINDOW
    finder = ClipFinder(len(voices))
    clips: list[Clip] = []
    left, speech = voices, 0
    for step in [*sizes, [samples] * 3]:
        clips += finder.push([voice[:size] for voice, size in zip(left, step, strict=False)])
        left = [voice[size:] for voice, size in zip(left, step, strict=False)]
        assert finder.speech >= speech
        speech = finder.speech
    clips += finder.finish(samples)
    assert (clips, finder.speech) == found(voices, samples)


@settings(max_examples=50, deadline=None)
@given(conversations())
def test_speech_is_counted_once_where_voices_speak_together(voices: Voices) -> None:
    samples = len(voices[0]) * WINDOW
    heard = bytearray(samples // WINDOW)
    for voice in voices:
        for start, end in speech_spans(voice, samples, Thresholds()):
            heard[start // WINDOW : end // WINDOW] = b"x" * ((end - start) // WINDOW)
    assert found(voices, samples)[1] == heard.count(b"x") * WINDOW


def test_a_silent_voice_does_not_hold_the_others_up() -> None:
    alone, beside_silence = ClipFinder(1), ClipFinder(2)
    speech = ([0.9] * 60 + [0.1] * 20) * 60
    for start in range(0, len(speech), SECOND):
        second = speech[start : start + SECOND]
        expected = [clip.spans for clip in alone.push([second])]
        assert [clip.spans for clip in beside_silence.push([second, [0.1] * len(second)])] == expected
    assert alone.speech == beside_silence.speech > 0


def test_what_was_said_before_a_long_silence_is_given_within_it() -> None:
    finder = ClipFinder(2)
    clips = finder.push([[0.9] * 60 + [0.1] * 200, [0.1] * 100 + [0.9] * 100 + [0.1] * 60])
    clips += finder.push([[0.1] * (REACH // WINDOW + 20)] * 2)
    assert [clip.channel for clip in clips] == [0, 1]


def test_without_a_voice_there_are_no_clips() -> None:
    assert found([], 0) == ([], 0)


def test_hours_take_no_more_memory_than_minutes() -> None:
    chance = random.Random(20)
    finder = ClipFinder(2)
    sizes = []
    for _ in range(30):
        turns = [(chance.randint(10, 200), chance.randint(6, 100)) for _ in range(40)]
        first = [probability for speech, silence in turns for probability in [0.9] * speech + [0.1] * silence]
        finder.push([first, [1 - probability for probability in first]])
        sizes.append(len(pickle.dumps(finder)))
    assert max(sizes[10:]) < 2 * max(sizes[:10])
