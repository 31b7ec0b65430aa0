"""Where an undisturbed run calls AWS, and what happens to one of those calls in a disturbed one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError


class Crash(BaseException):
    """The process ends at this point, as if it were killed."""


def aws_error(code: str, operation: str, *, status: int = 400) -> ClientError:
    """An error as AWS answers it, from `Code: message`."""
    answer: Any = {"Error": {"Code": code, "Message": "its words"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


class Mode(StrEnum):
    """How the chosen call is disturbed."""

    BEFORE = "crash before"
    AFTER = "crash after, the reply lost"
    RIVAL = "a rival runs to the end"
    STEAL = "a rival only claims"


class Faults:
    """Counts the calls of a run; at one of them, something happens."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._at: int | None = None
        self._mode: Mode | None = None
        self._rival: Callable[[Mode], None] = lambda _: None
        self._watching = False
        self._dead = False
        self.happened = False
        self.refuse: Callable[[str], None] = lambda _: None
        """May raise instead of letting a call through, as in throttling or an outage."""
        self._numbers: list[int | None] = []

    def plan(self, at: int, mode: Mode, rival: Callable[[Mode], None]) -> None:
        """Let `mode` happen at the call with this number."""
        self._at, self._mode, self._rival = at, mode, rival

    @contextmanager
    def watching(self, *, watched: bool = True) -> Iterator[None]:
        """Count the calls within this context, which are one process's, not those of the test itself or of a rival."""
        before = self._watching, self._dead
        self._watching = watched
        try:
            yield
        finally:
            self._watching, self._dead = before

    @contextmanager
    def dying(self, at: int, mode: Mode) -> Iterator[list[str]]:
        """Run one process that ends at its call with this number (-1: at none); gives the calls that it makes."""
        self.calls, self.happened = [], False
        self.plan(at, mode, lambda _: None)
        with suppress(Crash), self.watching():
            yield self.calls

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        """Make one call of AWS, perhaps disturbed."""
        number = self._count(name)
        self._before(number)
        yield
        self._after(number)

    def before_send(self, event_name: str) -> None:
        name = ".".join(event_name.split(".")[1:3])
        if self._watching:
            self.refuse(name)
        number = self._count(name)
        self._numbers.append(number)
        self._before(number)

    def after_call(self) -> None:
        self._after(self._numbers.pop())

    def _count(self, name: str) -> int | None:
        if not self._watching:
            return None
        self.calls.append(name)
        return len(self.calls) - 1

    def _before(self, number: int | None) -> None:
        if self._dead and number is not None:
            # A crash in a thread of a library does not end the others, so all later calls of the process crash too.
            raise Crash
        if number is None or number != self._at or self.happened:
            return
        if self._mode is Mode.BEFORE:
            self.happened = self._dead = True
            raise Crash
        if self._mode in {Mode.RIVAL, Mode.STEAL}:
            self.happened = True
            self._watching = False
            try:
                self._rival(self._mode)
            finally:
                self._watching = True

    def _after(self, number: int | None) -> None:
        if number is not None and number == self._at and self._mode is Mode.AFTER and not self.happened:
            self.happened = self._dead = True
            raise Crash
