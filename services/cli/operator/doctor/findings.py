"""What a check has found: a level, a sentence, and the remedy. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

APPLY = "terraform -chdir=terraform apply"
"""What puts right whatever Terraform made and somebody changed or deleted."""


class Level(IntEnum):
    """How a finding is to be taken; the worst of all counts."""

    OK = 0
    UNKNOWN = 1
    """It could not be seen, as when a right is missing."""
    WARNING = 2
    """The deployment works, but not as well as it could, or not for long."""
    WRONG = 3
    """Something does not work."""

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check has found."""

    level: Level
    sentence: str
    remedy: str = ""
    """The command that mends it, or in words what to do; empty if there is nothing to do."""


def ok(sentence: str) -> Finding:
    return Finding(level=Level.OK, sentence=sentence)


def unknown(sentence: str, remedy: str = "") -> Finding:
    return Finding(level=Level.UNKNOWN, sentence=sentence, remedy=remedy)


def warning(sentence: str, remedy: str) -> Finding:
    return Finding(level=Level.WARNING, sentence=sentence, remedy=remedy)


def wrong(sentence: str, remedy: str = APPLY) -> Finding:
    return Finding(level=Level.WRONG, sentence=sentence, remedy=remedy)


def judged(faults: Sequence[str], otherwise: str, remedy: str = APPLY) -> Finding:
    """All faults of one thing as one finding; `otherwise` is said if there are none."""
    return wrong(" ".join(faults), remedy) if faults else ok(otherwise)
