"""Files of several tracks, files joined of several, and files that are no recordings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.recordings.case import Case, short
from tests.support.recordings import (
    HALF,
    LATER,
    SECONDS,
    Said,
    channels,
    covered,
    halves,
    later_programme,
    later_track,
    pictures,
    renamed,
    riff,
    said,
    silent,
    spoken,
    subtitled,
    talk,
    written,
)

LEFT_OUT = ("tracks_left_out",)
SEPARATE = {"channels": "separate"}
APART = tuple(Said(one.sentence, one.at, number // 2) for number, one in enumerate(said()))
"""Two voices, each on a channel or track of its own."""
RENAMED = (
    ("mov", "aac", b"mp4aesds", b"apacdapa"),
    ("mp4", "aac", b"mp4aesds", b"apacdapa"),
    ("mov", "pcm_s16le", b"sowt", b"zzzz"),
    ("mkv", "aac", b"A_AAC", b"A_XYZ"),
    ("mkv", "libopus", b"A_OPUS", b"A_XYZZ"),
)
"""Codecs, and what they are called when nobody knows them."""

one_voice, other_voice, other_talk = partial(spoken, APART[:2]), partial(spoken, APART[2:]), partial(talk, 1)


def tracks() -> Iterator[Case]:
    """More than one sound track, or something beside it. What is not heard must be said to be left out."""
    some = Case("tracks", "", Path.touch, may_warn=LEFT_OUT)
    for extension, codec in (("mp4", "aac"), ("mov", "pcm_s16le"), ("mkv", "libopus"), ("mkv", "flac"), ("ts", "aac")):
        put, end = partial(written, f"-c:a {codec} -ar 48000"), f"{codec}.{extension}"
        picture = ":mpeg2video -r 25" if extension == "ts" else ":mpeg4"
        made = replace(some, clock="made", seconds=SECONDS)
        voices = put(one_voice, other_voice)
        yield replace(some, name=f"silent_first_{end}", make=put(silent, talk, picture=picture), track="0:a:1")
        yield replace(some, name=f"silent_second_{end}", make=put(talk, silent))
        if extension != "ts":  # a broadcast's tracks are versions of the same
            yield replace(made, name=f"two_voices_{end}", make=voices)
            yield replace(
                made, name=f"two_voices_apart_{end}", make=voices, said=APART, options=SEPARATE, apart=True, may_warn=()
            )
        yield replace(some, name=f"other_words_{end}", make=put(talk, other_talk), left_out=said(1), quiet=False)
    for extension, codec in (("mp4", "aac"), ("mkv", "libopus"), ("mov", "alac")):
        put = partial(written, f"-c:a {codec} -disposition:a:0 0 -disposition:a:1 default")
        yield replace(
            some,
            name=f"default_second_{codec}.{extension}",
            make=put(other_talk, talk),
            track="0:a:1",
            left_out=said(1),
            quiet=False,
        )
    for extension, codec, old, new in RENAMED:
        make = written(f"-c:a {codec}", talk, talk, change=partial(renamed, old, new))
        yield replace(some, name=f"undecodable_first_{codec}.{extension}", make=make, track="0:a:1")
    yield replace(
        some,
        name="two_programmes.ts",
        make=written("-c:a aac -ar 48000 -program title=one:st=0 -program title=two:st=1", talk, other_talk),
        clock="made",
        left_out=said(1),
        quiet=False,
    )
    later = replace(some, said=(*said(), *said(1, at=LATER)), may_warn=(*LEFT_OUT, "gaps", "damaged_packets"))
    yield replace(later, name="second_track_later.ts", make=later_programme, quiet=False)
    yield replace(later, name="second_track_later.mpg", make=later_track)
    for extension, codec in (("mkv", "subrip"), ("mp4", "mov_text"), ("webm", "webvtt")):
        yield Case("tracks", f"subtitles.{extension}", partial(subtitled, codec))
    for extension in ("mp3", "m4a", "flac"):
        yield Case("tracks", f"cover.{extension}", covered)


def separate() -> Iterator[Case]:
    """One voice a channel, if that is asked for."""
    for extension, options in (("wav", "-c:a pcm_s16le"), ("m4a", "-c:a aac"), ("opus", "-c:a libopus")):
        make = written(options, lambda: channels(one_voice(), other_voice()))
        yield Case("separate", f"two_channels.{extension}", make, APART, options=SEPARATE, apart=True)
        yield Case("separate", f"mono.{extension}", written(options), warns=("channels_mixed",), options=SEPARATE)


JOINED = (
    ("mp3", "-c:a libmp3lame", ("-ar 44100 -ac 1", "-ar 48000 -ac 1", "-ar 44100 -ac 2", "-ar 16000 -ac 1")),
    ("mp3", "-f mp2 -c:a mp2", ("-ar 44100 -ac 1", "-ar 48000 -ac 1", "-ar 44100 -ac 2")),
    ("aac", "-c:a aac", ("-ar 44100 -ac 1", "-ar 48000 -ac 1", "-ar 44100 -ac 2", "-ar 16000 -ac 1")),
    ("ac3", "-c:a ac3", ("-ar 44100 -ac 1", "-ar 48000 -ac 1", "-ar 44100 -ac 2")),
    ("ogg", "-c:a libvorbis", ("-ar 44100 -ac 1", "-ar 48000 -ac 1", "-ar 44100 -ac 2")),
    ("opus", "-c:a libopus", ("-ar 48000 -ac 1", "-ar 48000 -ac 2", "-ar 16000 -ac 1")),
    ("ogg", "-c:a flac", ("-ar 44100 -ac 1", "-ar 48000 -ac 1", "-ar 44100 -ac 2")),
    ("flac", "-c:a flac", ("-ar 44100 -ac 1", "-ar 48000 -ac 1", "-ar 44100 -ac 2")),
    ("wav", "-c:a pcm_s16le", ("-ar 44100 -ac 1", "-ar 48000 -ac 1", "-ar 44100 -ac 2")),
    ("mka", "-c:a aac", ("-ar 44100 -ac 1", "-ar 48000 -ac 2")),
    ("webm", "-c:a libopus", ("-ar 48000 -ac 1", "-ar 48000 -ac 2")),
    ("wv", "-c:a wavpack", ("-ar 44100 -ac 1", "-ar 48000 -ac 2")),
    ("m4a", "-c:a aac", ("-ar 44100 -ac 1", "-ar 48000 -ac 2")),
    ("wma", "-f asf -c:a wmav2", ("-ar 44100 -ac 1", "-ar 44100 -ac 2")),
    ("ts", "-c:a aac", ("-ar 48000 -ac 1", "-ar 48000 -ac 2")),
    ("ts", "-c:a mp2", ("-ar 48000 -ac 1", "-ar 48000 -ac 2", "-ar 44100 -ac 1")),
    ("mpg", "-f vob -c:a ac3", ("-ar 48000 -ac 1", "-ar 48000 -ac 2")),
)
ENCODERS_ADD = 0.2
"""Seconds at most: the rest of a first half's last frame, and what a second encoder begins with."""


def changes() -> Iterator[Case]:
    """Two halves of a talk, joined by `cat`. FFmpeg's program begins its clock anew where anything changes."""
    made = Case(
        "changes", "", Path.touch, clock="made", late=ENCODERS_ADD, may_warn=("damaged_packets", "gaps"), quiet=False
    )
    for extension, codec, variants in JOINED:
        shift = f"-output_ts_offset {HALF}" if extension in {"ts", "mpg"} else ""
        for one in variants:
            for two in variants:
                if one != two or one == variants[0]:
                    name = f"{short(codec)}_{_numbers(one)}_then_{_numbers(two)}.{extension}"
                    yield replace(made, name=name, make=partial(halves, f"{codec} {one}", f"{codec} {two} {shift}"))


def _numbers(options: str) -> str:
    """Rate and channels."""
    _, rate, _, count = options.split()
    return f"{rate}_{count}ch"


def refused() -> Iterator[Case]:
    """What nobody can hear."""
    bad = Case("refused", "", Path.touch, refused="INVALID_MEDIA")
    yield replace(bad, name="empty.mp3")
    yield replace(bad, name="unknown_codec.wav", make=lambda path: path.write_bytes(riff(talk(), tag=0x181C)))
    yield replace(bad, name="header_only.wav", make=lambda path: path.write_bytes(riff(silent(0))))
    yield replace(bad, name="65_channels.wav", make=lambda path: path.write_bytes(riff(channels(silent(1), 64))))
    for extension, codec, old, new in RENAMED:
        make = written(f"-c:a {codec}", change=partial(renamed, old, new))
        yield replace(bad, name=f"undecodable_{codec}.{extension}", make=make)
    for extension, codec in (("mp4", "mpeg4"), ("mkv", "mpeg4"), ("webm", "libvpx"), ("avi", "mpeg4")):
        make = partial(pictures, codec)
        yield replace(bad, name=f"no_sound.{extension}", make=make, refused="NO_AUDIO_TRACK")
