"""A line on which every fifth request fails: between a client and the API and its storage.

The first of each kind is done and its reply is lost, the worst that can happen; then all faults come in turn.
"""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from tests.support.aws_proxy import SLOW_DOWN
from tests.support.proxy import Passing, Proxy, answer

EVERY = 5
WAIT_SECONDS = 1
"""What `Retry-After` asks for."""
_OF_AWS = re.compile(rb"\r\nauthorization: *aws4", re.IGNORECASE)
"""Of what the API itself asks its storage, on a line of its own."""
_STORAGE = re.compile(rb"^\S+ /transcribe-local\b")
_ID = re.compile(rb"/[a-z]+_[a-z0-9]+")
_INTERNAL = SLOW_DOWN.replace("SlowDown", "InternalError").replace("Please reduce your request rate.", "Try again.")


class Fault(StrEnum):
    """How a request fails."""

    LIMITED = "429 with Retry-After"
    LIMITED_SILENTLY = "429 without Retry-After"
    BROKEN = "500"
    UNAVAILABLE = "503"
    UNHEARD = "cut before the request reached the service"
    HALF_HEARD = "cut in the middle of the request"
    UNANSWERED = "cut after the service did it, before its reply"
    HALF_ANSWERED = "cut in the middle of the reply"


HEARD = frozenset({Fault.UNANSWERED, Fault.HALF_ANSWERED})
"""The service does what it was asked, and the client does not know."""


@dataclass(frozen=True)
class Failed:
    """A request that failed: the how manieth it was, how, and its first words."""

    number: int
    fault: Fault
    what: str

    def __str__(self) -> str:
        return f"{self.number:5} {self.what[:100]}: {self.fault}"


class UnreliableLine:
    """Leads to each address that `to` is told of; use as a context, which ends it."""

    def __init__(self, seed: int, every: int = EVERY) -> None:
        self.seed = seed
        self._every = every
        self._faults: dict[bytes, Iterator[Fault]] = {}
        """For requests of a kind."""
        self._counting = threading.Lock()
        self.requests = 0
        self.failed: list[Failed] = []
        self._proxy = Proxy(self._pass_on)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._proxy.close()

    def __str__(self) -> str:
        return "\n".join([f"seed {self.seed}, {self.requests} requests", *map(str, self.failed)])

    def to(self, upstream: str) -> str:
        """The address of this line that leads there."""
        return self._proxy.serve(upstream)

    def _pass_on(self, request: Passing) -> None:
        match None if _OF_AWS.search(request.head) else self._next(request):
            case Fault.UNHEARD:
                request.body()
                request.cut()
            case Fault.HALF_HEARD:
                request.begin(0.5)
                request.cut()
            case Fault.UNANSWERED:
                request.reply()
                request.cut()
            case Fault.HALF_ANSWERED:
                reply = request.reply()
                head = reply.index(b"\r\n\r\n") + 4
                # An answer without a body ends in the middle of its head.
                request.answer(reply[: (head + len(reply)) // 2 if len(reply) > head else head // 2])
            case None:
                request.answer(request.reply())
            case fault:
                request.answer(_refusal(fault, request.head))

    def _next(self, request: Passing) -> Fault | None:
        with self._counting:
            self.requests += 1
            if self.requests % self._every:
                return None
            kind = _kind(request.head)
            fault = next(self._faults.setdefault(kind, _in_turn(f"{self.seed} {kind!r}")))
            self.failed.append(Failed(self.requests, fault, request.head.partition(b" HTTP")[0].decode("latin-1")))
            return fault


def _kind(head: bytes) -> bytes:
    """The method and, of the API, the path without what names one job; storage has one path for all."""
    method, path = head.split(b" ", 2)[:2]
    return method if _STORAGE.match(head) else method + b" " + _ID.sub(b"/ID", path.partition(b"?")[0])


def _in_turn(seed: str) -> Iterator[Fault]:
    """All of them, again and again, each time in another order."""
    chance = random.Random(seed)
    first = [fault for fault in Fault if fault is not Fault.UNANSWERED]
    yield from (Fault.UNANSWERED, *chance.sample(first, len(first)))
    while True:
        yield from chance.sample(list(Fault), len(Fault))


def _refusal(fault: Fault, head: bytes) -> bytes:
    """As the gateway says it, or the storage."""
    status, of_gateway, of_storage = {
        Fault.LIMITED: ("429 Too Many Requests", "Too Many Requests", SLOW_DOWN),
        Fault.LIMITED_SILENTLY: ("429 Too Many Requests", "Too Many Requests", SLOW_DOWN),
        Fault.BROKEN: ("500 Internal Server Error", "Internal Server Error", _INTERNAL),
        Fault.UNAVAILABLE: ("503 Service Unavailable", "Service Unavailable", SLOW_DOWN),
    }[fault]
    wait = {"Retry_After": str(WAIT_SECONDS)} if fault is Fault.LIMITED else {}
    if _STORAGE.match(head):
        return answer(status, "application/xml", of_storage.encode(), **wait)
    return answer(status, "application/json", json.dumps({"message": of_gateway}).encode(), **wait)
