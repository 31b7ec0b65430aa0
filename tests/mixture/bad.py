"""Files in which nobody can hear anything, each in a way of its own."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.mixture.recording import Recording, Sort
from tests.support.recordings import Maker, channels, damaged, pictures, renamed, riff, silent, talk, written
from tests.support.sounds import archive, concatenation, noise_of_bytes, picture, playlist

KEY = "00112233445566778899aabbccddeeff"
ENCRYPTED = f"-c:a aac -encryption_scheme cenc-aes-ctr -encryption_key {KEY} -encryption_kid {KEY}"
ELSEWHERE = "http://127.0.0.1:9/elsewhere.ts"


def bad() -> Iterator[Recording]:
    """Twenty, as many as every tenth of two hundred."""
    for name, content in _never():
        yield Recording(name=name, sort=Sort.BAD, make=partial(_write, content), code="INVALID_MEDIA")
    for name, make in _once():
        yield Recording(name=name, sort=Sort.BAD, make=make, code="INVALID_MEDIA")
    for name, make in (("silent_film.mp4", partial(pictures, "mpeg4")), ("no_tracks.mp4", partial(_write, _no_tracks))):
        yield Recording(name=name, sort=Sort.BAD, make=make, code="NO_AUDIO_TRACK")


def _never() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """What was never a recording, whatever its name or its header says."""
    yield "empty.mp3", lambda: b""
    yield "notes.mp3", lambda: "Detta är ingen ljudfil.\n".encode() * 200
    yield "random.wav", noise_of_bytes
    yield "archive.m4a", archive
    yield "picture.mp4", picture
    yield "list.m3u8", lambda: playlist(ELSEWHERE)
    yield "list.wav", lambda: concatenation("/etc/hostname")
    yield "error_page.mp3", lambda: b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>\n" * 20
    yield "packed.wav", lambda: gzip.compress(riff(talk()), mtime=0)
    yield "unknown_codec.wav", lambda: riff(talk(), form="u8", tag=0x181C)
    yield "header_only.wav", lambda: riff(silent(0))
    yield "one_hertz.wav", lambda: riff(silent(1), rate=1)
    yield "many_channels.wav", lambda: riff(channels(silent(1), 999))


def _once() -> Iterator[tuple[str, Maker]]:
    """What was a recording once."""
    yield "lost_its_index.m4a", written("-c:a aac", change=lambda data: data[: len(data) * 6 // 10])
    yield "damaged_index.m4a", written("-c:a aac", change=lambda data: data.replace(b"moov", b"m00v"))
    yield "nobodys_codec.mov", written("-c:a aac", change=partial(renamed, b"mp4aesds", b"apacdapa"))
    yield "encrypted.mp4", written(ENCRYPTED)
    yield "damaged.flac", written("-c:a flac", change=partial(damaged, first=0.02, last=1.0, seed=3))


def _no_tracks() -> bytes:
    def box(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I4s", len(content) + 8, kind) + content

    return box(b"ftyp", b"isom\0\0\2\0isom") + box(b"moov", box(b"mvhd", bytes(100))) + box(b"mdat", bytes(5_000))


def _write(content: Callable[[], bytes], path: Path) -> None:
    path.write_bytes(content())
