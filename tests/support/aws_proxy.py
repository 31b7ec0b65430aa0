"""Stands between a system and its AWS, and lets one service fail: throttled, cut off, slow, unheard or mute."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Self

from tests.support.proxy import Passing, Proxy, answer

SERVICES = ("dynamodb", "s3", "ssm", "kms")
_SCOPE = re.compile(rb"[=/]\d{8}(?:/|%2F)[\w-]+(?:/|%2F)(\w+)(?:/|%2F)aws4_request")
"""Of a signature, in a header or in a link: `…/20261126/eu-north-1/dynamodb/aws4_request`."""
_RATE = "Rate of requests exceeds the allowed throughput."
_DYNAMODB = "com.amazonaws.dynamodb.v20120810#"
_CANCELED = {
    "__type": f"{_DYNAMODB}TransactionCanceledException",
    "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons [ThrottlingError]",
    "CancellationReasons": [{"Code": "ThrottlingError", "Message": _RATE}],
}
_THROTTLED = {
    "dynamodb": {"__type": f"{_DYNAMODB}ThrottlingException", "message": _RATE},
    "ssm": {"__type": "ThrottlingException", "message": "Rate exceeded"},
    "kms": {"__type": "ThrottlingException", "message": "You have exceeded the rate at which you may call KMS."},
}
SLOW_DOWN = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code>'
    "<Message>Please reduce your request rate.</Message><RequestId>1</RequestId><HostId>1</HostId></Error>"
)
HANG_SECONDS = 60.0
"""Longer than any client waits."""


class Fault(StrEnum):
    """How a service's calls fail."""

    THROTTLED = "throttled"
    CUT = "cut"
    DELAYED = "delayed"
    LOST = "replies lost"
    HANGING = "hanging"


def service_of(head: bytes) -> str:
    """The service that a request is for, by its signature's scope; empty for an unsigned call."""
    found = _SCOPE.search(head)
    return found.group(1).decode() if found else ""


class AwsProxy:
    """Serves on a port of its own from `serve` on; use as a context, which ends it."""

    def __init__(self) -> None:
        self._failing: tuple[str, Fault, float] | None = None
        self._counting = threading.Lock()
        self.disturbed = 0
        """Calls that met the present fault, or the last one."""
        self._over = threading.Event()
        """Set while nothing fails."""
        self._proxy = Proxy(self._pass_on)

    def serve(self, upstream: str) -> str:
        """Begin; returns the address that leads to `upstream`."""
        return self._proxy.serve(upstream)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._proxy.close()

    def begin(self, service: str, fault: Fault, delay_seconds: float = 5.0) -> None:
        """Let the calls of this service fail like this from now on."""
        self.disturbed = 0
        self._over.clear()
        self._failing = service, fault, delay_seconds

    def end(self) -> None:
        """End the fault at once: no call is delayed any longer."""
        self._failing = None
        self._over.set()

    @contextmanager
    def outage(self, service: str, fault: Fault, delay_seconds: float = 5.0) -> Iterator[None]:
        self.begin(service, fault, delay_seconds)
        try:
            yield
        finally:
            self.end()

    def _pass_on(self, call: Passing) -> None:
        """Answer one call, if it is to be answered."""
        failing = self._failing
        fault = failing[1] if failing and service_of(call.head) == failing[0] else None
        if fault:
            with self._counting:
                self.disturbed += 1
        match fault:
            case Fault.THROTTLED:
                call.answer(_throttled(call))
            case Fault.CUT:
                call.body()
                call.cut()
            case Fault.LOST:
                call.reply()
                call.cut()
            case Fault.HANGING:
                # This goes on even after the fault has ended, as a client that waits is not told that.
                call.body()
                time.sleep(HANG_SECONDS)
                call.cut()
            case Fault.DELAYED:
                assert failing
                call.body()
                self._over.wait(failing[2])
                call.answer(call.reply())
            case None:
                call.answer(call.reply())


def _throttled(call: Passing) -> bytes:
    """The answer of a service that throttles, as the service itself gives it."""
    service = service_of(call.head)
    if service == "s3":
        return answer("503 Slow Down", "application/xml", b"" if call.head.startswith(b"HEAD") else SLOW_DOWN.encode())
    words = _CANCELED if b"TransactWriteItems" in call.head else _THROTTLED[service]
    return answer("400 Bad Request", "application/x-amz-json-1.0", json.dumps(words).encode())
