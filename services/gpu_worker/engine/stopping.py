"""Being told to stop: a flag that is looked at between two steps, and the error that says so."""

from __future__ import annotations

from typing import Protocol


class StoppedError(Exception):
    """The caller's stop flag was set; what had been yielded until then is good."""


class StopFlag(Protocol):
    """A `threading.Event`, or anything else that can be asked."""

    def is_set(self) -> bool:
        """Whether to stop."""


class AnyOf:
    """Set when one of several flags is."""

    def __init__(self, *flags: StopFlag) -> None:
        self._flags = flags

    def is_set(self) -> bool:
        """Whether to stop."""
        return any(flag.is_set() for flag in self._flags)
