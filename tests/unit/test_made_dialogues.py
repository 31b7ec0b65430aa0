"""The dialogues that are made: who speaks when in them is true, and the same each time."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from services.gpu_worker.engine.audio.sound import RATE
from tests.bench.speakers import dialogues, recordings
from tests.bench.speakers.dialogues import Made, dialogue, said
from tests.bench.speakers.recordings import Dialogue
from tests.bench.speakers.sentences import sentences
from tests.bench.speakers.stretches import Stretch, spoken_stretches, timed_words
from tests.bench.speakers.turns import Turn, speakers_of, write_rttm
from tests.bench.speakers.voices import VOICES, Speech, Voice, resampled
from tests.support.acoustics import load

BEEP = 0.5


def beep(seconds: float) -> Speech:
    return (BEEP * np.sin(np.arange(round(seconds * RATE)))).astype(np.float32)


def silence(seconds: float) -> Speech:
    return np.zeros(round(seconds * RATE), np.float32)


@pytest.fixture(autouse=True)
def beeping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Voices that beep, a tenth of a second for each letter, with silence around it."""

    def say(_: Voice, text: str) -> Speech:
        return np.concatenate([silence(0.2), beep(len(text) / 10), silence(0.3)])

    monkeypatch.setattr(dialogues, "say", say)


def made(*, speakers: int = 4, seconds: float = 120, seed: int = 1, overlapping: bool = False) -> Made:
    with ThreadPoolExecutor(2) as workers:
        return dialogue(VOICES[:speakers], seconds, seed=seed, overlapping=overlapping, workers=workers)


def test_the_truth_is_where_the_sound_is() -> None:
    heard = made()
    loud = np.abs(heard.sound) > 0
    spoken = np.zeros_like(loud)
    for turn in heard.turns:
        spoken[round(turn.start * RATE) : round(turn.end * RATE)] = True
    assert np.mean(loud != spoken) < 0.001
    assert heard.turns[-1].end == pytest.approx(120, abs=15)


def test_a_seed_gives_the_same_dialogue_again_and_another_seed_another() -> None:
    first, again, other = made(), made(), made(seed=2)
    assert (first.sound == again.sound).all()
    assert (first.turns, first.words) == (again.turns, again.words)
    assert first.words != other.words


@pytest.mark.parametrize("speakers", [1, 2, 8])
def test_everybody_speaks(speakers: int) -> None:
    assert len(speakers_of(made(speakers=speakers, seconds=300).turns)) == speakers


def test_speakers_overlap_only_where_they_are_to() -> None:
    def overlapped(truth: Made) -> int:
        turns = sorted(truth.turns)
        return sum(later.start < earlier.end for earlier, later in pairwise(turns))

    assert overlapped(made()) == 0
    assert overlapped(made(seconds=300, overlapping=True)) >= 5


def test_no_sentence_of_two_hours_is_said_twice() -> None:
    said_in_two_hours = list(islice(sentences(random.Random(1)), 3000))
    assert len(set(said_in_two_hours)) == 3000
    assert not any(mark in sentence for sentence in said_in_two_hours for mark in "{}|")


def test_some_take_the_floor_much_more_often_than_others() -> None:
    script = islice(said(random.Random(3), 8, overlapping=False), 2000)
    counts = Counter(sentence.speaker for sentence in script)
    assert len(counts) == 8
    assert max(counts.values()) > 2 * min(counts.values())


def test_a_pause_parts_stretches_and_a_stop_consonant_does_not() -> None:
    sound = np.concatenate([silence(0.1), beep(0.5), silence(0.1), beep(0.5), silence(0.5), beep(0.4), silence(0.2)])
    assert spoken_stretches(sound) == [Stretch(0.1, 1.2), Stretch(1.7, 2.1)]


def test_words_share_the_time_that_is_spoken() -> None:
    words = timed_words("ab cdef", [Stretch(1.0, 2.0), Stretch(3.0, 5.0)], 10.0, "Anna")
    assert [(word.text, word.start, word.end) for word in words] == [("ab", 11.0, 12.0), ("cdef", 13.0, 15.0)]


def test_a_sound_in_fewer_samples_is_higher() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    spectrum = np.abs(np.fft.rfft(resampled(tone, RATE // 2)))
    assert spectrum.argmax() == 1000
    assert np.abs(resampled(tone, RATE // 2)).max() == pytest.approx(1, abs=0.01)


def test_a_made_recording_is_kept_with_its_turns_and_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "DIALOGUES", {"call": Dialogue(speakers=2, minutes=1, condition="telephone")})
    [first] = recordings.made(["call"], tmp_path)
    assert len(speakers_of(first.turns)) == 2
    assert {word.speaker for word in first.words} == set(speakers_of(first.turns))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["call.json", "call.rttm", "call.wav"]
    sound = load(first.path)
    power, hertz = np.abs(np.fft.rfft(sound, 80 * RATE)) ** 2, np.fft.rfftfreq(80 * RATE, 1 / RATE)
    assert power[(hertz < 250) | (hertz > 3500)].sum() < 0.01 * power.sum()
    first.path.unlink()
    assert list(recordings.made(["call"], tmp_path)) == [first]  # what is there is not made again


def test_a_folder_gives_the_recordings_whose_truth_it_holds(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav", "c.txt"):
        (tmp_path / name).touch()
    write_rttm(tmp_path / "all.rttm", "b", [Turn(0.0, 1.0, "Anna")])
    assert [(found.name, found.turns, found.words) for found in recordings.of_folder(tmp_path)] == [
        ("b", [Turn(0.0, 1.0, "Anna")], [])
    ]
