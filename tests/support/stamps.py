"""Recordings whose packets are lost, or whose stamps tell lies; and those that FFmpeg's program cannot encode."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np

from tests.support.recordings import RATE, Maker, Sound, pcm, record

Untyped: TypeAlias = Any
"""An object of a library without type information."""
JITTER = (0.013, -0.009, 0.0, 0.015, -0.015, 0.004, -0.012)
"""Seconds."""


@dataclass(frozen=True)
class Packet:
    data: bytes
    at: float
    """Second at which it is played."""
    seconds: float


def packets(path: Path) -> list[Packet]:
    """Those of the first sound track."""
    with av.open(str(path)) as container:
        return [
            Packet(
                bytes(packet), max(0.0, float(packet.pts * packet.time_base)), float(packet.duration * packet.time_base)
            )
            for packet in container.demux(audio=0)
            if packet.pts is not None
        ]


Stamps = Callable[[list[Packet]], Iterable[Packet]]
"""What becomes of the packets."""


def lost(which: Callable[[int, float], bool]) -> Stamps:
    """Packets left out by number or time, with the others' stamps kept."""
    return lambda given: [packet for number, packet in enumerate(given) if not which(number, packet.at)]


def moved(change: Callable[[int, float], float]) -> Stamps:
    """Each stamp changed by its number and its time; none is before the beginning."""
    return lambda given: [
        replace(packet, at=max(0.0, change(number, packet.at))) for number, packet in enumerate(given)
    ]


def jittered() -> Stamps:
    """Stamps as a busy telephone gives them: up to 15 ms off."""
    return moved(lambda number, at: at + JITTER[number % len(JITTER)])


def one_wrong(seconds: float) -> Stamps:
    """A single stamp that is off by so much."""
    return moved(lambda number, at: at + seconds if number == 60 else at)


def shifted(seconds: float, *, after: float) -> Stamps:
    """All stamps from one on: a recorder that was paused, or whose clock was set back."""
    return moved(lambda number, at: at + seconds if at > after else at)


def clock(factor: float) -> Stamps:
    """Stamps of a clock that is not the sound card's."""
    return moved(lambda number, at: at * factor)


Remux = Callable[[Path, Path, Stamps], Path]


def stamped(remux: Remux, options: str, sound: Callable[[], Sound], stamps: Stamps) -> Maker:
    """A maker of a file whose packets have other stamps."""

    def make(path: Path) -> None:
        source = path.with_suffix(".source")
        remux(record(source, f"{options} -f matroska", sound()), path, stamps)

    return make


def remuxed(source: Path, path: Path, stamps: Stamps, options: dict[str, str] | None = None) -> Path:
    """The first sound track anew in another container, whose stamps must not go backwards."""
    changed = list(stamps(packets(source)))
    with av.open(str(source)) as read_from, av.open(str(path), "w", options=options or {}) as container:
        like = read_from.streams.audio[0]
        stream = container.add_stream_from_template(like)
        for packet in changed:
            made = av.Packet(packet.data)
            made.stream, made.time_base = stream, like.time_base
            made.pts = made.dts = round(packet.at / like.time_base)
            made.duration = round(packet.seconds / like.time_base)
            made.is_keyframe = True
            container.mux(made)
    source.unlink()
    return path


MATROSKA_CODECS = {"opus": "A_OPUS", "aac": "A_AAC", "mp3": "A_MPEG/L3", "pcm_s16le": "A_PCM/INT/LIT"}


def matroska(source: Path, path: Path, stamps: Stamps) -> Path:
    """The first sound track in Matroska, a cluster for each packet: stamps may be anything that is not negative."""
    changed = list(stamps(packets(source)))
    with av.open(str(source)) as container:
        context = container.streams.audio[0].codec_context
        name, private = context.codec.canonical_name, context.extradata or b""
        rate, count = context.sample_rate, context.channels
    audio = _element(0xB5, struct.pack(">d", rate)) + _element(0x9F, _number(count))
    audio += _element(0x6264, _number(16)) if name.startswith("pcm") else b""
    entry = _element(0xD7, _number(1)) + _element(0x73C5, _number(1)) + _element(0x83, _number(2))
    entry += _element(0x86, MATROSKA_CODECS[name].encode()) + _element(0xE1, audio)
    entry += _element(0x63A2, private) if private else b""
    head = _element(0x4282, b"matroska") + _element(0x4287, _number(4)) + _element(0x4285, _number(2))
    info = _element(0x2AD7B1, _number(1_000_000)) + _element(0x4D80, b"tests") + _element(0x5741, b"tests")
    clusters = (
        _element(
            0x1F43B675, _element(0xE7, _number(round(packet.at * 1000))) + _element(0xA3, b"\x81\0\0\x80" + packet.data)
        )
        for packet in changed
    )
    segment = _element(0x1549A966, info) + _element(0x1654AE6B, _element(0xAE, entry)) + b"".join(clusters)
    path.write_bytes(_element(0x1A45DFA3, head) + _element(0x18538067, segment))
    source.unlink()
    return path


def _number(value: int) -> bytes:
    return struct.pack(">Q", value)


def _element(name: int, content: bytes) -> bytes:
    """Of EBML, with its size in eight bytes."""
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + b"\x01" + len(content).to_bytes(7, "big") + content


def over_the_air(sound: Sound, path: Path, codec: str = "libopencore_amrnb", rate: int = 8_000) -> Path:
    """AMR, as phones record it; PyAV can encode it where FFmpeg's program cannot."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="mono", format="s16")
        for packet in _encoded(stream, sound, rate):
            container.mux(packet)
    return path


def _encoded(stream: Untyped, sound: Sound, rate: int) -> Iterator[Untyped]:
    resampler = av.AudioResampler(
        format="s16", layout="mono", rate=rate, frame_size=stream.codec_context.frame_size or 160
    )
    frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm(sound), "<i2")[None, :], "s16", "mono")
    frame.rate = RATE
    for whole in (frame, None):
        for resampled in resampler.resample(whole):
            yield from stream.encode(resampled)
    yield from stream.encode(None)
