"""WhisperX, with the detector of speech that its package brings (pyannote's), and without its alignment.

Its alignment needs a model of letters for each language. The one for Swedish is on a hub, not on a package index, so
what it gives here is segments.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import whisperx

from tests.peers.heard import Hear, Settings, Unit


@contextmanager
def loaded(model: Path, load: Settings, transcribe: Settings) -> Iterator[Hear]:
    # Its default, four threads, takes half as much processor time again on two cores: it would only wait for itself.
    pipeline = whisperx.load_model(str(model), threads=len(os.sched_getaffinity(0)), **load)

    def hear(path: Path) -> list[Unit]:
        told = pipeline.transcribe(whisperx.load_audio(str(path)), **transcribe)
        return [Unit(segment["start"], segment["text"]) for segment in told["segments"]]

    yield hear
