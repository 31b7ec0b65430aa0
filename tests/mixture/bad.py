"""Files in which nobody can hear anything, each in a way of its own."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from functools import partial
from itertools import zip_longest
from pathlib import Path

from tests.mixture.recording import Recording, Sort
from tests.support.recordings import Maker, channels, damaged, pictures, renamed, riff, silent, talk, written
from tests.support.sounds import archive, concatenation, noise_of_bytes, picture, playlist

KEY = "00112233445566778899aabbccddeeff"
ENCRYPTED = f"-c:a aac -encryption_scheme cenc-aes-ctr -encryption_key {KEY} -encryption_kid {KEY}"
ELSEWHERE = "http://127.0.0.1:9/elsewhere.ts"


def bad() -> list[Recording]:
    """Twenty, as many as every tenth of two hundred; the first few are of all three sorts."""
    sorts = (
        [_refused(name, partial(_write, content), "INVALID_MEDIA") for name, content in NEVER.items()],
        [_refused(name, make, "INVALID_MEDIA") for name, make in ONCE.items()],
        [_refused(name, make, "NO_AUDIO_TRACK") for name, make in SOUNDLESS.items()],
    )
    return [one for turn in zip_longest(*sorts) for one in turn if one]


def _refused(name: str, make: Maker, code: str) -> Recording:
    return Recording(name=name, sort=Sort.BAD, make=make, code=code)


def _write(content: Callable[[], bytes], path: Path) -> None:
    path.write_bytes(content())


def _no_tracks() -> bytes:
    def box(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I4s", len(content) + 8, kind) + content

    return box(b"ftyp", b"isom\0\0\2\0isom") + box(b"moov", box(b"mvhd", bytes(100))) + box(b"mdat", bytes(5_000))


NEVER: dict[str, Callable[[], bytes]] = {
    "empty.mp3": bytes,
    "unknown_codec.wav": lambda: riff(talk(), form="u8", tag=0x181C),
    "notes.mp3": lambda: "Detta är ingen ljudfil.\n".encode() * 200,
    "random.wav": noise_of_bytes,
    "archive.m4a": archive,
    "picture.mp4": picture,
    "list.m3u8": lambda: playlist(ELSEWHERE),
    "list.wav": lambda: concatenation("/etc/hostname"),
    "error_page.mp3": lambda: b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>\n" * 20,
    "packed.wav": lambda: gzip.compress(riff(talk()), mtime=0),
    "header_only.wav": lambda: riff(silent(0)),
    "one_hertz.wav": lambda: riff(silent(1), rate=1),
    "many_channels.wav": lambda: riff(channels(silent(1), 999)),
}
"""Never a recording, whatever the name or the header says."""
ONCE: dict[str, Maker] = {
    "lost_its_index.m4a": written("-c:a aac", change=lambda data: data[: len(data) * 6 // 10]),
    "nobodys_codec.mov": written("-c:a aac", change=partial(renamed, b"mp4aesds", b"apacdapa")),
    "damaged_index.m4a": written("-c:a aac", change=lambda data: data.replace(b"moov", b"m00v")),
    "encrypted.mp4": written(ENCRYPTED),
    "damaged.flac": written("-c:a flac", change=partial(damaged, first=0.02, last=1.0, seed=3)),
}
"""A recording once, and now what nobody can read."""
SOUNDLESS: dict[str, Maker] = {
    "silent_film.mp4": partial(pictures, "mpeg4"),
    "no_tracks.mp4": partial(_write, _no_tracks),
}
"""Well made, and without any sound."""
