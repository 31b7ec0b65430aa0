"""Recordings as people make them, whole and broken: what is said in them, and when, is known.

A maker writes one file. Voices are cut from the example meeting; FFmpeg's program writes what it can write, and what it
would not write (placeholders, stamps that jump, damage) is made by hand.
"""

from __future__ import annotations

import functools
import shlex
import struct
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.support.programs import find

Sound = npt.NDArray[np.float32]
"""Shape (samples,) or (samples, channels), full scale 1, at 16 kHz."""
Maker = Callable[[Path], object]
"""Writes one file."""
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


def two_talks() -> Sound:
    """Twice as long, for what needs room."""
    return spoken((*said(), *said(1, at=SECONDS)), 2 * SECONDS)


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
    """Run FFmpeg and return its standard output; raises its messages as an error, if it fails."""
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


def written(
    options: str,
    *sounds: Callable[[], Sound | Track],
    picture: str = "",
    picture_late: float = 0.0,
    change: Callable[[bytes], bytes] | None = None,
) -> Maker:
    """A maker of such a file, of a talk unless said otherwise; its bytes may be changed afterwards."""

    def make(path: Path) -> None:
        record(path, options, *(sound() for sound in sounds or (talk,)), picture=picture, picture_late=picture_late)
        if change:
            path.write_bytes(change(path.read_bytes()))

    return make


def piped(options: str, path: Path) -> None:
    """Written to a pipe, so that nothing can be filled in afterwards."""
    wav = path.with_suffix(".track")
    wav.write_bytes(riff(talk()))
    path.write_bytes(ffmpeg(f"-f wav -i {wav} {options} pipe:1"))
    wav.unlink()


def subtitled(codec: str, path: Path) -> None:
    """With a subtitle that is shown until long after the sound has ended."""
    wav, text = path.with_suffix(".track"), path.with_suffix(".srt")
    wav.write_bytes(riff(talk()))
    text.write_text("1\n00:00:00,400 --> 00:00:20,800\nKan du berätta hur det började?\n")
    sound = "libopus" if path.suffix == ".webm" else "aac"
    ffmpeg(f"-f wav -i {wav} -i {text} -map 1 -map 0 -c:a {sound} -c:s {codec} {path}")


def covered(path: Path) -> None:
    """With a picture for its cover."""
    wav, picture = path.with_suffix(".track"), path.with_suffix(".png")
    wav.write_bytes(riff(talk()))
    ffmpeg(f"-f lavfi -i color=black:s=64x64 -frames:v 1 {picture}")
    ffmpeg(f"-f wav -i {wav} -i {picture} -map 0 -map 1 -c:v copy -disposition:v attached_pic {path}")


def pictures(codec: str, path: Path) -> None:
    """No sound at all."""
    ffmpeg(f"-f lavfi -t 2 -i color=black:s=64x64:r=5 -c:v {codec} {path}")


# Files joined, as `cat` does it.

HALF = 6.1
"""Seconds of a talk at which a second file goes on with it."""
LATER = 60.0
"""Seconds after which FFmpeg looks no further for tracks."""
SECTOR = 2048
"""Bytes, of a disc."""


def joined(path: Path, *parts: Path) -> Path:
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    for part in parts:
        part.unlink()
    return path


def halves(first: str, second: str, path: Path) -> Path:
    """A talk in two files, each with FFmpeg's options of its own."""
    at = round(HALF * RATE)
    one, two = path.with_name(f"one{path.suffix}"), path.with_name(f"two{path.suffix}")
    return joined(path, record(one, first, talk()[:at]), record(two, second, talk()[at:]))


def later_programme(path: Path) -> None:
    """A stream for broadcast whose second half has another track besides."""
    one, two = path.with_name("one.ts"), path.with_name("two.ts")
    record(one, "-c:a mp2 -ar 48000", spoken(said(), LATER))
    record(two, f"-c:a mp2 -ar 48000 -output_ts_offset {LATER}", talk(1), talk())
    joined(path, one, two)


def later_track(path: Path) -> None:
    """A disc on which a second track begins, and ends, where FFmpeg does not look for one."""
    options = "-f vob -c:a mp2 -ar 24000 -b:a 32k"
    record(path, options, spoken((*said(), *said(1, at=LATER)), LATER + SECONDS))
    other = record(path.with_name("other.mpg"), options, talk(1))
    sectors = other.read_bytes()[SECTOR : 3 * SECTOR].replace(b"\0\0\1\xc0", b"\0\0\1\xc1")
    data = path.read_bytes()
    path.write_bytes(data[: 12 * SECTOR] + sectors + data[12 * SECTOR :])
    other.unlink()


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
        return bytes((whole + 128).astype(np.uint8))
    return bytes(np.ascontiguousarray(whole.reshape(-1, 1).view(np.uint8)[:, : bits // 8]))


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


def longer_than(seconds: int, path: Path) -> None:
    """A WAV that claims this much, and whose size bears it out; nothing is said in it, and no disk is filled."""
    path.write_bytes(riff(silent(1), size=2 * RATE * seconds))
    with path.open("ab") as file:
        file.truncate(2 * RATE * seconds + 44)


def without_flac_length(data: bytes) -> bytes:
    """A FLAC as encoders begin it, which count the samples only afterwards."""
    return data[:21] + bytes([data[21] & 0xF0]) + bytes(4) + data[26:]


def damaged(data: bytes, first: float, last: float, *, seed: int | None = None) -> bytes:
    """Zeros, or random bytes, in place of a stretch that is given as shares of the whole."""
    start, end = int(first * len(data)), int(last * len(data))
    instead = bytes(end - start) if seed is None else np.random.default_rng(seed).bytes(end - start)
    return data[:start] + instead + data[end:]


def replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    """Some bytes exchanged for as many others where they occur first, which they must."""
    if old not in data or len(old) != len(new):
        raise ValueError(f"{old!r} cannot be exchanged")
    return data.replace(old, new, 1)


def without_a_mark(data: bytes, mark: bytes) -> bytes:
    """What a page begins with, overwritten in the middle of the file."""
    at = data.index(mark, len(data) // 2)
    return data[:at] + bytes(len(mark)) + data[at + len(mark) :]


def renamed(old: bytes, new: bytes, data: bytes) -> bytes:
    """The first track's codec under an unknown name; in MP4 (eight letters) with the box that describes it."""
    for at in range(0, len(old), 4) if len(old) == 8 else ():
        data = replaced(data, old[at : at + 4], new[at : at + 4])
    return data if len(old) == 8 else replaced(data, old, new)
