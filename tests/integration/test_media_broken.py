"""Recordings that are damaged, cut or joined: read to their end, and what is missing is said."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from services.common.domain.errors import InvalidMediaError
from services.gpu_worker.engine.audio.samples import Piece
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.audio.track import Track
from tests.support.acoustics import transcode, write_wav
from tests.support.audio import MEETING
from tests.support.media import SECONDS, plan, written


@pytest.mark.parametrize(
    ("name", "codec", "form"),
    [("cut.flac", "flac", "s16"), ("cut.wav", "pcm_s16le", "s16"), ("cut.webm", "libopus", "s16")],
)
def test_a_file_cut_short_is_read_as_far_as_it_goes_and_says_where(
    tmp_path: Path, talk: Path, name: str, codec: str, form: str
) -> None:
    whole = transcode(talk, tmp_path / name, codec=codec, rate=16000, form=form).read_bytes()
    cut = plan(written(tmp_path / name, whole[: len(whole) * 6 // 10]))
    assert cut.truncated_at == pytest.approx(0.6 * SECONDS, rel=0.1)
    assert "truncated" in cut.warnings


def test_damage_in_the_middle_is_passed_over_reported_and_moves_no_time(tmp_path: Path, talk: Path) -> None:
    data = bytearray(transcode(talk, tmp_path / "whole.flac", codec="flac", rate=16000, form="s16").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 20_000] = np.random.default_rng(0).bytes(20_000)
    damaged = plan(written(tmp_path / "damaged.flac", bytes(data)))
    assert damaged.seconds == pytest.approx(SECONDS, abs=0.2)
    assert "gaps" in damaged.warnings


def test_an_error_that_nobody_foresaw_ends_the_reading_not_the_machine(
    talk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = Track.feed
    packets = 0

    def broken(track: Track, packet: object) -> Iterator[Piece]:
        nonlocal packets
        packets += 1
        if packets > 300:
            raise IndexError("tuple index out of range")
        return feed(track, packet)

    monkeypatch.setattr(Track, "feed", broken)
    read_until_then = plan(talk)
    assert "truncated" in read_until_then.warnings
    assert 0 < (read_until_then.truncated_at or 0) < SECONDS
    packets = 1000
    with pytest.raises(InvalidMediaError):
        plan(talk)


@pytest.mark.parametrize("before", [b"", b"TAG" + bytes(125), bytes(500), b"APETAGEX" + bytes(24)])
def test_a_tag_with_a_cover_between_joined_files_is_no_lost_sound(tmp_path: Path, before: bytes) -> None:
    size = 300_000
    tag = b"ID3\x04\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + b"\xff\xd8" * (size // 2)
    data = MEETING.read_bytes()
    once, twice = plan(MEETING), plan(written(tmp_path / "twice.mp3", data + before + tag + data))
    assert twice.seconds == pytest.approx(2 * once.seconds, abs=0.2)
    assert twice.warnings == ()


def test_a_thousand_files_joined_are_read_and_what_is_beyond_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = write_wav(tmp_path / "second.wav", np.zeros(RATE)).read_bytes()
    monkeypatch.setattr("services.gpu_worker.engine.audio.openings.MOST_OPENINGS", 20)
    assert plan(written(tmp_path / "few.wav", second * 20)).seconds == 20
    many = plan(written(tmp_path / "many.wav", second * 30))
    assert (many.truncated_at, many.seconds) == (21, 21)


def test_what_only_looks_like_the_beginning_of_a_file_costs_little(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "noise.wav", np.zeros(RATE))
    path.write_bytes(path.read_bytes() + b"RIFF\xff\xff\0\0WAVEfmt " * 100_000)
    began = time.process_time()
    assert plan(path).seconds == 1
    assert time.process_time() - began < 10


@pytest.mark.parametrize(("behind", "seconds"), [(b"sound", 26.0), (b"\0", 13.0), (b"LIST\x10\0\0\0INFO", 13.0)])
def test_sound_behind_a_stale_length_is_read_and_room_that_was_never_written_is_not(
    tmp_path: Path, talk: Path, behind: bytes, seconds: float
) -> None:
    data = bytearray(talk.read_bytes())
    half = 44 + (len(data) - 44) // 2
    data[40:44] = (half - 44).to_bytes(4, "little")
    tail = data[half:] if behind == b"sound" else behind * (30_000_000 // len(behind))
    began = time.process_time()
    read_whole = plan(written(tmp_path / "stale.wav", bytes(data[:half] + tail)))
    assert time.process_time() - began < 10
    assert read_whole.seconds == pytest.approx(seconds, abs=0.1)
    assert read_whole.warnings == ()


def test_damage_of_any_length_is_gone_on_behind(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 120 * RATE)
    whole = transcode(
        write_wav(tmp_path / "noise.wav", noise), tmp_path / "noise.ogg", codec="flac", rate=48000, form="s16"
    )
    data = bytearray(whole.read_bytes())
    hole = slice(len(data) // 4, len(data) * 3 // 4)
    assert hole.stop - hole.start > 2_000_000
    data[hole] = bytes(hole.stop - hole.start)
    damaged = plan(written(tmp_path / "hole.ogg", bytes(data)))
    assert damaged.seconds == pytest.approx(120, abs=0.2)
    assert "gaps" in damaged.warnings


def test_fragments_of_joined_recordings_are_read_each_once(tmp_path: Path, talk: Path) -> None:
    fragments = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "4000000"}
    once = transcode(talk, tmp_path / "once.mp4", codec="aac", rate=22050, form="fltp", **fragments)
    twice = plan(written(tmp_path / "twice.mp4", once.read_bytes() * 2))
    assert twice.seconds == pytest.approx(2 * plan(once).seconds, abs=0.1)
    assert twice.warnings == ()
