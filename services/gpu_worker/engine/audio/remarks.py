"""What is worth telling of a recording that was read, as sentences."""

from __future__ import annotations

from collections.abc import Iterator

from services.gpu_worker.engine.audio.reading import Reading
from services.gpu_worker.engine.plan import Remark

LEAST_TRUNCATED, LEAST_SHARE = 2.0, 0.02
"""Seconds, and the share of what was promised, that are more than rounding."""
LEAST_GAPS = 0.1
"""Seconds missing in all that are worth telling."""


def truncated_at(reading: Reading) -> float | None:
    """Where the sound ended, if the header promised clearly more, or if nothing behind it could be read."""
    promised = max((track.promised or 0.0 for track in reading.heard), default=0.0)
    missing = promised - reading.seconds
    if not reading.broken and missing <= max(LEAST_TRUNCATED, LEAST_SHARE * promised):
        return None
    return round(reading.seconds, 2)


def remarks(reading: Reading) -> Iterator[Remark]:
    """Each code once, in a fixed order. The reading is at its end."""
    if (at := truncated_at(reading)) is not None:
        yield Remark("truncated", f"The recording ends at {at:.1f} s, before its header says it does.", at)
    if damaged := sum(track.damaged for track in reading.heard):
        yield Remark("damaged_packets", f"{damaged} packets are damaged and were passed over.")
    yield from _gaps(reading)
    yield from _channels(reading)
    yield from _tracks(reading)


def _gaps(reading: Reading) -> Iterator[Remark]:
    losses = [track.clock.losses for track in reading.heard]
    seconds, places = sum(loss.seconds for loss in losses), sum(loss.places for loss in losses)
    if seconds >= LEAST_GAPS:
        first = min(loss.first for loss in losses if loss.places)
        yield Remark("gaps", f"{seconds:.1f} s of sound are missing, in {places} places; there is silence.", first)


def _channels(reading: Reading) -> Iterator[Remark]:
    findings = reading.findings
    if findings.mixed:
        yield Remark("channels_mixed", "There are no two to eight channels to keep separate; all were mixed.")
    if findings.equal:
        yield Remark(
            "channels_equal", "Channels that were to be kept separate carry the same; their text is told once."
        )
    if findings.cancelled_at is not None:
        at = reading.clock(findings.cancelled_at)
        yield Remark(
            "channels_cancel", f"From {at:.1f} s on channels cancel each other, and speech may be missing.", at
        )


def _tracks(reading: Reading) -> Iterator[Remark]:
    findings, heard = reading.findings, reading.heard
    others = [track for track in reading.tracks if track not in heard and (track.decoded or track.damaged)]
    if reading.selection.sources.chosen is None and (others or reading.selection.left_out):
        numbers = ", ".join(str(track.number) for track in others)
        chosen = " and ".join(str(track.number) for track in heard)
        asked = f"Of the sound tracks, {chosen} is heard and {numbers} left out; the option tracks chooses others."
        yield Remark("tracks_left_out", " ".join([*([asked] if others else []), *reading.selection.left_out]))
    if findings.left_out_at is not None:
        number = reading.tracks[findings.left_out].number
        at = reading.clock(findings.left_out_at)
        yield Remark("sound_left_out", f"At {at:.1f} s only sound track {number} is heard, which is left out.", at)
