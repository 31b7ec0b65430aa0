"""How long recordings on this machine are: by what their headers say, else by their sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.common.domain.fair_queue import estimated_seconds

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Length:
    """The length of a recording."""

    seconds: float
    is_known: bool
    """Whether its header says it; else it is a guess from its size, which may be several times too long or short."""


def length_of(path: Path) -> Length:
    """The length of a recording, of which a few kilobytes are read.

    Raises:
        OSError: it cannot be read.

    """
    from tinytag import TinyTag, TinyTagException  # noqa: PLC0415 - nothing else needs it

    try:
        seconds = TinyTag.get(path, tags=False).duration
    except TinyTagException:
        seconds = None  # of a kind that it does not know, or broken
    if seconds and seconds > 0:
        return Length(seconds=seconds, is_known=True)
    return Length(seconds=estimated_seconds(path.stat().st_size), is_known=False)
