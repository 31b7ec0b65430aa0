"""Files that lost something, or whose stamps and headers say what is not so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.recordings.case import Case, short
from tests.recordings.whole import PICTURED
from tests.support.recordings import (
    RATE,
    SECONDS,
    Maker,
    Said,
    Sound,
    between,
    damaged,
    longer_than,
    piped,
    riff,
    said,
    silent,
    spoken,
    talk,
    two_talks,
    without_a_mark,
    without_flac_length,
    written,
)
from tests.support.stamps import Stamps, clock, jittered, lost, matroska, one_wrong, remuxed, shifted, stamped

OPUS = "-c:a libopus -frame_duration 20"
AAC = "-c:a aac -ar 48000"
PCM = "-c:a pcm_s16le"
MP3 = "-c:a libmp3lame -ar 48000"
TWICE = 2 * SECONDS
EXCUSED = ("gaps", "damaged_packets")

LOST: dict[str, Stamps] = {
    "every_tenth": lost(lambda number, at: number % 10 == 5),
    "bursts": lost(lambda number, at: 1.0 <= at % 2.0 < 1.25),
    "one_hole": lost(lambda number, at: 7.0 <= at < 7.25),
}
WRONG: dict[str, Stamps] = {
    "one_an_hour_ahead": one_wrong(3600),
    "one_a_day_ahead": one_wrong(86400),
    "one_to_zero": one_wrong(-86400),
    "back_0.2_s": shifted(-0.2, after=9.2),
    "back_3_s": shifted(-3.0, after=9.2),
}
"""Stamps that no sound bears out: what was recorded goes on without a pause."""


def lost_packets() -> Iterator[Case]:
    """The stamps of what is there say what is missing."""
    for extension, options, remux in (
        ("mka", OPUS, matroska),
        ("webm", OPUS, remuxed),
        ("mkv", AAC, matroska),
        ("mp4", AAC, remuxed),
        ("ts", AAC, remuxed),
        ("mka", PCM, matroska),
        ("mka", MP3, matroska),
    ):
        for name, stamps in LOST.items():
            yield Case(
                "lost packets",
                f"{short(options, words=1)}_{name}.{extension}",
                stamped(remux, options, talk, stamps),
                clock="made",
                warns=("gaps",),
                may_warn=EXCUSED,
                quiet=False,
            )


def wrong_stamps() -> Iterator[Case]:
    """By how the file was made, since FFmpeg's program follows any lie."""
    for extension, options in (("mka", OPUS), ("mkv", AAC), ("mka", PCM), ("mka", MP3)):
        stem = short(options, words=1)
        for name, stamps in {"jitter": jittered(), **WRONG}.items():
            yield Case(
                "stamps",
                f"{stem}_{name}.{extension}",
                stamped(matroska, options, talk, stamps),
                clock="made",
                seconds=SECONDS,
                may_warn=() if name == "jitter" else ("gaps",),
            )
    # A thousandth too slow or too fast: after 200 s the sound is 0.2 s from its stamps.
    heard = (*said(), *said(1, at=200))
    for name, factor in (("slow", 1.001), ("fast", 0.999)):
        for extension, options, remux in (("mka", OPUS, matroska), ("mp4", AAC, remuxed), ("mkv", PCM, matroska)):
            yield Case(
                "stamps",
                f"{short(options, words=1)}_{name}_clock.{extension}",
                stamped(remux, options, partial(spoken, heard, 200 + SECONDS), clock(factor)),
                tuple(Said(one.sentence, one.at * factor) for one in heard),
                clock="made",
                may_warn=("gaps",),
            )


def pauses() -> Iterator[Case]:
    """Recorders that were paused: hours in the stamps that hold no sound, and cost nothing.

    In a stream for broadcast such a jump may as well be another programme's clock, and FFmpeg's program takes it so.
    """
    for seconds in (30.0, 3600.0, 36000.0):
        for extension, options, remux in (
            ("mka", OPUS, matroska),
            ("webm", OPUS, remuxed),
            ("mp4", AAC, remuxed),
            ("mkv", AAC, remuxed),
        ):
            yield Case(
                "pauses",
                f"{seconds:g}_s_{short(options, words=1)}.{extension}",
                stamped(remux, options, talk, shifted(seconds, after=6.1)),
                (*said()[:2], *said(at=seconds)[2:]),
                clock="made",
                seconds=seconds + SECONDS,
                warns=("gaps",),
                by_plan=seconds > 600,
            )


# Damage.

DAMAGED = (
    ("wav", "-c:a pcm_s16le"),
    ("w64", "-c:a pcm_s16le"),
    ("aiff", "-c:a pcm_s16be"),
    ("tta", "-c:a tta"),
    ("wv", "-c:a wavpack"),
    ("flac", "-c:a flac"),
    ("mp3", "-c:a libmp3lame -b:a 64k"),
    ("aac", "-c:a aac"),
    ("ac3", "-c:a ac3 -ar 48000"),
    ("m4a", "-c:a aac"),
    ("mov", "-c:a alac"),
    ("mp4", "-c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 1000000"),
    ("mka", "-c:a libopus -cluster_time_limit 1000"),
    ("webm", "-c:a libopus -cluster_time_limit 500"),
    ("ogg", "-c:a libvorbis"),
    ("ogg", "-c:a flac"),
    ("opus", "-c:a libopus"),
    ("ts", "-c:a aac -ar 48000"),
    ("mpg", "-f vob -c:a mp2 -ar 48000"),
    ("wma", "-f asf -c:a wmav2"),
    ("flv", "-c:a libmp3lame -ar 44100"),
    ("avi", "-c:a libmp3lame"),
)
FIRST, LAST = 0.42, 0.58
"""Of a file, what is damaged."""
MARGIN = 2.0
"""Seconds around damage that may be lost with it: a page of Ogg, a cluster."""
SAMPLES = {"wav", "aiff", "w64"}
"""Nothing but samples behind a header: damage is noise, and a cut is clean."""
SILENTLY = SAMPLES | {"tta"}
"""Nothing checks whether the sound is right."""
UNSTAMPED = {"mp3": 0.1, "aac": 0.5, "ac3": 0.1, "avi": 0.1}
"""Only the bytes tell what is lost of these, and FFmpeg's program does not ask them; seconds by which they are wrong
where the bit rate varies."""
ENDED = {("wv", "-c:a wavpack"), ("ogg", "-c:a flac"), DAMAGED[11]}
"""FFmpeg's program does not find its way back into these."""
INDEX_LAST = {"m4a", "mov"}
"""Where everything lies is said at the end."""
PROMISING = SAMPLES | {"flac", "wv", "tta", "mka", "webm", "mp3"}
"""Their headers say how long they are."""
MARKS = (
    ("ogg", "-c:a libvorbis", b"OggS"),
    ("opus", "-c:a libopus", b"OggS"),
    ("ogg", "-c:a flac", b"OggS"),
    ("mka", "-c:a libopus -cluster_time_limit 1000", b"\x1f\x43\xb6\x75"),
    ("flac", "-c:a flac", b"\xff\xf8"),
    ("aac", "-c:a aac -ac 1", b"\xff\xf1"),
    ("mp3", "-c:a libmp3lame -b:a 64k", b"\xff\xf3"),
    ("wma", "-f asf -c:a wmav2", b"\x82\0\0"),
    ("mpg", "-f vob -c:a mp2 -ar 48000", b"\0\0\1\xba"),
)
"""What a page, cluster or frame begins with."""
EVERYTHING = (*said(), *said(1, at=SECONDS))


def damage() -> Iterator[Case]:
    """A sixth of the file is gone in its middle, or only what a page begins with."""
    before = between(EVERYTHING, 0, FIRST * TWICE - MARGIN)
    behind = between(EVERYTHING, LAST * TWICE + MARGIN, TWICE)
    for extension, options in DAMAGED:
        ended, unstamped = (extension, options) in ENDED, extension in UNSTAMPED
        for name, seed in (("zeroed", None), ("random", 1)):
            yield Case(
                "damage",
                f"{short(options)}_{name}.{extension}",
                written(options, two_talks, change=partial(damaged, first=FIRST, last=LAST, seed=seed)),
                (*before, *behind),
                clock="made" if ended or unstamped else "referee",
                early=UNSTAMPED.get(extension, 0.0),
                late=UNSTAMPED.get(extension, 0.1 if ended else 0.0),
                warns=() if extension in SILENTLY else ("gaps|damaged_packets|truncated",),
                may_warn=EXCUSED,
                quiet=False,
            )
    around = (*between(EVERYTHING, 0, 0.45 * TWICE - 0.5), *between(EVERYTHING, 0.55 * TWICE + 0.5, TWICE))
    for extension, options, mark in MARKS:
        yield Case(
            "damage",
            f"{short(options)}_without_a_mark.{extension}",
            written(options, two_talks, change=partial(without_a_mark, mark=mark)),
            around,
            may_warn=EXCUSED,
            quiet=False,
        )


def cut_short() -> Iterator[Case]:
    """The last third never arrived."""
    for extension, options in DAMAGED:
        refused = extension in INDEX_LAST
        yield Case(
            "cut short",
            f"{short(options)}.{extension}",
            written(options, two_talks, change=_cut),
            () if refused else between(EVERYTHING, 0, 0.7 * TWICE - MARGIN),
            refused="INVALID_MEDIA" if refused else None,
            warns=("truncated",) if extension in PROMISING else (),
            may_warn=() if extension in SAMPLES else ("damaged_packets", "truncated"),
            quiet=False,
        )


def _cut(data: bytes) -> bytes:
    return data[: int(0.7 * len(data))]


# Lengths that are only claimed.

PLACEHOLDERS = (
    *(0, 0x7FFFF000, 0x80000000, 0xFFFFFFFF, 0xFFFFFFDB, 0xFFFFFFFE, 0xFFFFFFFC, 0x7FFFFFFF, 0x7FFFFFFE, 0xFFFFF000),
    *(0x7FFFFFDB, 0x7FFFFFC0, 0x80000024, 0x7FFFF024, 0xFFFFFF00, 0xFFFFFFD3),
)
"""What programs write for the length of a WAV that they do not know yet."""
PIPED = (
    ("wav", "-f wav -c:a pcm_s16le"),
    ("au", "-f au -c:a pcm_s16be"),
    ("caf", "-f caf -c:a pcm_s16be"),
    ("flac", "-f flac -c:a flac"),
    ("mka", "-f matroska -c:a aac"),
    ("webm", "-f webm -c:a libopus"),
    ("flv", "-f flv -c:a aac -ar 44100"),
    ("mp3", "-f mp3 -c:a libmp3lame -q:a 4"),
    ("mp3", "-f mp3 -c:a libmp3lame -q:a 7 -write_xing 0"),
    ("mp4", "-f mp4 -c:a aac -movflags frag_keyframe+empty_moov"),
    ("avi", "-f avi -c:a pcm_s16le"),
    ("wma", "-f asf -c:a wmav2"),
    ("ogg", "-f ogg -c:a libvorbis"),
    ("aac", "-f adts -c:a aac -q:a 1"),
)


def claims() -> Iterator[Case]:
    """Headers that were written before anybody knew, or by somebody who was wrong."""
    exact = Case("claims", "", Path.touch, clock="made", seconds=SECONDS)
    for size in PLACEHOLDERS:
        for rate in (8000, 16000):
            yield replace(exact, name=f"data_{size:08x}_{rate}.wav", make=_claiming(rate, size=size))
    for value in (0, 1, 16000, 320000):
        yield replace(exact, name=f"byte_rate_{value}.wav", make=_claiming(RATE, byte_rate=value))
    yield replace(exact, name="align_0.wav", make=_claiming(RATE, align=0))
    for extension, options in PIPED:
        yield Case("claims", f"piped_{short(options)}.{extension}", partial(piped, options))
    for number, (extension, options, codec) in enumerate(PICTURED):
        yield Case(
            "claims",
            f"slideshow_{number:02}_{short(options, words=1)}.{extension}",
            written(options, picture=f"700:{codec} -g 300"),
        )
    for quality in (0, 9):
        yield Case(
            "claims",
            f"vbr_without_xing_{quality}.mp3",
            written(f"-c:a libmp3lame -q:a {quality} -write_xing 0", partial(spoken, said(at=60), 60 + SECONDS)),
            said(at=60),
        )
    unknown = written("-c:a flac", change=without_flac_length)
    yield Case("claims", "of_unknown_length.flac", unknown)
    yield Case("claims", "claims_15_minutes.wav", partial(longer_than, 900), refused="AUDIO_TOO_LONG")
    yield Case("claims", "12_minutes.wav", written(f"{PCM} -ar 8000", partial(silent, 720)), refused="AUDIO_TOO_LONG")


def _claiming(rate: int, *, size: int | None = None, byte_rate: int | None = None, align: int | None = None) -> Maker:
    def make(path: Path) -> None:
        sound: Sound = talk()[:: RATE // rate]
        path.write_bytes(riff(sound, rate, size=size, byte_rate=byte_rate, align=align))

    return make
