"""The recordings that are judged: kinds of files, each varied in what may go differently.

Nothing here is left out where FFmpeg fails: what its program cannot write is not in the lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

from tests.recordings.case import Case
from tests.support.recordings import (
    RATE,
    SECONDS,
    Said,
    Sound,
    Stamps,
    Track,
    between,
    channels,
    damaged,
    ffmpeg,
    joined,
    lost,
    matroska,
    missing,
    moved,
    over_the_air,
    record,
    remuxed,
    replaced,
    riff,
    said,
    silent,
    spoken,
    talk,
)

# How people's files are written: extension, options for FFmpeg, rates and whether there may be two channels.

SPEECH, MUSIC, VIDEO = (16000,), (16000, 44100), (48000,)
PHONE = (8000,)
ENCODINGS: tuple[tuple[str, str, tuple[int, ...], str], ...] = (
    *(("wav", f"-c:a pcm_{form}", (8000, 16000, 44100), "12") for form in ("u8", "s16le", "s24le", "s32le", "f32le")),
    *(
        ("wav", f"-c:a {codec}", (8000, 22050), "12")
        for codec in ("pcm_alaw", "pcm_mulaw", "adpcm_ms", "adpcm_ima_wav")
    ),
    *(("wav", f"-c:a {codec}", MUSIC, "12") for codec in ("pcm_f64le", "libmp3lame", "adpcm_yamaha", "wmav2")),
    ("wav", "-c:a libgsm_ms", PHONE, "1"),
    ("wav", "-c:a g726", PHONE, "1"),
    *(("rf64", f"-f wav -rf64 always -c:a pcm_{form}", (16000, 48000), "12") for form in ("s16le", "s24le")),
    *(("w64", f"-c:a pcm_{form}", (16000, 48000), "12") for form in ("s16le", "s24le", "f32le", "alaw")),
    *(
        ("aiff", f"-c:a pcm_{form}", MUSIC, "12")
        for form in ("s16be", "s24be", "s32be", "s8", "f32be", "s16le", "mulaw")
    ),
    *(("au", f"-c:a pcm_{form}", (8000, 44100), "12") for form in ("s16be", "s24be", "f32be", "mulaw", "alaw")),
    *(("caf", f"-c:a pcm_{form}", MUSIC, "12") for form in ("s16be", "s16le", "s24le", "f32le", "mulaw")),
    ("caf", "-c:a alac", MUSIC, "12"),
    ("flac", "-c:a flac", MUSIC, "12"),
    ("flac", "-c:a flac -sample_fmt s32", (48000,), "12"),
    ("mp3", "-c:a libmp3lame -b:a 48k", (16000, 44100), "12"),
    ("mp3", "-c:a libmp3lame -q:a 5", (22050, 48000), "12"),
    ("mp3", "-c:a libshine -b:a 96k", (44100,), "12"),
    ("mp3", "-f mp2 -c:a mp2 -b:a 64k", (44100,), "12"),
    ("aac", "-c:a aac", (8000, 16000, 44100, 48000), "12"),
    ("m4a", "-c:a aac", (8000, 16000, 44100, 48000), "12"),
    ("m4a", "-c:a alac", MUSIC, "12"),
    ("m4a", "-c:a aac -movflags +faststart", (44100,), "12"),
    ("mp4", "-c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 1000000", (44100,), "12"),
    ("mp4", "-c:a aac -movflags +dash+global_sidx -frag_duration 500000", (48000,), "12"),
    ("mp4", "-c:a libmp3lame", (44100,), "12"),
    ("mp4", "-c:a libopus", (48000,), "12"),
    ("mp4", "-c:a flac -strict -2", (44100,), "12"),
    ("mp4", "-c:a ac3", (48000,), "12"),
    ("mp4", "-c:a eac3", (48000,), "12"),
    *(("mov", f"-c:a pcm_{form}", MUSIC, "12") for form in ("s16le", "s16be", "s24le", "f32le", "u8", "alaw", "mulaw")),
    *(("mov", f"-c:a {codec}", (44100,), "12") for codec in ("aac", "alac", "adpcm_ima_qt", "libmp3lame")),
    ("3gp", "-c:a aac", (16000,), "12"),
    ("3g2", "-c:a aac", (16000,), "12"),
    *(
        ("mka", f"-c:a {codec}", (48000,), "12")
        for codec in ("libopus", "libvorbis", "ac3", "eac3", "mp2", "libmp3lame")
    ),
    *(
        ("mka", f"-c:a {codec}", (16000,), "12")
        for codec in ("pcm_s16le", "pcm_f32le", "aac", "flac", "wavpack", "tta")
    ),
    ("mka", "-c:a alac", (44100,), "12"),
    ("webm", "-c:a libopus", (48000,), "12"),
    ("webm", "-c:a libvorbis", (44100,), "12"),
    ("webm", "-c:a libopus -live 1", (48000,), "12"),
    ("ogg", "-c:a libvorbis", MUSIC, "12"),
    ("ogg", "-c:a libopus", (16000, 48000), "12"),
    ("ogg", "-c:a flac", MUSIC, "12"),
    ("ogg", "-c:a libspeex", SPEECH, "12"),
    ("opus", "-c:a libopus -b:a 16k", (16000, 48000), "12"),
    ("opus", "-c:a libopus -frame_duration 60", (48000,), "1"),
    ("ac3", "-c:a ac3", (32000, 48000), "12"),
    ("eac3", "-c:a eac3", (48000,), "12"),
    *(("ts", f"-c:a {codec}", (48000,), "12") for codec in ("aac", "mp2", "libmp3lame", "ac3", "eac3", "libopus")),
    ("m2ts", "-c:a ac3 -mpegts_m2ts_mode 1", (48000,), "12"),
    *(("mpg", f"-f vob -c:a {codec}", (48000,), "12") for codec in ("mp2", "ac3", "pcm_dvd", "libmp3lame")),
    *(("avi", f"-c:a {codec}", (44100,), "12") for codec in ("libmp3lame", "pcm_s16le", "pcm_u8", "ac3", "mp2", "aac")),
    *(("avi", f"-c:a {codec}", (44100,), "12") for codec in ("adpcm_ms", "wmav2")),
    ("avi", "-c:a pcm_alaw", PHONE, "12"),
    *(("wma", f"-f asf -c:a {codec}", MUSIC, "12") for codec in ("wmav1", "wmav2", "libmp3lame")),
    *(("flv", f"-c:a {codec}", (44100,), "12") for codec in ("libmp3lame", "aac", "adpcm_swf", "pcm_s16le")),
    ("flv", "-c:a libspeex", SPEECH, "1"),
    ("flv", "-c:a nellymoser", (22050,), "1"),
    ("wv", "-c:a wavpack", MUSIC, "12"),
    ("tta", "-c:a tta", MUSIC, "12"),
)


def _short(options: str) -> str:
    """The codec, and what makes this one different."""
    words = options.replace("-c:a ", "").replace("pcm_", "").replace("lib", "").split()
    return "_".join(word.strip("-+").replace("+", "_").replace(":", "") for word in words)


def encodings() -> Iterator[Case]:
    """Each container with each codec, at several rates, of one and of two channels."""
    for extension, options, rates, counts in ENCODINGS:
        for rate in rates:
            for count in counts:
                name = f"{_short(options)}_{rate}_{count}ch.{extension}"
                yield Case("encodings", name, partial(_encoded, f"{options} -ar {rate} -ac {count}"))
    for extension, codec, rate in (
        ("amr", "libopencore_amrnb", 8000),
        ("3gp", "libopencore_amrnb", 8000),
    ):
        yield Case("encodings", f"{codec}.{extension}", lambda path, c=codec, r=rate: over_the_air(talk(), path, c, r))


def _encoded(options: str, path: Path) -> Path:
    return record(path, options, talk())


RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000)
LOW, HIGH = slice(0, 9), slice(3, 13)


def rates() -> Iterator[Case]:
    """Every rate that recorders know, where the codec has it."""
    for extension, codec, some in (
        ("wav", "pcm_s16le", RATES),
        ("wav", "pcm_f32le", RATES[HIGH]),
        ("flac", "flac", RATES),
        ("m4a", "alac", RATES[HIGH]),
        ("mp3", "libmp3lame", RATES[LOW]),
        ("m4a", "aac", RATES[:11]),
        ("ogg", "libvorbis", RATES[:9]),
        ("wv", "wavpack", RATES),
        ("aiff", "pcm_s24be", RATES[HIGH]),
    ):
        for rate in some:
            yield Case("rates", f"{codec}_at_{rate}.{extension}", partial(_encoded, f"-c:a {codec} -ar {rate}"))
    for rate in (4000, 5512, 7350, 37800, 50000, 64000, 384000):
        yield Case("rates", f"odd_{rate}.wav", partial(_encoded, f"-c:a pcm_s16le -ar {rate}"))
    for rate in (8000, 12000, 16000, 24000, 48000):
        yield Case("rates", f"opus_at_{rate}.opus", partial(_encoded, f"-c:a libopus -ar {rate}"))


# Channels: a voice in all, or in a single one.


def _layout(options: str, sound: Callable[[], Sound], path: Path) -> Path:
    return record(path, options, sound())


def _masked(sound: Callable[[], Sound], mask: int | None, path: Path) -> None:
    path.write_bytes(riff(sound(), mask=mask))


LAYOUTS: dict[str, Callable[[], Sound]] = {
    "inverted": lambda: channels(talk(), -talk()),
    "left_only": lambda: channels(talk(), 1),
    "right_only": lambda: channels(1, talk()),
    "a_little_later": lambda: channels(talk(), spoken(said(at=0.001))),
    "left_then_right": lambda: channels(spoken(said()[:2]), spoken(said()[2:])),
}
"""Of two channels."""
SURROUND: dict[str, Callable[[], Sound]] = {
    "quad_all": lambda: channels(*[talk()] * 4),
    "quad_behind": lambda: channels(3, talk()),
    "51_all": lambda: channels(*[talk()] * 6),
    "51_centre": lambda: channels(2, talk(), 3),
    "51_left": lambda: channels(talk(), 5),
    "51_behind": lambda: channels(4, talk(), 1),
}


def layouts() -> Iterator[Case]:
    """Where in the channels the voice is. FFmpeg adds channels up, so an inverted one is not heard in its mix."""
    for extension, options in (
        ("wav", "-c:a pcm_s16le"),
        ("flac", "-c:a flac"),
        ("mp3", "-c:a libmp3lame -b:a 96k -joint_stereo 0"),
        ("m4a", "-c:a aac -aac_ms 0"),
        ("opus", "-c:a libopus -b:a 96k"),
        ("ogg", "-c:a libvorbis"),
        ("mka", "-c:a ac3 -ar 48000"),
    ):
        for name, sound in LAYOUTS.items():
            yield Case(
                "layouts",
                f"{name}_{_short(options)}.{extension}",
                partial(_layout, options, sound),
                clock="made" if name == "inverted" else "referee",
            )
    for extension, options in (
        ("wav", "-c:a pcm_s16le"),
        ("flac", "-c:a flac"),
        ("m4a", "-c:a aac"),
        ("opus", "-c:a libopus -b:a 128k"),
        ("ogg", "-c:a libvorbis"),
        ("ac3", "-c:a ac3 -ar 48000"),
        ("mka", "-c:a eac3 -ar 48000"),
        ("mov", "-c:a pcm_s24le"),
    ):
        for name, sound in SURROUND.items():
            if extension == "opus" and name.startswith("quad"):
                continue  # its encoder knows another order of four
            yield Case("layouts", f"{name}_{_short(options)}.{extension}", partial(_layout, options, sound))
    for count in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16, 24, 32, 48, 64):
        sound = partial(_many, count, range(count))
        yield Case(
            "channels", f"{count}_without_mask.wav", partial(_masked, sound, None), clock="made", seconds=SECONDS
        )
        if count <= 18:
            every = (1 << count) - 1
            yield Case("channels", f"{count}_masked.wav", partial(_masked, sound, every), clock="made", seconds=SECONDS)
    for count, alone in ((4, 2), (8, 4), (8, 7), (13, 12), (16, 9), (64, 63)):
        sound = partial(_many, count, [alone])
        made = partial(_masked, sound, None)
        yield Case("channels", f"{count}_only_in_{alone + 1}.wav", made, clock="made", seconds=SECONDS)
    for count, mask in ((2, 0), (2, 0x4), (4, 0x3F), (6, 0x3), (8, 0), (8, 0xFF00)):
        made = partial(_masked, partial(_many, count, range(count)), mask)
        yield Case("channels", f"{count}_mask_{mask:x}.wav", made, clock="made", seconds=SECONDS)


def _many(count: int, where: range | list[int]) -> Sound:
    return channels(*(talk() if number in where else 1 for number in range(count)))


# Sound and picture that do not begin together.

PICTURED = (
    ("mp4", "-c:a aac", "mpeg4"),
    ("mp4", "-c:a aac -movflags +frag_keyframe+empty_moov", "mpeg4"),
    ("mov", "-c:a pcm_s16le", "mpeg4"),
    ("mkv", "-c:a aac", "mpeg4"),
    ("mkv", "-c:a libopus", "mpeg4"),
    ("mkv", "-c:a flac", "mpeg4"),
    ("webm", "-c:a libopus", "libvpx -deadline realtime -cpu-used 8 -r 1"),
    ("ts", "-c:a aac -ar 48000", "mpeg2video -r 25"),
    ("ts", "-c:a ac3 -ar 48000", "mpeg2video -r 25"),
    ("mpg", "-f vob -c:a mp2 -ar 48000", "mpeg2video -r 25"),
    ("flv", "-c:a libmp3lame -ar 44100", "flv"),
    ("wmv", "-f asf -c:a wmav2", "wmv2"),
    ("3gp", "-c:a aac", "h263 -s 128x96"),
)
BARE = (
    ("avi", "-c:a libmp3lame", "mpeg4"),
    ("avi", "-c:a pcm_s16le", "mpeg4"),
    ("mxf", "-c:a pcm_s16le -ar 48000", "mpeg2video -r 25"),
    ("mxf", "-c:a pcm_s24le -ar 48000", "mpeg2video -r 25"),
)
"""Containers without stamps for their sound: it begins with the picture."""


def late() -> Iterator[Case]:
    """Sound after the picture begins, or before it: the clock is the file's.

    Of streams for broadcast FFmpeg's program forgets a picture that it is not asked for, and begins with the sound.
    """
    for number, (extension, options, codec) in enumerate((*PICTURED, *BARE)):
        stem = f"{number:02}_{_short(options)}"
        for seconds in (0.0, 0.5, 4.0, 90.0) if number < len(PICTURED) else (0.0,):
            picture = f"{seconds + SECONDS + 1}:{codec}"
            yield Case(
                "late sound",
                f"{stem}_{seconds:g}_s_late.{extension}",
                partial(_late, options, picture, seconds, 0.0),
                said(at=seconds),
                "made" if extension in {"ts", "mpg"} else "referee",
                seconds + SECONDS if extension in {"ts", "mpg"} else None,
            )
        for seconds in (0.5, 4.0) if number < len(PICTURED) else ():
            yield Case(
                "late sound",
                f"{stem}_{seconds:g}_s_before.{extension}",
                partial(_late, options, f"{SECONDS}:{codec}", 0.0, seconds),
            )


def _late(options: str, picture: str, sound_late: float, picture_late: float, path: Path) -> Path:
    return record(path, options, Track(talk(), sound_late), picture=picture, picture_late=picture_late)


# Stamps.

OPUS = "-c:a libopus -frame_duration 20"
AAC = "-c:a aac -ar 48000"
PCM = "-c:a pcm_s16le"
TENTH = lost(lambda number: number % 10 == 5)
BURSTS = missing(lambda at: at % 2.0 < 0.25)
ONE_HOLE = missing(lambda at: 7.0 <= at < 7.25)
JITTER = (0.013, -0.009, 0.0, 0.015, -0.015, 0.004, -0.012)


def _stamped(
    write: Callable[[Path, Path, Stamps], Path], options: str, sound: Sound, stamps: Stamps, path: Path
) -> Path:
    return write(
        record(path.with_suffix(".mka"), f"{options} -f matroska", sound).rename(path.with_suffix(".source")),
        path,
        stamps,
    )


def stamps() -> Iterator[Case]:
    """Packets that are missing, and stamps that tell lies; by how the file was made, since FFmpeg follows any lie."""
    whole = Case("", "", Path.touch, clock="made", seconds=SECONDS)
    for extension, codec, write in (
        ("mka", OPUS, matroska),
        ("webm", OPUS, remuxed),
        ("mkv", AAC, matroska),
        ("mp4", AAC, remuxed),
        ("ts", AAC, remuxed),
        ("mka", PCM, matroska),
        ("mka", "-c:a libmp3lame -ar 48000", matroska),
    ):
        stem, put = _short(codec).split("_")[0], partial(_stamped, write, codec, talk())
        for name, change in (("every_tenth", TENTH), ("bursts", BURSTS), ("one_hole", ONE_HOLE)):
            yield Case(
                "lost packets", f"{stem}_{name}.{extension}", partial(put, change), clock="made", warns=("gaps",),
                may_warn=("damaged_packets",), quiet=False,
            )  # fmt: skip
        jitter = moved(lambda number, at: max(0.0, at + JITTER[number % 7]))
        if write is matroska:
            yield _of(whole, "stamps", f"{stem}_jitter.{extension}", partial(put, jitter))
            for name, wrong in (("an_hour_ahead", 3600.0), ("a_day_ahead", 86400.0), ("to_zero", -100.0)):
                change = moved(lambda number, at, wrong=wrong: max(0.0, at + wrong) if number == 200 else at)
                yield _of(whole, "stamps", f"{stem}_one_{name}.{extension}", partial(put, change), may_warn=("gaps",))
            for seconds in (0.2, 3.0):
                change = moved(lambda number, at, back=seconds: at - back if at > 9.2 else at)
                yield _of(
                    whole, "stamps", f"{stem}_back_{seconds:g}_s.{extension}", partial(put, change), may_warn=("gaps",)
                )
    yield from _slow_clocks()


def _of(case: Case, kind: str, name: str, make: Callable[[Path], object], may_warn: tuple[str, ...] = ()) -> Case:
    return Case(kind, name, make, case.said, case.clock, case.seconds, may_warn=may_warn)


def _slow_clocks() -> Iterator[Case]:
    """The sound card's clock is a thousandth wrong, so that after 200 s its sound is 0.2 s from its stamps."""
    far = 200.0
    sound = spoken((*said(), *said(1, at=far)), far + SECONDS)
    for name, factor in (("slow", 1.001), ("fast", 0.999)):
        change = moved(lambda number, at, factor=factor: at * factor)
        for extension, codec, write in (("mka", OPUS, matroska), ("mp4", AAC, remuxed), ("mkv", PCM, matroska)):
            yield Case(
                "stamps",
                f"{name}_clock_{_short(codec).split('_')[0]}.{extension}",
                partial(_stamped, write, codec, sound, change),
                tuple(Said(one.sentence, one.at * factor) for one in (*said(), *said(1, at=far))),
                "made",
                may_warn=("gaps",),
            )


def pauses() -> Iterator[Case]:
    """Recorders that were paused: hours in the stamps that hold no sound, and cost none."""
    halves = (*said()[:2], *said()[2:])
    for seconds in (30.0, 3600.0, 36000.0):
        pause = moved(lambda number, at, seconds=seconds: at + seconds if at > 6.1 else at)
        later = (*halves[:2], *(Said(one.sentence, one.at + seconds) for one in halves[2:]))
        for extension, codec, write in (
            ("mka", OPUS, matroska),
            ("webm", OPUS, remuxed),
            ("mp4", AAC, remuxed),
            ("mkv", AAC, remuxed),
            ("ts", AAC, remuxed),
        ):
            yield Case(
                "pauses",
                f"{seconds:g}_s_{_short(codec).split('_')[0]}.{extension}",
                partial(_stamped, write, codec, talk(), pause),
                later,
                "made",
                seconds + SECONDS,
                warns=("gaps",),
                by_plan=seconds > 600,
            )


# Damage.

TWICE = 2 * SECONDS
DAMAGED = (
    *(("wav", "-c:a pcm_s16le"), ("flac", "-c:a flac"), ("mp3", "-c:a libmp3lame -b:a 64k"), ("aac", "-c:a aac")),
    *(("m4a", "-c:a aac"), ("mov", "-c:a alac"), ("mka", "-c:a libopus -cluster_time_limit 1000")),
    *(("webm", "-c:a libopus -cluster_time_limit 500"), ("ogg", "-c:a libvorbis"), ("opus", "-c:a libopus")),
    *(("ogg", "-c:a flac"), ("ac3", "-c:a ac3 -ar 48000"), ("ts", "-c:a aac"), ("mpg", "-f vob -c:a mp2 -ar 48000")),
    *(("wma", "-f asf -c:a wmav2"), ("flv", "-c:a libmp3lame -ar 44100"), ("avi", "-c:a libmp3lame")),
    *(("wv", "-c:a wavpack"), ("tta", "-c:a tta"), ("aiff", "-c:a pcm_s16be")),
    *(("mp4", "-c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 1000000"), ("w64", "-c:a pcm_s16le")),
)
MARGIN = 1.6
"""Seconds around damage that may be lost with it: a page of Ogg, a cluster."""
SILENTLY = {"wav", "aiff", "w64", "tta"}
"""Damage of these is only noise, or nothing checks."""
UNSTAMPED = {"mp3", "aac", "ac3", "avi"}
"""What is lost of these leaves no trace: what follows moves up."""
ENDED = {"wv", "flac.ogg", "frag.mp4"}
"""FFmpeg does not find its way back into these."""
PROMISING = {"wav", "flac", "w64", "aiff", "wv", "tta", "mka", "webm", "wma", "avi", "flv", "mp3"}
"""Their headers say how long they are."""
PAGES = (
    *(("ogg", "-c:a libvorbis", b"OggS"), ("opus", "-c:a libopus", b"OggS"), ("ogg", "-c:a flac", b"OggS")),
    *(("mka", "-c:a libopus -cluster_time_limit 1000", b"\x1f\x43\xb6\x75"), ("flac", "-c:a flac", b"\xff\xf8")),
    *(("aac", "-c:a aac -ac 1", b"\xff\xf1"), ("mp3", "-c:a libmp3lame -b:a 64k", b"\xff\xf3")),
    *(("wma", "-f asf -c:a wmav2", b"\x82\0\0"), ("mpg", "-f vob -c:a mp2 -ar 48000", b"\0\0\1\xba")),
)
"""What a page, cluster or frame begins with."""


def _two_talks() -> Sound:
    return spoken((*said(), *said(1, at=SECONDS)), TWICE)


def _spoilt(options: str, change: Callable[[bytes], bytes], path: Path) -> None:
    record(path, options, _two_talks())
    path.write_bytes(change(path.read_bytes()))


def _without_a_mark(data: bytes, mark: bytes) -> bytes:
    """The middle one overwritten."""
    at = data.index(mark, len(data) // 2)
    return data[:at] + bytes(len(mark)) + data[at + len(mark) :]


def damage() -> Iterator[Case]:
    """A fifth of the file is lost in its middle, or the beginning of a page, or the file's end."""
    everything = (*said(), *said(1, at=SECONDS))
    excused = ("gaps", "damaged_packets")
    for extension, options in DAMAGED:
        stem = _short(options).replace("_cluster_time_limit", "")
        kind = (
            "frag.mp4"
            if extension == "mp4"
            else "flac.ogg"
            if options == "-c:a flac" and extension == "ogg"
            else extension
        )
        before, behind = between(everything, 0, 0.4 * TWICE - MARGIN), between(everything, 0.6 * TWICE + MARGIN, TWICE)
        unstamped, ended = kind in UNSTAMPED, kind in ENDED
        for name, seed in (("zeroed", None), ("random", 1)):
            yield Case(
                "damage",
                f"{stem}_{name}.{extension}",
                partial(_spoilt, options, partial(damaged, first=0.42, last=0.58, seed=seed)),
                before if ended else (*before, *behind),
                "made" if unstamped or ended else "referee",
                early=5.0 if unstamped else 0.0,
                late=0.1 if unstamped or ended else 0.0,
                warns=() if kind in SILENTLY else ("gaps|damaged_packets|truncated",),
                may_warn=excused,
                quiet=False,
            )
        yield Case(
            "cut short",
            f"{stem}_cut.{extension}",
            partial(_spoilt, options, lambda data: data[: int(0.7 * len(data))]),
            () if extension in {"m4a", "mov"} else between(everything, 0, 0.7 * TWICE - MARGIN),
            refused="INVALID_MEDIA" if extension in {"m4a", "mov"} else None,
            warns=("truncated",) if extension in PROMISING else (),
            may_warn=("damaged_packets", "truncated") if extension not in {"wav", "w64", "aiff"} else (),
            quiet=False,
        )
    for extension, options, mark in PAGES:
        yield Case(
            "damage",
            f"{_short(options)}_without_a_mark.{extension}",
            partial(_spoilt, options, partial(_without_a_mark, mark=mark)),
            (*between(everything, 0, 0.45 * TWICE - 0.5), *between(everything, 0.55 * TWICE + 0.5, TWICE)),
            may_warn=excused,
            quiet=False,
        )


# Lengths that are only claimed.

PLACEHOLDERS = (
    *(0, 0x7FFFF000, 0x80000000, 0xFFFFFFFF, 0xFFFFFFDB, 0xFFFFFFFE, 0xFFFFFFFC, 0x7FFFFFFF, 0x7FFFFFFE, 0xFFFFF000),
    *(0x7FFFFFDB, 0x7FFFFFC0, 0x80000024, 0x7FFFF024, 0xFFFFFF00, 0xFFFFFFD3),
)


def claims() -> Iterator[Case]:
    """Headers that were written before anybody knew, or by somebody who was wrong."""
    for size in PLACEHOLDERS:
        for rate in (8000, 16000):
            yield Case(
                "claims",
                f"data_{size:08x}_{rate}.wav",
                partial(_claiming, {"size": size}, rate),
                clock="made",
                seconds=SECONDS,
            )
    for field, value in (("byte_rate", 0), ("byte_rate", 1), ("byte_rate", 320000), ("byte_rate", 16000), ("align", 0)):
        make = partial(_claiming, {field: value}, 16000)
        yield Case("claims", f"{field}_{value}.wav", make, clock="made", seconds=SECONDS)
    for extension, options in (
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
    ):
        yield Case("claims", f"piped_{_short(options)}.{extension}", partial(_piped, options))
    for extension, options, codec in PICTURED[:4] + PICTURED[6:10]:
        yield Case(
            "claims",
            f"slideshow_{_short(options)}.{extension}",
            partial(_late, options, f"700:{codec} -g 300", 0.0, 0.0),
        )
    silence_then_voice = spoken(said(at=60), 60 + SECONDS)
    for quality in (0, 9):
        yield Case(
            "claims",
            f"vbr_without_xing_{quality}.mp3",
            lambda path, q=quality: record(path, f"-c:a libmp3lame -q:a {q} -write_xing 0", silence_then_voice),
            said(at=60),
        )
    yield Case("claims", "flac_of_unknown_length.flac", partial(_patched, "-c:a flac", _without_flac_length))
    for number, made in (("too_long.wav", 700), ("long_claim.wav", 0)):
        yield Case("claims", number, partial(_hours, made), refused="AUDIO_TOO_LONG")


def _claiming(fields: dict[str, int], rate: int, path: Path) -> None:
    sound = talk() if rate == RATE else talk()[::2]
    path.write_bytes(riff(sound, rate, **fields))  # type: ignore[arg-type] # all that are given here are numbers


def _piped(options: str, path: Path) -> None:
    """Through a pipe, so that nothing can be filled in afterwards."""
    wav = path.with_name("piped.track")
    wav.write_bytes(riff(talk()))
    path.write_bytes(ffmpeg(f"-f wav -i {wav} {options} pipe:1"))
    wav.unlink()


def _patched(options: str, change: Callable[[bytes], bytes], path: Path) -> None:
    record(path, options, talk())
    path.write_bytes(change(path.read_bytes()))


def _without_flac_length(data: bytes) -> bytes:
    return data[:21] + bytes([data[21] & 0xF0]) + bytes(4) + data[26:]


def _hours(seconds: int, path: Path) -> None:
    """Longer than is allowed: in truth, or by a claim that the file's size bears out."""
    path.write_bytes(riff(silent(seconds or 1), 8000 if seconds else 16000, size=None if seconds else 32000 * 900))
    if not seconds:
        with path.open("ab") as file:
            file.truncate(32000 * 900 + 44)


# Several tracks.


def _tracks(
    options: str,
    sounds: tuple[Callable[[], Sound], ...],
    picture: str,
    change: Callable[[bytes], bytes] | None,
    path: Path,
) -> None:
    record(path, options, *(sound() for sound in sounds), picture=picture)
    if change:
        path.write_bytes(change(path.read_bytes()))


def _second() -> Sound:
    return talk(1)


def _renamed(old: bytes, new: bytes, data: bytes) -> bytes:
    """The first track's codec under a name that nobody knows; in MP4, with the box that describes it."""
    if len(old) == 8:
        data = replaced(data, old[4:], new[4:])
        old, new = old[:4], new[:4]
    return replaced(data, old, new)


def tracks() -> Iterator[Case]:
    """More than one sound track, or something beside it."""
    left = ("tracks_left_out",)
    for extension, codec in (("mp4", "aac"), ("mov", "pcm_s16le"), ("mkv", "libopus"), ("mkv", "flac"), ("ts", "aac")):
        put = partial(_tracks, f"-c:a {codec} -ar 48000")
        yield Case(
            "tracks",
            f"silent_first_{codec}.{extension}",
            partial(put, (silent, talk), ":mpeg4" if extension != "ts" else ":mpeg2video -r 25", None),
            track="0:a:1",
            may_warn=left,
        )
        yield Case(
            "tracks", f"silent_second_{codec}.{extension}", partial(put, (talk, silent), "", None), may_warn=left
        )
        yield Case(
            "tracks",
            f"two_voices_{codec}.{extension}",
            partial(put, (_voice_left, _voice_right), "", None),
            clock="made",
            seconds=SECONDS,
            may_warn=left,
        )
        yield Case(
            "tracks",
            f"two_voices_apart_{codec}.{extension}",
            partial(put, (_voice_left, _voice_right), "", None),
            APART,
            "made",
            SECONDS,
            options={"channels": "separate"},
            apart=True,
        )
        yield Case(
            "tracks",
            f"other_words_{codec}.{extension}",
            partial(put, (talk, _second), "", None),
            left_out=said(1),
            may_warn=left,
            quiet=False,
        )
    for extension, codec in (("mp4", "aac"), ("mkv", "libopus"), ("mov", "alac")):
        put = partial(_tracks, f"-c:a {codec} -disposition:a:0 0 -disposition:a:1 default")
        yield Case(
            "tracks",
            f"default_second_{codec}.{extension}",
            partial(put, (_second, talk), "", None),
            track="0:a:1",
            left_out=said(1),
            may_warn=left,
            quiet=False,
        )
    for extension, codec, old, new in (
        ("mov", "aac", b"mp4aesds", b"apacdapa"),
        ("mp4", "aac", b"mp4aesds", b"apacdapa"),
        ("mov", "pcm_s16le", b"sowt", b"zzzz"),
        ("mkv", "aac", b"A_AAC", b"A_XYZ"),
        ("mkv", "libopus", b"A_OPUS", b"A_XYZZ"),
    ):
        make = partial(_tracks, f"-c:a {codec}", (talk, talk), "", partial(_renamed, old, new))
        yield Case("tracks", f"undecodable_first_{codec}.{extension}", make, track="0:a:1", may_warn=left)
        alone = partial(_tracks, f"-c:a {codec}", (talk,), "", partial(_renamed, old, new))
        yield Case("refused", f"undecodable_only_{codec}.{extension}", alone, refused="INVALID_MEDIA")
    for extension, subtitles in (("mkv", "subrip"), ("mp4", "mov_text"), ("webm", "webvtt")):
        yield Case("tracks", f"subtitles.{extension}", partial(_subtitled, subtitles))
    for extension in ("mp3", "m4a", "flac"):
        yield Case("tracks", f"cover.{extension}", _covered)
    yield Case(
        "tracks", "two_programmes.ts", _two_programmes, clock="made", left_out=said(1), may_warn=left, quiet=False
    )
    yield Case(
        "tracks",
        "apart.wav",
        partial(_layout, "-c:a pcm_s16le", _apart),
        APART,
        "made",
        SECONDS,
        options={"channels": "separate"},
        apart=True,
    )
    yield Case(
        "tracks",
        "apart.m4a",
        partial(_layout, "-c:a aac", _apart),
        APART,
        "made",
        None,
        options={"channels": "separate"},
        apart=True,
    )
    yield Case(
        "tracks",
        "mono_apart.wav",
        partial(_layout, "-c:a pcm_s16le", talk),
        warns=("channels_mixed",),
        options={"channels": "separate"},
    )
    may = (*left, "gaps", "damaged_packets")
    yield Case(
        "tracks", "second_track_later.ts", _later_programme, (*said(), *said(1, at=FAR)), may_warn=may, quiet=False
    )
    yield Case("tracks", "second_track_later.mpg", _later_track, (*said(), *said(1, at=FAR)), may_warn=may)


FAR = 60.0
"""Seconds that FFmpeg does not look ahead."""
PACK = 2048
"""Bytes of a sector on a disc."""
APART = tuple(Said(one.sentence, one.at, number // 2) for number, one in enumerate(said()))


def _voice_left() -> Sound:
    return spoken(said()[:2])


def _voice_right() -> Sound:
    return spoken(said()[2:])


def _apart() -> Sound:
    return channels(_voice_left(), _voice_right())


def _subtitled(codec: str, path: Path) -> None:
    wav, text = path.with_name("sub.track"), path.with_name("sub.srt")
    wav.write_bytes(riff(talk()))
    text.write_text("1\n00:00:00,400 --> 00:00:20,800\nKan du berätta hur det började?\n")
    sound = "libopus" if path.suffix == ".webm" else "aac"
    ffmpeg(f"-f wav -i {wav} -i {text} -map 1 -map 0 -c:a {sound} -c:s {codec} {path}")


def _covered(path: Path) -> None:
    wav, picture = path.with_name("cov.track"), path.with_name("cov.png")
    wav.write_bytes(riff(talk()))
    ffmpeg(f"-f lavfi -i color=black:s=64x64 -frames:v 1 {picture}")
    ffmpeg(f"-f wav -i {wav} -i {picture} -map 0 -map 1 -c:v copy -disposition:v attached_pic {path}")


def _two_programmes(path: Path) -> None:
    programmes = "-c:a aac -ar 48000 -program title=one:st=0 -program title=two:st=1"
    record(path, programmes, talk(), _second())


def _later_programme(path: Path) -> None:
    """A stream whose second half has two tracks."""
    one, two = path.with_name("one.ts"), path.with_name("two.ts")
    record(one, "-c:a mp2 -ar 48000", spoken(said(), FAR))
    record(two, f"-c:a mp2 -ar 48000 -output_ts_offset {FAR}", talk(1), talk())
    joined(path, one, two)


def _later_track(path: Path) -> None:
    """A disc on which a second track begins, and ends, where FFmpeg does not look for one."""
    options = "-f vob -c:a mp2 -ar 24000 -b:a 32k"
    record(path, options, spoken((*said(), *said(1, at=FAR)), FAR + SECONDS))
    record(other := path.with_name("other.mpg"), options, talk(1))
    sectors = other.read_bytes()[PACK : 3 * PACK].replace(b"\0\0\1\xc0", b"\0\0\1\xc1")
    data = path.read_bytes()
    path.write_bytes(data[: 12 * PACK] + sectors + data[12 * PACK :])
    other.unlink()


# What changes in the middle.

HALF = 6.1


def _halves(first: str, second: str, path: Path, *, many: tuple[int, int] = (1, 1)) -> None:
    whole = talk()
    at = round(HALF * RATE)
    one, two = path.with_name(f"one{path.suffix}"), path.with_name(f"two{path.suffix}")
    record(one, first, channels(*[whole[:at]] * many[0]))
    record(two, second, channels(*[whole[at:]] * many[1]))
    joined(path, one, two)


def changes() -> Iterator[Case]:
    """Two halves of a talk, joined by `cat`: each player goes on into the second."""
    may = ("damaged_packets", "gaps")
    for extension, codec, variants in (
        ("mp3", "-c:a libmp3lame", ("-ar 44100 -ac 1", "-ar 48000 -ac 1", "-ar 44100 -ac 2", "-ar 16000 -ac 1")),
        ("mp3", "-f mp2 -c:a mp2", ("-ar 44100 -ac 1", "-ar 48000 -ac 1", "-ar 44100 -ac 2")),
        ("aac", "-c:a aac", ("-ar 44100 -ac 1", "-ar 48000 -ac 1", "-ar 44100 -ac 2", "-ar 16000 -ac 1")),
        ("ac3", "-c:a ac3", ("-ar 44100 -ac 1", "-ar 48000 -ac 1", "-ar 44100 -ac 2")),
        ("ogg", "-c:a libvorbis", ("-ar 44100 -ac 1", "-ar 48000 -ac 1", "-ar 44100 -ac 2")),
        ("opus", "-c:a libopus", ("-ac 1", "-ac 2", "-ar 16000")),
        ("ogg", "-c:a flac", ("-ar 44100 -ac 1", "-ar 48000 -ac 1", "-ar 44100 -ac 2")),
        ("flac", "-c:a flac", ("-ar 44100 -ac 1", "-ar 44100 -ac 2")),
        ("ts", "-c:a aac -ar 48000", ("-ac 1", "-ac 2")),
        ("ts", "-c:a mp2", ("-ar 48000 -ac 1", "-ar 48000 -ac 2", "-ar 44100 -ac 1")),
        ("mpg", "-f vob -c:a ac3 -ar 48000", ("-ac 1", "-ac 2")),
    ):
        for one in variants:
            for two in variants:
                if one == two and one != variants[0]:
                    continue
                name = f"{_short(codec)}_{_short(one)}_then_{_short(two)}.{extension}".replace("_ar_", "_").replace(
                    "_ac_", "_"
                )
                shift = f" -output_ts_offset {HALF}" if extension in {"ts", "mpg"} else ""
                yield Case(
                    "changes", name, partial(_halves, f"{codec} {one}", f"{codec} {two}{shift}"),
                    clock="made", late=0.2, may_warn=may, quiet=False,
                )  # fmt: skip

    for extension, options in (
        ("wav", "-c:a pcm_s16le"),
        ("mka", "-c:a aac"),
        ("webm", "-c:a libopus"),
        ("wv", "-c:a wavpack"),
    ):
        # Players differ in whether they see the second.
        yield Case(
            "changes", f"{_short(options)}_twice.{extension}", partial(_halves, options, options), said()[:2], "made",
            late=0.1, may_warn=may, quiet=False,
        )  # fmt: skip


# What is no recording.


def refused() -> Iterator[Case]:
    yield Case(
        "refused", "unknown_codec.wav", lambda path: path.write_bytes(riff(talk(), tag=0x181C)), refused="INVALID_MEDIA"
    )
    yield Case("refused", "empty.mp3", lambda path: path.write_bytes(b""), refused="INVALID_MEDIA")
    yield Case("refused", "header_only.wav", lambda path: path.write_bytes(riff(silent(0))), refused="INVALID_MEDIA")
    yield Case(
        "refused",
        "65_channels.wav",
        lambda path: path.write_bytes(riff(_many(65, [0])[:RATE])),
        refused="INVALID_MEDIA",
    )
    for extension, codec in (("mp4", "mpeg4"), ("mkv", "mpeg4"), ("webm", "libvpx"), ("avi", "mpeg4")):
        yield Case("refused", f"no_sound.{extension}", partial(_pictures, codec), refused="NO_AUDIO_TRACK")


def _pictures(codec: str, path: Path) -> None:
    ffmpeg(f"-f lavfi -t 2 -i color=black:s=64x64:r=5 -c:v {codec} {path}")


KINDS = (encodings, rates, layouts, late, stamps, pauses, damage, claims, tracks, changes, refused)


@cache
def cases() -> tuple[Case, ...]:
    """All of them, always in the same order."""
    return tuple(case for kind in KINDS for case in kind())


def named(name: str) -> Case:
    """The case of a kind and a file, such as `changes/opus_1_then_2.opus`."""
    (found,) = [case for case in cases() if f"{case.kind}/{case.name}" == name]
    return found
