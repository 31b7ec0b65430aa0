"""Bulkheads between the steps of a sweep, and between the items of a step: a failure in one stops no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import structlog

from services.common.store.codec import UnknownVersionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

log = structlog.get_logger()
Value = TypeVar("Value")


class SweepFailedError(Exception):
    """A step of the sweep failed. Raised after all other steps, so that Lambda counts an error and the alarm fires."""

    loggable = True


class Bulkheads:
    """The bulkheads of one sweep: they catch errors, log them and remember in which step each happened."""

    def __init__(self) -> None:
        self._step = ""
        self._failed: list[str] = []

    def step(self, name: str, do: Callable[[], Value]) -> Value | None:
        """Run one step and return its result; None if it failed. The failure is logged with the step's name."""
        self._step = name
        try:
            return do()
        except Exception:
            log.exception("sweep.failed", step=name)
            self._failed.append(name)
            return None

    def each(self, items: Iterable[Value], do: Callable[[Value], bool]) -> int:
        """Run `do` for each item of the current step; returns for how many items it returned true.

        An item that fails is logged and counts as not done. An item of an unknown version is left alone.
        """
        return sum(self._attempt(item, do) for item in items)

    def close(self) -> None:
        """End the sweep.

        Raises:
            SweepFailedError: naming the steps in which something failed.

        """
        if self._failed:
            raise SweepFailedError(", ".join(dict.fromkeys(self._failed)))

    def _attempt(self, item: Value, do: Callable[[Value], bool]) -> bool:
        try:
            return do(item)
        except UnknownVersionError as error:
            log.warning("sweep.left_alone", step=self._step, error=error)
        except Exception:
            log.exception("sweep.failed", step=self._step)
            self._failed.append(self._step)
        return False
