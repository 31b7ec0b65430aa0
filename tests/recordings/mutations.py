"""Small recordings, each with a few bytes changed as transfer, storage and bad programs change them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.support.recordings import record, said, spoken
from tests.support.stamps import over_the_air

HEAD = 4096
"""Bytes in which headers lie: half of all changes are made there."""
BASES: dict[str, str] = {
    "s16.wav": "-c:a pcm_s16le",
    "adpcm.wav": "-c:a adpcm_ms",
    "mulaw.wav": "-c:a pcm_mulaw -ar 8000",
    "s24.rf64": "-f wav -rf64 always -c:a pcm_s24le",
    "s16.w64": "-c:a pcm_s16le",
    "s16.aiff": "-c:a pcm_s16be",
    "mulaw.au": "-c:a pcm_mulaw",
    "alac.caf": "-c:a alac",
    "s16.flac": "-c:a flac",
    "cbr.mp3": "-c:a libmp3lame -b:a 48k",
    "vbr.mp3": "-c:a libmp3lame -q:a 5 -ar 44100",
    "mp2.mp2": "-f mp2 -c:a mp2",
    "adts.aac": "-c:a aac",
    "aac.m4a": "-c:a aac",
    "alac.m4a": "-c:a alac -movflags +faststart",
    "fragments.mp4": "-c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 500000",
    "pcm.mov": "-c:a pcm_s16le",
    "aac.3gp": "-c:a aac",
    "opus.mka": "-c:a libopus -cluster_time_limit 500",
    "aac.mkv": "-c:a aac -cluster_time_limit 500",
    "opus.webm": "-c:a libopus -cluster_time_limit 500",
    "vorbis.ogg": "-c:a libvorbis",
    "flac.ogg": "-c:a flac",
    "opus.opus": "-c:a libopus",
    "speex.ogg": "-c:a libspeex",
    "a.ac3": "-c:a ac3 -ar 48000",
    "b.eac3": "-c:a eac3 -ar 48000",
    "aac.ts": "-c:a aac",
    "mp2.mpg": "-f vob -c:a mp2 -ar 48000",
    "mp3.avi": "-c:a libmp3lame",
    "wma.wma": "-f asf -c:a wmav2",
    "mp3.flv": "-c:a libmp3lame -ar 44100",
    "a.wv": "-c:a wavpack",
    "a.tta": "-c:a tta",
}
AIR = "a.amr"
SECONDS = 3.0


def base(name: str, path: Path) -> Path:
    """The file that is changed: one sentence."""
    sound = spoken(said()[:1], SECONDS)
    return over_the_air(sound, path) if name == AIR else record(path, BASES[name], sound)


Random = np.random.Generator
Change = Callable[[bytearray, int, Random], bytearray]


def _flipped(data: bytearray, at: int, random: Random) -> bytearray:
    data[at] ^= 1 << int(random.integers(8))
    return data


def _overwritten(data: bytearray, at: int, random: Random) -> bytearray:
    length = int(random.integers(1, 17))
    data[at : at + length] = random.bytes(len(data[at : at + length]))
    return data


def _field(data: bytearray, at: int, random: Random) -> bytearray:
    """A field of four bytes that says nothing, or everything."""
    if at + 4 <= len(data):
        data[at : at + 4] = bytes([0, 0, 0, 0]) if random.integers(2) else bytes([255] * 4)
    return data


def _removed(data: bytearray, at: int, random: Random) -> bytearray:
    return data[:at] + data[at + _block(random) :]


def _doubled(data: bytearray, at: int, random: Random) -> bytearray:
    end = at + _block(random)
    return data[:end] + data[at:]


def _swapped(data: bytearray, at: int, random: Random) -> bytearray:
    size = _block(random)
    return data[:at] + data[at + size : at + 2 * size] + data[at : at + size] + data[at + 2 * size :]


def _cut(data: bytearray, at: int, random: Random) -> bytearray:
    return data[:at]


def _block(random: Random) -> int:
    """1 to 2048 bytes, small ones as often as large ones."""
    return int(2 ** random.uniform(0, 11))


CHANGES: tuple[Change, ...] = (_flipped, _overwritten, _field, _removed, _doubled, _swapped, _cut)
WEIGHTS = (0.25, 0.2, 0.2, 0.1, 0.1, 0.1, 0.05)


def mutated(data: bytes, seed: int, number: int) -> bytes:
    """One to four changes; the same for the same numbers."""
    random = np.random.default_rng([seed, number])
    changed = bytearray(data)
    in_head = bool(random.integers(2))
    for _ in range(int(random.integers(1, 5))):
        if not changed:
            break
        at = int(random.integers(min(len(changed), HEAD) if in_head else len(changed)))
        change = CHANGES[int(random.choice(len(CHANGES), p=WEIGHTS))]
        changed = change(changed, at, random)
    return bytes(changed)
