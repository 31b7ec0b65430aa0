"""What stands between a client and a server in tests: it sees each request, and does with it what its owner says."""

from __future__ import annotations

import re
import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import IO, Self
from urllib.parse import urlsplit

_RESET = struct.pack("ii", 1, 0)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_IN_CHUNKS = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)


class Passing:
    """One request, whose body has not been read yet, and the connection that it came on, which ends with it."""

    def __init__(self, head: bytes, stream: IO[bytes], client: socket.socket, upstream: tuple[str, int]) -> None:
        self.head = head
        self._stream = stream
        self._client = client
        self._upstream = upstream
        found = _LENGTH.search(head)
        self.length = int(found.group(1)) if found else 0
        """Of the body, if it was announced; else 0."""
        self._body: bytes | None = None

    def body(self) -> bytes:
        """All of it, as it came.

        Raises:
            ConnectionError: the client went away before its end.

        """
        if self._body is None:
            self._body = self._stream.read(self.length) if self.length else self._chunks()
            if len(self._body) < self.length:
                raise ConnectionError
        return self._body

    def reply(self) -> bytes:
        """What the server answers, head and body."""
        return self._ask(self._closing_head() + self.body())

    def begin(self, share: float) -> None:
        """Let the server have no more than this share of the request, and read no more of it from the client."""
        if self.length:
            self._ask(self._closing_head() + self._stream.read(int(self.length * share)), ends=True)
        else:
            self._ask(self.head[: int(len(self.head) * share)], ends=True)

    def answer(self, reply: bytes) -> None:
        self.body()
        self._client.sendall(reply)

    def cut(self) -> None:
        """Break the connection, as if it was pulled out."""
        self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._client.close()

    def _closing_head(self) -> bytes:
        # A server that is told to close the connection shows so where its answer ends.
        return _CONNECTION.sub(b"", self.head)[: -len(b"\r\n")] + b"Connection: close\r\n\r\n"

    def _ask(self, what: bytes, *, ends: bool = False) -> bytes:
        """`ends`: the server is told that no more will come."""
        chunks = []
        with socket.create_connection(self._upstream) as upstream:
            upstream.sendall(what)
            if ends:
                upstream.shutdown(socket.SHUT_WR)
            while chunk := upstream.recv(1 << 16):
                chunks.append(chunk)
        return b"".join(chunks)

    def _chunks(self) -> bytes:
        body = b""
        while _IN_CHUNKS.search(self.head) and not body.endswith(b"\r\n0\r\n\r\n"):
            line = self._stream.readline()
            if not line:
                break
            body += line
        return body


class Proxy:
    """Gives each request to `handle`, which answers it or not; use as a context, which ends it."""

    def __init__(self, handle: Callable[[Passing], None]) -> None:
        self._handle = handle
        self._serving = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def serve(self, upstream: str) -> str:
        """Begin; returns the address that leads to `upstream`. There may be several."""
        parts = urlsplit(upstream)
        assert parts.hostname
        assert parts.port
        server = _Server(("127.0.0.1", 0), self._handler((parts.hostname, parts.port)))
        self._serving.callback(server.server_close)
        self._serving.callback(server.shutdown)
        threading.Thread(target=server.serve_forever, name="proxy", daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    def close(self) -> None:
        self._serving.close()

    def _handler(self, upstream: tuple[str, int]) -> type[socketserver.BaseRequestHandler]:
        handle = self._handle

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                client: socket.socket = self.request
                with client.makefile("rb") as stream:
                    if head := _head(stream, client):
                        handle(Passing(head, stream, client, upstream))

        return Handler


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a client that closes its connection in the middle of a call, as a worker does that is ended."""


def _head(stream: IO[bytes], client: socket.socket) -> bytes:
    """The next request's; empty if the connection was closed instead."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return b""
        if line.lower().startswith(b"expect:"):
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            continue
        head += line
    return head


def answer(status: str, kind: str, body: bytes, **headers: str) -> bytes:
    """A whole answer; `_` in a header's name stands for `-`."""
    about = {"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in (about | more).items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
