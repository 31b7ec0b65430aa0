"""How work is stopped: a flag that it looks at between two steps, and the error that it then raises."""

from __future__ import annotations

from typing import Protocol


class StoppedError(Exception):
    """The caller's stop flag was set; the results that were yielded before are complete."""


class StopFlag(Protocol):
    """A `threading.Event`, or anything else with its `is_set`."""

    def is_set(self) -> bool:
        """Whether to stop."""


class AnyOf:
    """A stop flag that is set when one of several flags is."""

    def __init__(self, *flags: StopFlag) -> None:
        self._flags = flags

    def is_set(self) -> bool:
        """Whether to stop."""
        return any(flag.is_set() for flag in self._flags)
