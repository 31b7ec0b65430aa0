"""Recordings of 5 to 30 seconds as people make them: no two have the same words in the same codec."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from tests.mixture.recording import Recording, Sort
from tests.support.recordings import LENGTH, Said, record, spoken

FORMS = (
    ("wav", "-c:a pcm_s16le"),
    ("mp3", "-c:a libmp3lame -b:a 64k"),
    ("m4a", "-c:a aac"),
    ("flac", "-c:a flac"),
    ("ogg", "-c:a libvorbis"),
    ("opus", "-c:a libopus"),
    ("webm", "-c:a libopus"),
    ("wav", "-c:a pcm_mulaw -ar 8000"),
    ("mp3", "-c:a libmp3lame -q:a 5 -ar 44100 -ac 2"),
    ("mka", "-c:a libopus"),
    ("aiff", "-c:a pcm_s16be"),
    ("mov", "-c:a alac"),
    ("ts", "-c:a aac -ar 48000"),
    ("wma", "-f asf -c:a wmav2 -ar 44100"),
    ("m4a", "-c:a aac -movflags +faststart -ar 22050"),
    ("caf", "-c:a pcm_s16be"),
    ("avi", "-c:a libmp3lame"),
    ("flv", "-c:a libmp3lame -ar 44100"),
    ("wv", "-c:a wavpack"),
)
"""Container and options for FFmpeg. Nineteen, so that they fall differently on whatever else repeats."""
SENTENCES = 8
SHORTEST, LONGEST = 5.0, 30.0
PAUSE = 0.8
"""Seconds between two sentences, at least."""


def good(number: int) -> Recording:
    """The good one of this number."""
    extension, options = FORMS[number % len(FORMS)]
    return Recording(name=f"{number:03}.{extension}", sort=Sort.GOOD, make=partial(_make, number, options))


def talk_of(number: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Sentences in an order of their own, with pauses of their own."""
    random = np.random.default_rng(number)
    seconds = round(float(random.uniform(SHORTEST, LONGEST)), 2)
    what, at = [], 0.3
    while at + LENGTH < seconds:
        what.append(Said(int(random.integers(SENTENCES)), at))
        at += LENGTH + float(random.uniform(PAUSE, 3 * PAUSE))
    return spoken(what, seconds)


def _make(number: int, options: str, path: Path) -> None:
    record(path, options, talk_of(number))
