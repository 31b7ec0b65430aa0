"""What is said of a recording that cannot be read: these codes and these sentences, and no others."""

from __future__ import annotations

import inspect

import pytest

from services.common.domain.errors import PermanentError
from services.gpu_worker.engine.audio import refusals

MEDIA = "INVALID_MEDIA"
CONVERT = " It may be damaged in an unusual way: convert it (for example to FLAC) and upload it again."
MEMORY = (
    "Reading the recording would take more memory than the 512 MiB that are allowed here, or it has more tracks than "
    "can be read."
)
UNKNOWN = (
    "The file is no audio or video in a format that is read here. If it is a recording, convert it (for example to "
    "FLAC) and upload it again."
)
LONG = "The recording is longer than the 1.5 hours that are allowed here: upload it in shorter pieces."
REFUSALS: dict[str, tuple[PermanentError, str, str]] = {
    "unknown_format": (refusals.unknown_format(), MEDIA, UNKNOWN),
    "senseless_header": (refusals.senseless_header(), MEDIA, f"What the file says of itself makes no sense.{CONVERT}"),
    "no_sound": (refusals.no_sound(), MEDIA, "The file holds no sound that can be decoded."),
    "no_track": (refusals.no_track(), "NO_AUDIO_TRACK", "The file has no sound track."),
    "no_such_track": (
        refusals.no_such_track(3, 2),
        "INVALID_OPTION",
        "There is no sound track 3: the recording has 2 sound tracks.",
    ),
    "unreadable_track": (refusals.unreadable_track(2, "no codec"), MEDIA, "Sound track 2 cannot be read: no codec."),
    "too_long": (refusals.too_long(5_400), "AUDIO_TOO_LONG", LONG),
    "too_much_memory": (refusals.too_much_memory(512), MEDIA, MEMORY),
    "too_much_time": (refusals.too_much_time(60), MEDIA, f"Reading the recording took more than 60 s.{CONVERT}"),
    "stuck": (refusals.stuck(), MEDIA, f"Reading the recording did not get on any more.{CONVERT}"),
    "deadly": (refusals.deadly(), MEDIA, f"The process that read the recording died of it.{CONVERT}"),
    "unreadable": (refusals.unreadable("EOFError"), MEDIA, f"The recording cannot be read (EOFError).{CONVERT}"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_has_its_code_and_says_what_is_wrong_and_where_it_can_what_to_do(name: str) -> None:
    error, code, sentence = REFUSALS[name]
    assert (error.code, str(error)) == (code, sentence)


def test_every_refusal_is_held_to_its_sentence_here() -> None:
    made = {name for name, _ in inspect.getmembers(refusals, inspect.isfunction)}
    assert made == set(REFUSALS)


def test_a_recording_with_one_track_is_told_so_in_the_singular() -> None:
    assert str(refusals.no_such_track(2, 1)) == "There is no sound track 2: the recording has 1 sound track."
