"""What is transcribed: the meeting, and eleven minutes that are the meeting five times over with pauses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.gpu_worker.engine.audio.sound import RATE
from tests.peers.starts import Sentence
from tests.support.accuracy import MEETING
from tests.support.acoustics import load, write_wav

TIMES = 5
PAUSE_SECONDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A file, and what is said in it."""

    name: str
    path: Path
    sentences: list[Sentence]

    @property
    def text(self) -> str:
        return " ".join(sentence.text for sentence in self.sentences)


def recordings(folder: Path) -> list[Recording]:
    """The meeting as it is, and the longer one as WAV in a folder."""
    sound = load(MEETING)
    once = np.concatenate([sound, np.zeros(PAUSE_SECONDS * RATE)])
    path = write_wav(folder / "eleven_minutes.wav", np.tile(once, TIMES))
    said = json.loads(MEETING.with_suffix(".json").read_text(encoding="utf-8"))

    def sentences(times: int) -> list[Sentence]:
        begins = [index * len(once) / RATE for index in range(times)]
        return [Sentence(start=began + entry["start"], text=entry["text"]) for began in begins for entry in said]

    return [
        Recording(name="meeting, two minutes of MP3", path=MEETING, sentences=sentences(1)),
        Recording(name="eleven minutes of WAV", path=path, sentences=sentences(TIMES)),
    ]
