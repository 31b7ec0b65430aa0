"""Which tracks and channels of a recording are heard, and what is said of the others."""

from __future__ import annotations

import threading
from pathlib import Path

import av
import numpy as np
import pytest

from services.common.domain.errors import InvalidOptionError
from services.common.domain.options import Options
from services.gpu_worker.engine.audio.reading import read
from services.gpu_worker.engine.audio.sound import RATE, VOICES
from services.gpu_worker.engine.plan.reader import Cutting
from services.gpu_worker.engine.speakers.grid import WINDOW
from tests.support.acoustics import write_wav
from tests.support.audio import MEETING
from tests.support.listening import cut
from tests.support.media import SECONDS, plan, written


def two_tracks(path: Path, first: np.ndarray, second: np.ndarray, form: str = "s16", **metadata: str) -> Path:
    """Two mono tracks of PCM; `metadata` is the second's."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("pcm_s16le", rate=RATE, layout="mono") for _ in range(2)]
        streams[1].metadata.update(metadata)
        for start in range(0, len(first), RATE):
            for stream, sound in zip(streams, (first, second), strict=True):
                samples = (sound[start : start + RATE] * 32767).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(samples[None, :], form, "mono")
                frame.rate, frame.pts = RATE, start
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    return path


def test_speakers_on_two_channels_are_planned_apart(tmp_path: Path, meeting: np.ndarray) -> None:
    half = len(meeting) // 2
    stereo = np.zeros((len(meeting), 2))
    stereo[:half, 0], stereo[half:, 1] = meeting[:half], meeting[half:]
    apart = plan(write_wav(tmp_path / "call.wav", stereo), channels="separate")
    assert apart.channels == 2
    assert {clip.channel for clip in apart.clips if clip.start < half - RATE} == {0}
    assert {clip.channel for clip in apart.clips if clip.end > half + RATE} == {1}


def test_channels_that_are_not_two_are_mixed_and_the_plan_says_so() -> None:
    mixed = plan(MEETING, channels="separate")
    assert (mixed.channels, mixed.warnings) == (1, ("channels_mixed",))


def test_a_track_that_there_is_not_is_an_option_at_fault(talk: Path) -> None:
    with pytest.raises(InvalidOptionError, match=r"no sound track 2: the recording has 1 sound track\.") as caught:
        plan(talk, tracks=[1, 2])
    assert caught.value.field == "tracks"


def test_the_tracks_that_were_asked_for_are_heard_and_nothing_is_said_of_the_others(
    tmp_path: Path, meeting: np.ndarray
) -> None:
    silence = np.zeros(len(meeting))
    recording = two_tracks(tmp_path / "two.mov", meeting, silence, language="eng")
    assert plan(recording, tracks=[2]).speech == 0
    heard = plan(recording, tracks=[1])
    assert heard.speech > 15 * RATE
    assert heard.warnings == ()


def test_what_is_left_out_is_said_in_a_sentence_that_names_the_option(tmp_path: Path, meeting: np.ndarray) -> None:
    recording = two_tracks(tmp_path / "two.mkv", meeting, meeting[::-1].copy(), language="eng")
    assert [(remark.code, remark.message) for remark in plan(recording).remarks] == [
        ("tracks_left_out", "Heard: sound track 1; left out: 2. The option `tracks` chooses others.")
    ]


def test_microphones_on_tracks_of_their_own_are_mixed_or_kept_separate(tmp_path: Path, meeting: np.ndarray) -> None:
    half = len(meeting) // 2
    first, second = meeting.copy(), meeting.copy()
    first[half:], second[:half] = 0, 0
    recording = two_tracks(tmp_path / "two.mov", first, second)
    assert plan(recording).speech == pytest.approx(plan(write_wav(tmp_path / "one.wav", meeting)).speech, rel=0.02)
    apart = plan(recording, channels="separate")
    assert (apart.channels, apart.warnings) == (2, ())
    assert {clip.channel for clip in apart.clips if clip.start < half - RATE} == {0}


@pytest.mark.parametrize("voices", [2, 3, 5, 8])
def test_a_part_s_own_file_holds_the_very_samples_of_every_voice(
    tmp_path: Path, meeting: np.ndarray, voices: int
) -> None:
    """And those of the window of speakers that begins in the part and ends behind it."""
    stop = threading.Event()
    apart = np.stack([np.roll(np.tile(meeting, 2), voice * 300) * (1 - voice / 10) for voice in range(voices)], axis=1)
    recording = write_wav(tmp_path / "voices.wav", apart)
    options = Options.parse({"channels": "separate"}, ["any"])
    plan = cut(recording, options, tmp_path, cutting=Cutting(part_seconds=8, alone_seconds=16))
    assert plan.channels == voices
    assert len(plan.parts) > 1
    whole = np.concatenate(list(read(recording, plan.hearing, stop)[1]), axis=1)
    for part in plan.parts:
        own = np.concatenate(list(read(tmp_path / f"{part.index}.flac", VOICES, stop)[1]), axis=1)
        assert np.array_equal(own, whole[:, part.start : part.end + WINDOW])


def test_in_joined_files_the_track_that_was_asked_for_stays_the_same(tmp_path: Path, meeting: np.ndarray) -> None:
    silence = np.zeros(len(meeting))
    first = two_tracks(tmp_path / "first.mka", silence, meeting, language="eng").read_bytes()
    twice = plan(written(tmp_path / "twice.mka", first + first), tracks=[2])
    assert twice.seconds == pytest.approx(2 * SECONDS, abs=0.2)
    assert twice.speech == pytest.approx(2 * plan(tmp_path / "first.mka", tracks=[2]).speech, rel=0.02)
