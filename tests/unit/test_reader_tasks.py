"""What a process that works for the worker tells it while it works."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from services.gpu_worker.engine.processes import reader_main
from services.gpu_worker.engine.processes.framing import Frames
from services.gpu_worker.engine.processes.reader_main import Alive
from services.gpu_worker.engine.speakers import voices


def test_to_tell_speakers_apart_shows_signs_of_life_however_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day of speech is clustered for minutes, in which nothing is found; the worker takes silence for a hang."""
    monkeypatch.setattr(reader_main, "ALIVE_SECONDS", 0.001)
    ours, theirs = os.pipe()
    frames = Frames(ours)
    told: list[object] = []

    def clustering(**_: object) -> Iterator[tuple[()]]:
        told.extend(frames.receive(20) for _ in range(2))
        yield ()

    monkeypatch.setattr(voices, "turns_of_voices", clustering)
    try:
        assert list(reader_main._perform("speaker_turns", {}, reader_main._Voice(theirs))) == [()]
    finally:
        os.close(theirs)
        os.close(ours)
    assert told == [Alive(), Alive()]
