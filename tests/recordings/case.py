"""One recording of the matrix, and what must come of reading it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.support.recordings import Maker, Said, said

CLEAR, LOSSY = 0.8, 0.65
"""How like itself a sentence must be where all of it is there, and where parts of it are lost or others speak too.
Another sentence is 0.5 at most."""


@dataclass(frozen=True)
class Case:
    """A file that can be made, what is said in it, and what must be said of it."""

    kind: str
    name: str
    """The file's, with the extension that people would give it."""
    make: Maker
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

    @property
    def likeness(self) -> float:
        """That a sentence must have to be there."""
        return CLEAR if self.quiet else LOSSY

    @property
    def title(self) -> str:
        return f"{self.kind}/{self.name}"


def short(options: str, *, words: int | None = None) -> str:
    """The codec, and what makes this one different, as a part of a name."""
    kept = [word.removeprefix("pcm_").removeprefix("lib") for word in options.split() if word not in {"-c:a", "-f"}]
    return "_".join(word.strip("-+").replace("+", "_").replace(":", "") for word in kept[:words])
