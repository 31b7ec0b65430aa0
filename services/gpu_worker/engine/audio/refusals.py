"""The errors of recordings that cannot be read: every code and sentence of this kind, in one place. Pure."""

from __future__ import annotations

from services.common.domain.errors import AudioTooLongError, InvalidMediaError, InvalidOptionError, NoAudioTrackError

AGAIN = "convert it (for example to FLAC) and upload it again."
CONVERT = f"It may be damaged in an unusual way: {AGAIN}"


def unknown_format() -> InvalidMediaError:
    return InvalidMediaError(
        f"The file is no audio or video in a format that is read here. If it is a recording, {AGAIN}"
    )


def senseless_header() -> InvalidMediaError:
    return InvalidMediaError(f"What the file says of itself makes no sense. {CONVERT}")


def no_sound() -> InvalidMediaError:
    return InvalidMediaError("The file holds no sound that can be decoded.")


def no_track() -> NoAudioTrackError:
    return NoAudioTrackError("The file has no sound track.")


def no_such_track(number: int, tracks: int) -> InvalidOptionError:
    """The job asks for a track that the recording does not have."""
    there = "1 sound track" if tracks == 1 else f"{tracks} sound tracks"
    return InvalidOptionError("tracks", f"There is no sound track {number}: the recording has {there}.")


def unreadable_track(number: int, fault: str) -> InvalidMediaError:
    return InvalidMediaError(f"Sound track {number} cannot be read: {fault}.")


def too_long(max_seconds: float) -> AudioTooLongError:
    hours = f"{max_seconds / 3600:.3g} hours"
    return AudioTooLongError(
        f"The recording is longer than the {hours} that are allowed here: upload it in shorter pieces."
    )


def too_much_memory(limit_mib: int) -> InvalidMediaError:
    return InvalidMediaError(
        f"Reading the recording would take more memory than the {limit_mib} MiB that are allowed here, or it has more "
        "tracks than can be read."
    )


def too_much_time(limit_seconds: int) -> InvalidMediaError:
    return InvalidMediaError(f"Reading the recording took more than {limit_seconds} s. {CONVERT}")


def stuck() -> InvalidMediaError:
    return InvalidMediaError(f"Reading the recording did not get on any more. {CONVERT}")


def deadly() -> InvalidMediaError:
    """A process that read the recording crashed."""
    return InvalidMediaError(f"The process that read the recording died of it. {CONVERT}")


def unreadable(kind: str) -> InvalidMediaError:
    """A library failed; `kind` is the name of its error, which is all that may be told of it."""
    return InvalidMediaError(f"The recording cannot be read ({kind}). {CONVERT}")
