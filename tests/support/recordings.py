"""Recordings as people make them, whole and broken: what is said in them, and when, is known.

A maker writes one file. Voices are cut from the example meeting; FFmpeg's program writes what it can write, and what it
would not write (placeholders, stamps that jump, damage) is made by hand.
"""

from __future__ import annotations

import functools
import shlex
import struct
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np
import numpy.typing as npt

from tests.support.programs import find

Sound = npt.NDArray[np.float32]
"""Shape (samples,) or (samples, channels), full scale 1, at 16 kHz."""
Untyped: TypeAlias = Any
"""An object of a library without type information."""
RATE = 16_000
MEETING = Path("examples/audio/meeting.mp3")
PIECES = (66.35, 70.27, 102.4, 46.75, 96.5, 40.83, 108.0, 6.78)
"""Seconds of the meeting at which the sentences begin: four of one talk, four of another."""
LENGTH = 2.4
"""Seconds of each, so that files are small: most end before their last word."""
STARTS = (0.4, 3.5, 6.4, 9.7)
"""Seconds of a talk at which its sentences begin."""
SECONDS = 12.5
"""Length of a talk."""


@dataclass(frozen=True)
class Said:
    """A sentence, and the second of the player's clock at which it begins."""

    sentence: int
    at: float
    channel: int = 0

    @property
    def end(self) -> float:
        return self.at + LENGTH


def said(talk: int = 0, *, at: float = 0.0, channel: int = 0) -> tuple[Said, ...]:
    """What a talk says, if it begins at this second."""
    return tuple(Said(4 * talk + number, at + start, channel) for number, start in enumerate(STARTS))


def between(what: Iterable[Said], first: float, last: float) -> tuple[Said, ...]:
    """What is said wholly within a stretch."""
    return tuple(one for one in what if one.at >= first and one.end <= last)


@functools.cache
def _meeting() -> Sound:
    return np.frombuffer(ffmpeg(f"-i {MEETING} -ac 1 -ar {RATE} -f f32le -"), np.float32)


def sentence(number: int) -> Sound:
    """One of eight, shape (samples,)."""
    start = round(PIECES[number] * RATE)
    piece = _meeting()[start : start + round(LENGTH * RATE)].copy()
    piece[-160:] *= np.linspace(1, 0, 160, dtype=np.float32)
    return piece


def spoken(what: Iterable[Said], seconds: float = SECONDS) -> Sound:
    """Sentences where they are said, and silence; shape (samples,)."""
    sound = np.zeros(round(seconds * RATE), np.float32)
    for one in what:
        start = round(one.at * RATE)
        piece = sentence(one.sentence)[: max(0, len(sound) - start)]
        sound[start : start + len(piece)] += piece
    return sound


@functools.cache
def talk(number: int = 0) -> Sound:
    """The first or second talk, shape (samples,)."""
    return spoken(said(number))


def silent(seconds: float = SECONDS) -> Sound:
    return np.zeros(round(seconds * RATE), np.float32)


def channels(*sounds: Sound | int) -> Sound:
    """Sounds side by side; a number is that of silent channels."""
    length = max(len(sound) for sound in sounds if not isinstance(sound, int))
    columns: list[Sound] = []
    for sound in sounds:
        columns.extend([np.zeros(length, np.float32)] * sound if isinstance(sound, int) else [sound])
    return np.stack(columns, axis=1)


# What FFmpeg's program writes.


def ffmpeg(arguments: str | Sequence[str]) -> bytes:
    """Its standard output; what it complains of is raised."""
    words = shlex.split(arguments) if isinstance(arguments, str) else arguments
    program = find("ffmpeg") or "ffmpeg"
    done = subprocess.run(
        [program, "-nostdin", "-v", "error", "-y", *words], capture_output=True, check=False, timeout=60
    )
    if done.returncode:
        raise RuntimeError(f"ffmpeg {shlex.join(words)}: {done.stderr.decode(errors='replace')[-600:]}")
    return done.stdout


@dataclass(frozen=True)
class Track:
    """A sound track: its sound, and how much later than the file it begins."""

    sound: Sound
    late: float = 0.0


def record(path: Path, options: str, *tracks: Sound | Track, picture: str = "", picture_late: float = 0.0) -> Path:
    """Write tracks with FFmpeg's options for the output; `picture` are those for a black picture of the same length."""
    given = [track if isinstance(track, Track) else Track(track) for track in tracks]
    words: list[str] = []
    if picture:
        length = max(track.late + len(track.sound) / RATE for track in given)
        seconds, _, codec = picture.rpartition(":")
        words += shlex.split(f"-f lavfi -itsoffset {picture_late} -t {seconds or length} -i color=black:s=64x64:r=5")
    wavs = [path.with_name(f"{path.stem}.track{number}") for number in range(len(given))]
    for wav, track in zip(wavs, given, strict=True):
        wav.write_bytes(riff(track.sound, form="f32"))
        words += ["-itsoffset", str(track.late), "-f", "wav", "-i", str(wav)]
    for number in range(len(given) + bool(picture)):
        words += ["-map", f"{number}"]
    if picture:
        words += ["-c:v", *shlex.split(codec)]
    ffmpeg([*words, *shlex.split(options), str(path)])
    for wav in wavs:
        wav.unlink()
    return path


def joined(path: Path, *parts: Path) -> Path:
    """As `cat` does it."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    for part in parts:
        part.unlink()
    return path


# Bytes by hand.

FORMS = {"u8": (1, 8), "s16": (1, 16), "s24": (1, 24), "s32": (1, 32), "f32": (3, 32), "f64": (3, 64)}
"""Format tags of WAV, and bits."""
_EXTENSIBLE = 0xFFFE
_SUBFORMAT = bytes.fromhex("000000001000800000aa00389b71")


def pcm(sound: Sound, form: str = "s16") -> bytes:
    """Little-endian samples."""
    if form.startswith("f"):
        return sound.astype(f"<f{FORMS[form][1] // 8}").tobytes()
    bits = FORMS[form][1]
    whole = np.rint(np.clip(sound.astype(np.float64), -1, 1) * (2 ** (bits - 1) - 1)).astype("<i4")
    if form == "u8":
        return (whole + 128).astype(np.uint8).tobytes()
    return np.ascontiguousarray(whole.reshape(-1, 1).view(np.uint8)[:, : bits // 8]).tobytes()


def riff(
    sound: Sound,
    rate: int = RATE,
    *,
    form: str = "s16",
    tag: int | None = None,
    mask: int | None = None,
    size: int | None = None,
    byte_rate: int | None = None,
    align: int | None = None,
) -> bytes:
    """A WAV; whatever its header should say falsely can be given. With a mask it is one of the extensible kind."""
    count = 1 if sound.ndim == 1 else sound.shape[1]
    known, bits = FORMS[form]
    block = count * bits // 8
    data = pcm(sound, form)
    fields = struct.pack(
        "<HHIIHH",
        *(known if tag is None else tag, count, rate),
        *(rate * block if byte_rate is None else byte_rate, block if align is None else align, bits),
    )
    if mask is not None:
        fields = struct.pack("<H", _EXTENSIBLE) + fields[2:]
        fields += struct.pack("<HHIH", 22, bits, mask, known) + _SUBFORMAT
    size = len(data) if size is None else size
    whole = min(size + 20 + len(fields), 0xFFFFFFFF)
    return (
        b"RIFF"
        + struct.pack("<I4s4sI", whole, b"WAVE", b"fmt ", len(fields))
        + fields
        + b"data"
        + (struct.pack("<I", size) + data)
    )


def damaged(data: bytes, first: float, last: float, *, seed: int | None = None) -> bytes:
    """Zeros, or random bytes, in place of a stretch that is given as shares of the whole."""
    start, end = int(first * len(data)), int(last * len(data))
    instead = bytes(end - start) if seed is None else np.random.default_rng(seed).bytes(end - start)
    return data[:start] + instead + data[end:]


def replaced(data: bytes, old: bytes, new: bytes, *, count: int = 1) -> bytes:
    """The first occurrences of some bytes exchanged for as many others; they must be there."""
    if data.count(old) < count or len(old) != len(new):
        raise ValueError(f"{old!r} is not there {count} times")
    return data.replace(old, new, count)


# Packets, with stamps of their own.


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


def lost(numbers: Callable[[int], bool]) -> Stamps:
    """Packets left out, with the others' stamps kept."""
    return lambda given: [packet for number, packet in enumerate(given) if not numbers(number)]


def missing(when: Callable[[float], bool]) -> Stamps:
    """Packets left out by their time."""
    return lambda given: [packet for packet in given if not when(packet.at)]


def moved(change: Callable[[int, float], float]) -> Stamps:
    """Each stamp changed by its number and its time."""
    return lambda given: [replace(packet, at=change(number, packet.at)) for number, packet in enumerate(given)]


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
