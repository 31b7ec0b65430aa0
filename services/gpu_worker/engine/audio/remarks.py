"""What people should know about how a recording was read, as sentences."""

from __future__ import annotations

from collections.abc import Iterator

from services.common.transcript.quality import Remark
from services.gpu_worker.engine.audio.reading import Reading

LEAST_TRUNCATED, LEAST_SHARE = 2.0, 0.02
"""A recording is truncated if it lacks more than so many seconds, and more than this share of the declared length."""
LEAST_GAPS = 0.1
"""Seconds; fewer that are missing in all are not reported."""


def truncated_at(reading: Reading) -> float | None:
    """Where the sound ended, in seconds, if the header declares clearly more or the rest was unreadable; else None."""
    promised = max((track.promised or 0.0 for track in reading.heard), default=0.0)
    missing = promised - reading.seconds
    if not reading.broken and missing <= max(LEAST_TRUNCATED, LEAST_SHARE * promised):
        return None
    return round(reading.seconds, 2)


def remarks(reading: Reading) -> Iterator[Remark]:
    """The remarks on a reading that has ended: each code at most once, in a fixed order."""
    yield from _end(reading)
    if damaged := sum(track.damaged for track in reading.heard):
        yield Remark("damaged_packets", f"{_counted(damaged, 'damaged packet')} could not be decoded.")
    yield from _gaps(reading)
    yield from _channels(reading)
    yield from _tracks(reading)


def _end(reading: Reading) -> Iterator[Remark]:
    at = truncated_at(reading)
    if at is not None and reading.broken:
        yield Remark("truncated", f"Behind {at:.1f} s the recording could not be read.", at)
    elif at is not None:
        yield Remark("truncated", f"The sound ends at {at:.1f} s, before the file's header says it does.", at)


def _gaps(reading: Reading) -> Iterator[Remark]:
    losses = [track.clock.losses for track in reading.heard]
    seconds, places = sum(loss.seconds for loss in losses), sum(loss.places for loss in losses)
    if seconds >= LEAST_GAPS:
        first = round(min(loss.first for loss in losses if loss.places), 2)
        where = f"in {places} places, the first at {first:.1f} s" if places > 1 else f"at {first:.1f} s"
        yield Remark("gaps", f"{seconds:.1f} s of sound are missing {where}; there is silence instead.", first)


def _channels(reading: Reading) -> Iterator[Remark]:
    findings = reading.findings
    if findings.mixed:
        yield Remark("channels_mixed", "There are no two to eight channels to keep separate, so all were mixed.")
    if findings.equal:
        yield Remark("channels_equal", "Channels to be kept separate carry the same, so it is told once.")
    if findings.differ_at is not None:
        at = round(reading.clock(findings.differ_at), 2)
        yield Remark("channels_differ", f"From {at:.1f} s on channels that carried the same differ, and are mixed.", at)
    if findings.cancelled_at is not None:
        at = round(reading.clock(findings.cancelled_at), 2)
        yield Remark("channels_cancel", f"From {at:.1f} s on channels cancel each other: speech may be missing.", at)


def _tracks(reading: Reading) -> Iterator[Remark]:
    findings, heard = reading.findings, reading.heard
    others = [track for track in reading.tracks if track not in heard and (track.decoded or track.damaged)]
    sentences = list(reading.selection.left_out)
    if others:
        names = [", ".join(str(track.number) for track in tracks) for tracks in (heard, others)]
        sentences.append(f"Heard: sound track {names[0]}; left out: {names[1]}. The option `tracks` chooses others.")
    if sentences and reading.selection.sources.chosen is None:
        yield Remark("tracks_left_out", " ".join(sentences))
    if findings.left_out_at is not None:
        number = reading.tracks[findings.left_out].number
        at = round(reading.clock(findings.left_out_at), 2)
        yield Remark("sound_left_out", f"At {at:.1f} s only sound track {number} is heard, which is left out.", at)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
