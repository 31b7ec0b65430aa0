"""One file of the mixture, and how it may end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tests.support.recordings import Maker


class Sort(StrEnum):
    """What is known of a file before it is sent."""

    GOOD = "good"
    """An ordinary recording: its words are those that the same file gives alone."""
    ODD = "odd"
    """Unlike what programs write, or damaged, but there is sound in it: the same."""
    BAD = "bad"
    """Nobody can hear anything in it: it is refused with its code."""
    FUZZED = "fuzzed"
    """Bytes were changed by chance: it ends as the same file does alone, with words or with a code."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A file that is made on the spot, the same each time."""

    name: str
    """Its name in the bucket, without folders."""
    sort: Sort
    make: Maker
    code: str | None = None
    """With which a bad one is refused."""
