"""The made recordings, and the files in which a recording and its truth are kept: NAME.wav, NAME.rttm, NAME.json."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tests.bench.speakers import oddities
from tests.bench.speakers.dialogues import Made, dialogue
from tests.bench.speakers.turns import Turn, read_rttm, write_rttm
from tests.bench.speakers.voices import VOICES
from tests.bench.speakers.word_errors import SpokenWord
from tests.support.acoustics import Sound, load, telephone_band, transcode, with_noise, write_wav

NOISE_DECIBELS = 10
SOUNDS = (".flac", ".mp3", ".wav")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """What a made dialogue is like. The condition is "clean", "noise", "telephone" or "overlap"."""

    speakers: int
    minutes: float
    condition: str = "clean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A file with its truth; the words are empty if nobody knows them."""

    name: str
    path: Path
    turns: Sequence[Turn]
    words: Sequence[SpokenWord]


DIALOGUES: Mapping[str, Dialogue] = {
    **{f"clean-{number}": Dialogue(speakers=number, minutes=5) for number in (2, 3, 5, 8)},
    **{f"noise-{number}": Dialogue(speakers=number, minutes=5, condition="noise") for number in (2, 4, 6)},
    **{f"telephone-{number}": Dialogue(speakers=number, minutes=5, condition="telephone") for number in (2, 3, 5)},
    **{f"overlap-{number}": Dialogue(speakers=number, minutes=5, condition="overlap") for number in (2, 4, 7)},
    "half-hour-clean-4": Dialogue(speakers=4, minutes=30),
    "half-hour-overlap-6": Dialogue(speakers=6, minutes=30, condition="overlap"),
    "two-hours-5": Dialogue(speakers=5, minutes=120),
    "monologue": Dialogue(speakers=1, minutes=10),
}
ODDITIES: Mapping[str, Callable[[Executor], Made]] = {
    "nobody": oddities.nobody,
    "whisper-and-shout": oddities.whisper_and_shout,
    "hundred": oddities.hundred,
}
NAMES = (*DIALOGUES, *ODDITIES)


def made(names: Sequence[str], folder: Path) -> Iterator[Recording]:
    """Make those of the recordings that the folder does not hold, and read their truth."""
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        for name in names:
            if not (folder / f"{name}.json").exists():
                _make(name, folder, workers)
            yield recording(folder / f"{name}.wav")


def of_folder(folder: Path) -> Iterator[Recording]:
    """All recordings that lie in a folder with an RTTM file of the same name, or are named in one beside them."""
    for path in sorted(folder.iterdir()):
        if path.suffix in SOUNDS and any(path.stem in read_rttm(truth) for truth in folder.glob("*.rttm")):
            yield recording(path)


def recording(path: Path) -> Recording:
    """A recording, the turns of all RTTM files beside it that name it, and its words, if they are known."""
    turns = [turn for truth in path.parent.glob("*.rttm") for turn in read_rttm(truth).get(path.stem, [])]
    words = path.with_suffix(".json")
    said = json.loads(words.read_text(encoding="utf-8")) if words.exists() else []
    spoken = [SpokenWord(word["text"], word["speaker"]) for word in said]
    return Recording(name=path.stem, path=path, turns=turns, words=spoken)


def _make(name: str, folder: Path, workers: Executor) -> None:
    """Write the three files, the words last: where they are, all is there."""
    truth = _dialogue(name, folder, workers) if name in DIALOGUES else ODDITIES[name](workers)
    write_wav(folder / f"{name}.wav", truth.sound.astype(np.float64))
    write_truth(folder / f"{name}.wav", truth)


def write_truth(path: Path, truth: Made) -> None:
    """Write both files of the truth beside a recording."""
    write_rttm(path.with_suffix(".rttm"), path.stem, truth.turns)
    words = json.dumps([asdict(word) for word in truth.words], indent=0)
    path.with_suffix(".json").write_text(words, encoding="utf-8")


def _dialogue(name: str, folder: Path, workers: Executor) -> Made:
    wanted = DIALOGUES[name]
    seed = list(DIALOGUES).index(name) + 1
    voices = random.Random(seed).sample(VOICES, wanted.speakers)
    overlapping = wanted.condition == "overlap"
    truth = dialogue(voices, wanted.minutes * 60, seed=seed, overlapping=overlapping, workers=workers)
    if wanted.condition == "noise":
        truth.sound = with_noise(truth.sound.astype(np.float64), NOISE_DECIBELS, seed).astype(np.float32)
    if wanted.condition == "telephone":
        truth.sound = over_the_phone(truth.sound.astype(np.float64), folder / f"{name}-telephone").astype(np.float32)
    return truth


def over_the_phone(sound: Sound, path: Path) -> Sound:
    """As a telephone exchange passes it on: its band, 8 kHz, A-law."""
    wide = write_wav(path.with_suffix(".wide.wav"), telephone_band(sound))
    narrow = transcode(wide, path.with_suffix(".narrow.wav"), codec="pcm_alaw", rate=8000, form="s16")
    heard = load(narrow)
    wide.unlink()
    narrow.unlink()
    return heard
