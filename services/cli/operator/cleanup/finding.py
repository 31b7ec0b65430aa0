"""What is found that should not be there, and how each kind of it is looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from services.cli.operator.cleanup.deployed import Deployed
from services.common.domain.times import MINUTE_MS

YOUNG_MS = 5 * MINUTE_MS
"""What is younger is left alone: a machine or a disk that has just been made may be about to get its place."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that should not be there."""

    name: str
    why: str
    """Why it should not be there, in a few words."""
    end: Callable[[], object] = field(repr=False)
    """Ends it. That it is still there was looked at just before."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Things that are looked for, and ended, in the same way."""

    action: str
    """What is done with one of them, such as `delete volume`."""
    many: str
    """What they are called."""
    find: Callable[[Deployed, int], Iterator[Finding]]
    """Finds them; takes the present time, epoch milliseconds. It only reads."""
