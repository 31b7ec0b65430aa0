"""Stands between a system and its AWS, and lets one service fail: throttled, cut off, slow, unheard or mute."""

from __future__ import annotations

import json
import re
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from urllib.parse import urlsplit

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
_SLOW_DOWN = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code>'
    "<Message>Please reduce your request rate.</Message><RequestId>1</RequestId><HostId>1</HostId></Error>"
)
HANG_SECONDS = 60.0
"""Longer than any client waits."""
_RESET = struct.pack("ii", 1, 0)


class Fault(StrEnum):
    """How a service's calls fail."""

    THROTTLED = "throttled"
    CUT = "cut"
    DELAYED = "delayed"
    LOST = "replies lost"
    HANGING = "hanging"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call, as it came."""

    head: bytes
    body: bytes

    @property
    def service(self) -> str:
        """The service, by the signature's scope; empty for an unsigned call."""
        found = _SCOPE.search(self.head)
        return found.group(1).decode() if found else ""

    def raw(self) -> bytes:
        return self.head + self.body


class AwsProxy:
    """Serves on a port of its own from `serve` on; use as a context, which ends it."""

    def __init__(self) -> None:
        self._failing: tuple[str, Fault, float] | None = None
        self._counting = threading.Lock()
        self.disturbed = 0
        """Calls that met the present fault, or the last one."""
        self._over = threading.Event()
        """Set while nothing fails."""
        self._server: socketserver.ThreadingTCPServer | None = None

    def serve(self, upstream: str) -> str:
        """Begin; returns the address that leads to `upstream`."""
        parts = urlsplit(upstream)
        assert parts.hostname
        assert parts.port
        self._upstream = parts.hostname, parts.port
        self._server = _Server(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, name="aws-proxy", daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        if self._server:
            self._server.shutdown()
            self._server.server_close()

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

    def _handler(self) -> type[socketserver.BaseRequestHandler]:
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                client: socket.socket = self.request
                request = _read(client)
                if request:
                    proxy.pass_on(request, client)

        return Handler

    def pass_on(self, request: Request, client: socket.socket) -> None:
        """Answer one call, if it is to be answered; the connection ends with it."""
        failing = self._failing
        fault = failing[1] if failing and request.service == failing[0] else None
        if fault:
            with self._counting:
                self.disturbed += 1
        match fault:
            case Fault.THROTTLED:
                client.sendall(_throttled(request))
            case Fault.CUT:
                _cut(client)
            case Fault.LOST:
                self._ask(request)
                _cut(client)
            case Fault.HANGING:
                # This goes on even after the fault has ended, as a client that waits is not told that.
                time.sleep(HANG_SECONDS)
                _cut(client)
            case Fault.DELAYED:
                assert failing
                self._over.wait(failing[2])
                client.sendall(self._ask(request))
            case None:
                client.sendall(self._ask(request))

    def _ask(self, request: Request) -> bytes:
        """The whole answer; the emulator closes the connection after each."""
        with socket.create_connection(self._upstream) as upstream:
            upstream.sendall(request.raw())
            chunks = []
            while chunk := upstream.recv(1 << 16):
                chunks.append(chunk)
        return b"".join(chunks)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a client that closes its connection in the middle of a call, as a worker does that is ended."""


def _read(client: socket.socket) -> Request | None:
    """The next call, whole; None if the connection was closed instead."""
    with client.makefile("rb") as stream:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = stream.readline()
            if not line:
                return None
            if line.lower().startswith(b"expect:"):
                client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                continue
            head += line
        body = b""
        if length := re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE):
            body = stream.read(int(length.group(1)))
        elif re.search(rb"\r\ntransfer-encoding: *chunked", head, re.IGNORECASE):
            while not body.endswith(b"\r\n0\r\n\r\n"):
                body += stream.readline()
        return Request(head=head, body=body)


def _throttled(request: Request) -> bytes:
    """The answer of a service that throttles, as the service itself gives it."""
    service = request.service
    if service == "s3":
        body = b"" if request.head.startswith(b"HEAD") else _SLOW_DOWN.encode()
        return _answer("503 Slow Down", "application/xml", body)
    words = _CANCELED if b"TransactWriteItems" in request.head else _THROTTLED[service]
    return _answer("400 Bad Request", "application/x-amz-json-1.0", json.dumps(words).encode())


def _answer(status: str, kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def _cut(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    client.close()
