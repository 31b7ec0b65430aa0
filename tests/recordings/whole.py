"""Whole files: each container, codec, rate and layout that people's programs write, and sound beside a picture.

Nothing here is left out where FFmpeg fails: what its program cannot write is not in the lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from tests.recordings.case import Case, short
from tests.support.recordings import SECONDS, Sound, Track, channels, riff, said, spoken, talk, written
from tests.support.stamps import over_the_air

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


def encodings() -> Iterator[Case]:
    """Each container with each codec, at several rates, of one and of two channels."""
    for extension, options, rates, counts in ENCODINGS:
        for rate in rates:
            for count in counts:
                name = f"{short(options)}_{rate}_{count}ch.{extension}"
                yield Case("encodings", name, written(f"{options} -ar {rate} -ac {count}"))
    for extension in ("amr", "3gp"):
        yield Case("encodings", f"amr_8000_1ch.{extension}", lambda path: over_the_air(talk(), path))


RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000)


def rates() -> Iterator[Case]:
    """Every rate that recorders know, where the codec has it."""
    every: tuple[tuple[str, str, Sequence[int]], ...] = (
        ("wav", "pcm_s16le", RATES),
        ("wav", "pcm_f32le", RATES[3:]),
        ("flac", "flac", RATES),
        ("wv", "wavpack", RATES),
        ("m4a", "alac", RATES[3:]),
        ("aiff", "pcm_s24be", RATES[3:]),
        ("m4a", "aac", RATES[:11]),
        ("mp3", "libmp3lame", RATES[:9]),
        ("ogg", "libvorbis", RATES[:9]),
    )
    for extension, codec, some in every:
        for rate in some:
            yield Case("rates", f"{codec}_at_{rate}.{extension}", written(f"-c:a {codec} -ar {rate}"))
    for rate in (4000, 5512, 7350, 37800, 50000, 64000, 384000):
        yield Case("rates", f"odd_{rate}.wav", written(f"-c:a pcm_s16le -ar {rate}"))
    for rate in (8000, 12000, 16000, 24000, 48000):
        yield Case("rates", f"opus_at_{rate}.opus", written(f"-c:a libopus -ar {rate}"))


# Channels: a voice in all, or in a single one.

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
                f"{name}_{short(options)}.{extension}",
                written(options, sound),
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
            yield Case("layouts", f"{name}_{short(options)}.{extension}", written(options, sound))


def counts() -> Iterator[Case]:
    """From one channel to 64, with and without a mask that says which is which: the voice in all of them, or in one."""
    for count in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16, 24, 32, 48, 64):
        yield _counted(f"{count}_without_mask", count, range(count))
        if count <= 18:
            yield _counted(f"{count}_masked", count, range(count), mask=(1 << count) - 1)
    for count, alone in ((4, 2), (8, 4), (8, 7), (13, 12), (16, 9), (64, 63)):
        yield _counted(f"{count}_only_in_{alone + 1}", count, range(alone, alone + 1))
    for count, mask in ((2, 0), (2, 0x4), (4, 0x3F), (6, 0x3), (8, 0), (8, 0xFF00)):
        yield _counted(f"{count}_mask_{mask:x}", count, range(count), mask=mask)


def _counted(name: str, count: int, voices: range, mask: int | None = None) -> Case:
    def make(path: Path) -> None:
        sound = channels(*(talk() if number in voices else 1 for number in range(count)))
        path.write_bytes(riff(sound, mask=mask))

    return Case("channels", f"{name}.wav", make, clock="made", seconds=SECONDS)


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
        stem = f"{number:02}_{short(options)}"
        for seconds in (0.0, 0.5, 4.0, 90.0) if number < len(PICTURED) else (0.0,):
            picture = f"{seconds + SECONDS + 1}:{codec}"
            yield Case(
                "late sound",
                f"{stem}_{seconds:g}_s_late.{extension}",
                written(options, partial(_late, seconds), picture=picture),
                said(at=seconds),
                "made" if extension in {"ts", "mpg"} else "referee",
                seconds + SECONDS if extension in {"ts", "mpg"} else None,
            )
        for seconds in (0.5, 4.0) if number < len(PICTURED) else ():
            yield Case(
                "late sound",
                f"{stem}_{seconds:g}_s_before.{extension}",
                written(options, picture=f"{SECONDS}:{codec}", picture_late=seconds),
            )


def _late(seconds: float) -> Track:
    return Track(talk(), seconds)
