"""Which sound tracks of a file are read, decided before any of them is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from av.stream import Disposition

from services.gpu_worker.engine.audio import refusals
from services.gpu_worker.engine.audio.containers import Untyped, name
from services.gpu_worker.engine.audio.mixing import Sources
from services.gpu_worker.engine.audio.sound import Hearing
from services.gpu_worker.engine.audio.track import MOST_CHANNELS, why_not

TOGETHER = frozenset({"mov", "mxf", "matroska", "avi"})
"""Formats in which recorders write each microphone to a track of its own."""
ALTERNATIVES = (
    Disposition.dub
    | Disposition.original
    | Disposition.comment
    | Disposition.karaoke
    | Disposition.hearing_impaired
    | Disposition.visual_impaired
)
"""Dispositions of a track that is another version of the same sound, not another microphone."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The tracks that are read, by their number among the file's sound tracks, counted from 1."""

    numbers: tuple[int, ...]
    sources: Sources
    left_out: tuple[str, ...] = ()
    """Which tracks are not read, and why, as sentences."""


def select(container: Untyped, hearing: Hearing) -> Selection:
    """The tracks of a container to read.

    Raises:
        NoAudioTrackError: it has no sound track.
        InvalidMediaError: no track can be decoded, or one that was chosen cannot.
        InvalidOptionError: it lacks a track that was chosen.

    """
    streams = dict(enumerate(container.streams.audio, 1))
    if not streams:
        raise refusals.no_track()
    for number in hearing.tracks or ():
        if number not in streams:
            raise refusals.no_such_track(number, len(streams))
    wanted = {number: streams[number] for number in hearing.tracks or streams}
    faults = {number: fault for number, stream in wanted.items() if (fault := why_not(stream))}
    usable = [number for number in wanted if number not in faults]
    if not usable or (hearing.tracks and faults):
        number, fault = next(iter(faults.items()))
        raise refusals.unreadable_track(number, fault)
    numbers = _within(usable, streams)
    faults |= dict.fromkeys(usable[len(numbers) :], "the tracks before it have as many channels as can be read")
    first = next(
        (index for index, number in enumerate(numbers) if streams[number].disposition & Disposition.default), 0
    )
    sources = Sources(
        first=first,
        together=_together(container, [streams[number] for number in numbers]),
        chosen=tuple(range(len(numbers))) if hearing.tracks else None,
        separate=hearing.separate,
        as_they_are=hearing.as_they_are,
    )
    reasons = (f"Sound track {number} is left out: {fault}." for number, fault in faults.items())
    return Selection(numbers, sources, tuple(reasons))


def _within(usable: Sequence[int], streams: dict[int, Untyped]) -> tuple[int, ...]:
    """The first tracks that together have at most `MOST_CHANNELS` channels; at least one."""
    channels = 0
    numbers: list[int] = []
    for number in usable:
        channels += streams[number].channels or 1
        if numbers and channels > MOST_CHANNELS:
            break
        numbers.append(number)
    return tuple(numbers)


def _together(container: Untyped, streams: Sequence[Untyped]) -> bool:
    """Whether all streams are microphones of one recording: mono, of one format and language, without alternatives."""
    kinds = {(stream.channels, stream.rate, stream.codec_context.name) for stream in streams}
    languages = {stream.metadata.get("language", "und") for stream in streams}
    versions = any(stream.disposition & ALTERNATIVES for stream in streams)
    alike = len(kinds) == 1 and next(iter(kinds))[0] == 1 and len(languages) == 1
    return len(streams) > 1 and name(container) in TOGETHER and alike and not versions
