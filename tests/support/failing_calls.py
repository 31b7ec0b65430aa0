"""Calls of AWS that fail once each, wherever the code makes them, with whatever private names they are about."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import cycle
from pathlib import Path
from types import FrameType
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from services.common.aws import Aws
from services.common.redaction import OF_MACHINES
from tests.support.shared_aws import SharedAws

_TELLING = re.compile(r"\blog\.exception\(|\bexc_info=|\berror=|\bcode=code")
TRIES = 2
"""Of the clients, each of which fails."""
Failure = Callable[[str, str], Exception]
"""An error of one operation at one address."""


def cut() -> Failure:
    """A connection that is cut, cannot be made or stays silent, in turns; the client's own words name the address."""
    kinds: Iterator[Callable[..., Exception]] = cycle(
        (ConnectionClosedError, EndpointConnectionError, ReadTimeoutError)
    )
    return lambda _, url: next(kinds)(endpoint_url=url, error="no answer")


def refusal(private: Callable[[], str]) -> Failure:
    """AWS's own words, which name who asked for what; of machines it knows nothing private."""

    def refused(operation: str, _: str) -> Exception:
        what = "*" if operation in OF_MACHINES else f"arn:aws:s3:::recordings/{private()}"
        words = f'User: arn:aws:sts::1:role/w is not authorized to perform: {operation} on resource: "{what}"'
        answer: Any = {"Error": {"Code": "AccessDenied", "Message": words}, "ResponseMetadata": {"HTTPStatusCode": 403}}
        return ClientError(answer, operation)

    return refused


def anything(private: Callable[[], str]) -> Failure:
    """An error as any library might raise it, whose message holds every private value."""
    return lambda _, url: ValueError(private(), url)


class FailingCalls:
    """Lets every operation fail at the first call of every place in the code that asks for it."""

    def __init__(self, failure: Failure) -> None:
        self._failure = failure
        self._service = ""
        self._sent: Counter[tuple[str, str, str]] = Counter()

    @property
    def failed(self) -> set[tuple[str, str, str]]:
        """(service, operation, place)."""
        return set(self._sent)

    def operations(self, service: str) -> set[str]:
        return {operation for of, operation, _ in self._sent if of == service}

    @contextmanager
    def of(self, service: str) -> Iterator[None]:
        """Count the calls within this context as this service's; outside of it nothing fails."""
        before, self._service = self._service, service
        try:
            yield
        finally:
            self._service = before

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        """A call of EC2, which is played."""
        self.before_send(name.partition(".")[2], "https://ec2.eu-north-1.amazonaws.com/", tries=1)
        yield

    def before_send(self, operation: str, url: str, *, tries: int = TRIES) -> None:
        if not self._service:
            return
        call = self._service, operation, _place()
        error = self._failure(operation, url)
        # What is not tried again fails once, all else until the client gives up.
        if self._sent[call] < (tries if not isinstance(error, ClientError | ValueError) else 1):
            self._sent[call] += 1
            raise error


def _place() -> str:
    """The function of ours that makes the call, and those files on its way that may tell of a failure."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the one way to see who calls
    function, tellers = "", list[str]()
    while frame:
        _, ours, file = frame.f_code.co_filename.rpartition("/services/")
        if ours and file != "common/store/table.py":
            function = function or f"{file}:{frame.f_code.co_name}"
            if _tells(frame.f_code.co_filename) and file not in tellers:
                tellers.append(file)
        frame = frame.f_back
    return " < ".join([function or "a library's thread", *tellers])


@cache
def _tells(file: str) -> bool:
    return bool(_TELLING.search(Path(file).read_text(encoding="utf-8")))


class FailingAws(SharedAws):
    """Clients of a session of their own, whose calls fail as told."""

    def __init__(self) -> None:
        self.calls: FailingCalls | None = None
        super().__init__()
        self._config = self._config.merge(Config(retries={"mode": "standard", "total_max_attempts": TRIES}))

    logs = cache(Aws.logs)

    def _before_send(self, event_name: str, request: Any = None, **more: Any) -> None:
        if self.calls:
            self.calls.before_send(event_name.split(".")[2], request.url)
        super()._before_send(event_name, **more)
