"""faster-whisper's own batched pipeline, called as its documentation does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faster_whisper import BatchedInferencePipeline, WhisperModel

from tests.peers.heard import Hear, Settings, Unit


@contextmanager
def loaded(model: Path, load: Settings, transcribe: Settings) -> Iterator[Hear]:
    pipeline = BatchedInferencePipeline(WhisperModel(str(model), **load))

    def hear(path: Path) -> list[Unit]:
        segments, _ = pipeline.transcribe(str(path), **transcribe)
        timed = [unit for segment in segments for unit in (segment.words or [segment])]
        return [Unit(unit.start, unit.word if hasattr(unit, "word") else unit.text) for unit in timed]

    yield hear
