"""How a file appears to a player, before any sound of it is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
from av.stream import Disposition

from services.gpu_worker.engine.audio.containers import Untyped, name
from services.gpu_worker.engine.audio.lengths import promised_seconds
from services.gpu_worker.engine.audio.riff import wav
from services.gpu_worker.engine.audio.tags import id3_length

_HEAD = 512
"""Bytes of an MP3 within which its first frame tells that the bit rate varies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """What a file says about itself to whoever plays it."""

    container: str
    """The name of FFmpeg's demuxer, with its aliases."""
    brand: str
    """Of an MP4, such as `isom`; else empty."""
    codec: str
    profile: str
    rate: int
    channels: int
    sound_tracks: int
    pictures: tuple[str, ...]
    """Codec and pixel format of each video track, such as `h264 yuv420p`; a cover is none."""
    begins: float
    """Seconds that its clock shows where it begins."""
    seconds: float | None
    """Where its sound ends, as a player takes it from the header."""
    seekable: bool
    """Whether a player finds each moment: its header is true, has an index, or needs none as the bit rate is constant.
    """


def appearance(path: Path, container: Untyped, stream: Untyped) -> Appearance:
    """How a file appears; `stream` is the sound track that a player would play."""
    codec = stream.codec_context
    promised = promised_seconds(path, container, stream)
    if promised is None and container.duration:
        promised = container.duration / av.time_base
    return Appearance(
        container=container.format.name,
        brand=container.metadata.get("major_brand", "").strip(),
        codec=codec.name,
        profile=str(codec.profile or ""),
        rate=stream.rate or 0,
        channels=stream.channels or 0,
        sound_tracks=len(container.streams.audio),
        pictures=tuple(map(_picture, filter(_moves, container.streams.video))),
        begins=(container.start_time or 0) / av.time_base,
        seconds=promised,
        seekable=_is_seekable(path, container, stream),
    )


def _moves(stream: Untyped) -> bool:
    return not stream.disposition & Disposition.attached_pic


def _picture(stream: Untyped) -> str:
    codec = stream.codec_context
    return f"{codec.name} {codec.pix_fmt}" if codec else "unknown"


def _is_seekable(path: Path, container: Untyped, stream: Untyped) -> bool:
    match name(container):
        case "wav":
            header = wav(path)
            return bool(header and header.size and not header.is_stale and not header.ends_in_zeros)
        case "mp3":
            with path.open("rb") as file:
                file.seek(id3_length(path, 0))
                head = file.read(_HEAD)
            return b"Xing" not in head and b"VBRI" not in head  # a constant bit rate has `Info`, or nothing
        case "mov":
            return bool(stream.frames)  # else the file is in fragments, and its index is spread over it
        case form:
            return form == "flac"
