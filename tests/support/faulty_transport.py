"""A client's way to servers, on which a test breaks chosen requests: before they are sent, half way, or afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

import httpx

Fault = Callable[[httpx.Request, httpx.BaseTransport], httpx.Response]


def lost(request: httpx.Request, way: httpx.BaseTransport) -> httpx.Response:
    """The request is carried out, and its answer is lost."""
    way.handle_request(request).read()
    raise httpx.ReadError("The answer was lost.", request=request)


def cut(request: httpx.Request, way: httpx.BaseTransport) -> httpx.Response:
    """The connection breaks before the server has the request."""
    raise httpx.WriteError("The connection broke.", request=request)


def answered(status: int, text: str = "") -> Fault:
    """Somebody on the way answers in the server's place."""
    return lambda request, _: httpx.Response(status, text=text, request=request)


@dataclass
class FaultyTransport(httpx.BaseTransport):
    """Breaks requests whose method and address meet a pattern, each fault once."""

    way: httpx.BaseTransport
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Method and path of every request."""
    lock: Lock = field(default_factory=Lock)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        fault = self._fault(f"{request.method} {request.url}")
        return fault(request, self.way) if fault else self.way.handle_request(request)

    def _fault(self, about: str) -> Fault | None:
        with self.lock:
            self.asked.append(about.partition("?")[0])
            for number, (pattern, fault) in enumerate(self.faults):
                if re.search(pattern, about):
                    del self.faults[number]
                    return fault
        return None
