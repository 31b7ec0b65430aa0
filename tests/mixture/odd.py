"""Files that are unlike what they should be and hold sound all the same; and files of which nobody knows beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np

from tests.mixture.good import FORMS, good
from tests.mixture.recording import Recording, Sort
from tests.support.recordings import (
    Maker,
    Sound,
    channels,
    damaged,
    halves,
    renamed,
    riff,
    silent,
    talk,
    without_flac_length,
    written,
)

HEAD = 4096
"""Bytes in which headers lie: half of all changes are made there."""
CHANGED = 40
"""Bytes that are changed in a file, each by itself."""


def odd() -> Iterator[Recording]:
    """Each kind once, then files changed by chance, without end."""
    for name, make in KINDS.items():
        yield Recording(name=name, sort=Sort.ODD, make=make)
    for seed in count():
        extension = FORMS[seed % len(FORMS)][0]
        yield Recording(name=f"fuzzed_{seed:03}.{extension}", sort=Sort.FUZZED, make=partial(_fuzzed, seed))


def _wav(sound: Callable[[], Sound], **header: int) -> Maker:
    return lambda path: path.write_bytes(riff(sound(), **header))  # type: ignore[arg-type] # what of it is given are numbers


def _fuzzed(seed: int, path: Path) -> None:
    good(seed).make(path)
    random = np.random.default_rng(seed)
    data = bytearray(path.read_bytes())
    for number in range(CHANGED):
        end = min(HEAD, len(data)) if number % 2 else len(data)
        data[int(random.integers(end))] = int(random.integers(256))
    path.write_bytes(data)


KINDS: dict[str, Maker] = {
    "piped_by_sox.wav": _wav(talk, size=0x7FFFF000),
    "first_track_unknown.mov": written("-c:a aac", talk, talk, change=partial(renamed, b"mp4aesds", b"apacdapa")),
    "cut_short.m4a": written("-c:a aac -movflags +faststart", change=lambda data: data[: len(data) * 6 // 10]),
    "damaged.m4a": written("-c:a aac", change=partial(damaged, first=0.4, last=0.55)),
    "really_flac.mp3": written("-f flac -c:a flac"),
    "first_track_silent.mp4": written("-c:a aac", silent, partial(talk, 1), picture="mpeg4"),
    "mono_then_stereo.mp3": partial(halves, "-c:a libmp3lame -ar 44100", "-c:a libmp3lame -ar 44100 -ac 2"),
    "thirteen_channels.wav": _wav(lambda: channels(*[talk()] * 13)),
    "upside_down.flac": written("-c:a flac", lambda: channels(talk(), -talk())),
    "unknown_length.flac": written("-c:a flac", partial(talk, 1), change=without_flac_length),
    "wrong_byte_rate.wav": _wav(partial(talk, 1), byte_rate=1),
    "nobody_speaks.wav": _wav(partial(silent, 8)),
}
"""How people's recordings differ from what programs should write."""
