"""All recordings that are judged."""

from __future__ import annotations

from functools import cache

from tests.recordings import broken, several, whole
from tests.recordings.case import Case

KINDS = (
    *(whole.encodings, whole.rates, whole.layouts, whole.counts, whole.late),
    *(broken.lost_packets, broken.wrong_stamps, broken.pauses, broken.damage, broken.cut_short, broken.claims),
    *(several.tracks, several.separate, several.changes, several.refused),
)


@cache
def cases() -> tuple[Case, ...]:
    """Always in the same order."""
    return tuple(case for kind in KINDS for case in kind())


def named(name: str) -> Case:
    """The case of a kind and a file, such as `tracks/second_track_later.mpg`."""
    return {case.title: case for case in cases()}[name]
