"""Recordings as people make them, read as they are heard: a few of each kind. `nox -s recordings` has all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.recordings import pool
from tests.recordings.judge import judge
from tests.recordings.matrix import named
from tests.recordings.mutations import AIR, BASES, base
from tests.recordings.readers import Mutation, planned
from tests.support.acoustics import Sound, load
from tests.support.recordings import RATE

pytestmark = pytest.mark.ffmpeg
MUTATIONS = 150
SEED = 2
"""Other mutations than the whole proof's."""
FEW = (
    "encodings/adpcm_ms_8000_2ch.wav",
    "encodings/mp3lame_ba_48k_16000_1ch.mp3",
    "encodings/aac_8000_1ch.m4a",
    "encodings/asf_wmav2_44100_1ch.wma",
    "encodings/amr_8000_1ch.3gp",
    "rates/pcm_s16le_at_192000.wav",
    "layouts/inverted_flac.flac",
    "layouts/51_behind_aac.m4a",
    "channels/5_masked.wav",
    "channels/13_without_mask.wav",
    "channels/64_only_in_64.wav",
    "late sound/00_aac_4_s_late.mp4",
    "late sound/04_opus_0.5_s_before.mkv",
    "late sound/08_ac3_ar_48000_4_s_late.ts",
    "late sound/15_s16le_ar_48000_0_s_late.mxf",
    "lost packets/opus_every_tenth.mka",
    "lost packets/aac_bursts.mp4",
    "stamps/opus_jitter.mka",
    "stamps/opus_one_a_day_ahead.mka",
    "stamps/aac_back_3_s.mkv",
    "pauses/36000_s_opus.webm",
    "damage/aac_zeroed.m4a",
    "damage/vorbis_random.ogg",
    "damage/mp3lame_ba_64k_zeroed.mp3",
    "damage/opus_without_a_mark.opus",
    "cut short/s16le.wav",
    "cut short/flac.flac",
    "cut short/aac.m4a",
    "claims/data_7ffff000_8000.wav",
    "claims/byte_rate_1.wav",
    "claims/slideshow_02_s16le.mov",
    "claims/vbr_without_xing_9.mp3",
    "tracks/silent_first_aac.mp4",
    "tracks/two_voices_pcm_s16le.mov",
    "tracks/two_voices_apart_pcm_s16le.mov",
    "tracks/undecodable_first_libopus.mkv",
    "tracks/second_track_later.mpg",
    "tracks/subtitles.mkv",
    "changes/mp3lame_44100_1ch_then_48000_1ch.mp3",
    "changes/opus_48000_1ch_then_48000_2ch.opus",
    "changes/aac_48000_1ch_then_48000_2ch.ts",
    "refused/unknown_codec.wav",
    "refused/no_sound.mkv",
)
"""Of each kind, and of each manner in which one is read wrongly."""


@pytest.mark.parametrize("name", FEW)
def test_what_people_record_is_read_as_they_hear_it(tmp_path: Path, name: str) -> None:
    assert judge(named(name), tmp_path).faults == ()


SPOILT: dict[str, Callable[[Sound], Sound]] = {
    "60 ms late": lambda sound: np.concatenate([np.zeros(RATE * 6 // 100), sound])[: len(sound)],
    "100 ms short": lambda sound: sound[: -RATE // 10],
    "a second silenced": lambda sound: np.where(np.arange(len(sound)) // RATE == 4, 0, sound),
    "hardly to be heard": lambda sound: sound * 0.01,
    "hummed over": lambda sound: sound + np.sin(np.arange(len(sound)) / 20) / 20,
}


@pytest.mark.parametrize("how", SPOILT)
def test_the_judge_notices_what_is_read_wrongly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr("tests.recordings.judge.load", lambda path: SPOILT[how](load(path)))
    assert judge(named("rates/pcm_s16le_at_16000.wav"), tmp_path).faults


def test_a_changed_file_ends_as_text_or_as_a_code_for_people(tmp_path: Path) -> None:
    names = [*BASES, AIR]
    bases = [base(name, tmp_path / name) for name in names[::3]]
    tasks = [Mutation(bases[number % len(bases)], SEED, number) for number in range(MUTATIONS)]
    assert [(ended.task.name, ended.failure) for ended in pool.run(planned, tasks, seconds=20) if ended.failure] == []
