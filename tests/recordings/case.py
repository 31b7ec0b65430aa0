"""One recording of the matrix, and what must come of reading it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.support.recordings import Said, said


@dataclass(frozen=True)
class Case:
    """A file that can be made, what is said in it, and what must be said of it."""

    kind: str
    name: str
    """The file's, with the extension that people would give it."""
    make: Callable[[Path], object]
    said: tuple[Said, ...] = said()
    """Each must be heard."""
    clock: Literal["referee", "made"] = "referee"
    """Who says when: FFmpeg's program, or how the file was made where that program is known to be wrong."""
    seconds: float | None = None
    """Length, where it is not the referee's; with the clock `made`, None leaves it open."""
    early: float = 0.0
    """Seconds of sound that may be lost without a trace, so that what follows is heard earlier."""
    late: float = 0.0
    """Seconds that encoders may have added where files are joined."""
    warns: tuple[str, ...] = ()
    """Warnings that must be given; `a|b` where either does."""
    may_warn: tuple[str, ...] = ()
    refused: str | None = None
    """The code with which it must be refused."""
    options: Mapping[str, str] = field(default_factory=dict)
    track: str = "0:a:0"
    """What the referee plays."""
    apart: bool = False
    """Whether two channels must be planned."""
    left_out: tuple[Said, ...] = ()
    """Of other tracks: heard, or said to be left out."""
    quiet: bool = True
    """Whether nothing is heard but the sentences."""
    by_plan: bool = False
    """Too long to be laid out as one array: judged by the plan alone."""
    costs: float = 5.0
    """Seconds of processor that planning may take."""
