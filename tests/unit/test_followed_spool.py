"""A spool is observed while it is written: every window once, in order, whenever its sound comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from services.gpu_worker.engine.plan.spool import spooled
from services.gpu_worker.engine.speakers import following
from services.gpu_worker.engine.speakers.grid import STEP, WINDOW, windows_between
from services.gpu_worker.engine.stopping import StoppedError

Samples = npt.NDArray[np.int16]
Follow = Callable[..., Iterator[Any]]
LENGTH = 4 * WINDOW + 777


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Follow:
    """Follows a spool; what is observed in a window is its samples."""

    def observe(_: object, windows: Sequence[Samples]) -> list[Samples]:
        return list(windows)

    monkeypatch.setattr(following, "OnnxNetworks", lambda _: None)
    monkeypatch.setattr(following, "observe", observe)

    def run(spool: Path, **given: Any) -> Iterator[Any]:
        given = {"first": 0, "stop": threading.Event(), **given}
        return following.follow(spool, tmp_path, **given)

    return run


def recording(voices: int = 1) -> Samples:
    return np.random.default_rng(1).integers(-1_000, 1_000, (voices, LENGTH), np.int16)


def blocks(sound: Samples) -> Iterator[Samples]:
    for start in range(0, sound.shape[1], 16_000):
        yield sound[:, start : start + 16_000]


def write(sound: Samples, folder: Path) -> None:
    for _ in spooled(blocks(sound), folder):
        pass


def window(sound: Samples, voice: int, index: int) -> Samples:
    found = sound[voice, index * STEP : index * STEP + WINDOW]
    return np.pad(found, (0, WINDOW - len(found)))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("voices", [1, 2])
def test_every_window_of_every_voice_is_observed_once_and_in_order(
    follow: Follow, tmp_path: Path, voices: int, threads: int
) -> None:
    sound = recording(voices)
    write(sound, tmp_path)
    found = list(follow(tmp_path, threads=threads))
    assert [one.index for one in found] == list(windows_between(0, LENGTH))
    for one in found:
        for voice, samples in enumerate(one.voices):
            assert np.array_equal(samples, window(sound, voice, one.index))


def test_a_window_is_observed_while_the_rest_is_still_to_be_read(follow: Follow, tmp_path: Path) -> None:
    """The first group comes although the recording does not end before it has."""
    came = threading.Event()

    def waiting() -> Iterator[Samples]:
        sound = recording()
        half = following.GROUP * STEP + WINDOW
        yield sound[:, :half]
        assert came.wait(20)
        yield sound[:, half:]

    reading = threading.Thread(target=lambda: [None for _ in spooled(waiting(), tmp_path)])
    reading.start()
    found = follow(tmp_path)
    assert next(found).index == 0
    came.set()
    rest = list(found)
    reading.join()
    assert [one.index for one in rest] == list(windows_between(0, LENGTH))[1:]


def test_the_windows_of_a_part_are_the_same_from_its_own_file(follow: Follow, tmp_path: Path) -> None:
    """Its sound begins somewhere between two windows, and goes on for a window behind its end."""
    sound, start, end = recording(), WINDOW + 123, 3 * WINDOW + 456
    whole, part = tmp_path / "whole", tmp_path / "part"
    whole.mkdir()
    part.mkdir()
    write(sound, whole)
    write(sound[:, start : end + WINDOW], part)
    wanted = windows_between(start, end)
    here = list(follow(whole, first=wanted.start, last=wanted.stop))
    there = list(follow(part, first=wanted.start, last=wanted.stop, offset=start))
    assert [one.index for one in here] == [one.index for one in there] == list(wanted)
    for one, other in zip(here, there, strict=True):
        assert np.array_equal(one.voices[0], other.voices[0])


def test_parts_share_all_windows_among_them() -> None:
    cuts = [0, 5, STEP, STEP + 1, 3 * STEP - 1, LENGTH]
    shared = [index for start, end in pairwise(cuts) for index in windows_between(start, end)]
    assert shared == list(windows_between(0, LENGTH))


def test_a_stop_ends_the_waiting_for_sound(follow: Follow, tmp_path: Path) -> None:
    stop = threading.Event()
    found = follow(tmp_path, stop=stop)
    ended = threading.Timer(0.05, stop.set)
    ended.start()
    with pytest.raises(StoppedError):
        next(found)


def test_a_recording_shorter_than_a_window_has_one(follow: Follow, tmp_path: Path) -> None:
    sound = recording()[:, :1_000]
    write(sound, tmp_path)
    (only,) = follow(tmp_path)
    assert np.array_equal(only.voices[0][:1_000], sound[0])
    assert not only.voices[0][1_000:].any()
