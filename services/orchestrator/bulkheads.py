"""Walls between the steps of one sweep, and between a step's items: what goes wrong behind one floods no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import structlog

from services.common.store.codec import UnknownVersionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

log = structlog.get_logger()
Value = TypeVar("Value")


class SweepFailedError(Exception):
    """Raised once everything else was done, so that Lambda counts an error and the alarm tells the operator."""

    loggable = True


class Bulkheads:
    """Those of one sweep."""

    def __init__(self) -> None:
        self._step = ""
        self._failed: list[str] = []

    def step(self, name: str, do: Callable[[], Value]) -> Value | None:
        """Do it; None if it failed, which the log tells with the step's name."""
        self._step = name
        try:
            return do()
        except Exception:
            log.exception("sweep.failed", step=name)
            self._failed.append(name)
            return None

    def each(self, items: Iterable[Value], do: Callable[[Value], bool]) -> int:
        """Do it to each item of the present step; returns to how many it was done."""
        return sum(self._attempt(item, do) for item in items)

    def close(self) -> None:
        """The sweep is over.

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
