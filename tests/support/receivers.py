"""Receivers of webhooks that misbehave, each a real server on a real socket."""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Behaviour = Callable[[socket.socket], None]


@contextmanager
def serve(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Run `behaviour` on a thread for each connection to 127.0.0.1; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    open_sockets: set[socket.socket] = set()
    threads: list[threading.Thread] = []

    def converse(connection: socket.socket) -> None:
        # The peer gives up on purpose, or the test ends: neither is an error of the server.
        with contextlib.suppress(OSError):
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True)
                open_sockets.add(connection)
            behaviour(connection)
        connection.close()

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            open_sockets.add(connection)
            thread = threading.Thread(target=converse, args=(connection,), daemon=True)
            threads.append(thread)
            thread.start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in list(open_sockets):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in [acceptor, *threads]:
            thread.join(5)


def read_request(connection: socket.socket) -> bytes:
    """The whole request, header and body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65_536)
    header, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in header.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        body += connection.recv(65_536)
    return header + b"\r\n\r\n" + body


def answers(response: bytes) -> Behaviour:
    """Reads the request, sends these bytes, closes."""

    def behaviour(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(response)

    return behaviour


def status(code: int, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {code} Reason", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


class Recorder:
    """A receiver that keeps what it was sent, and answers with whatever status it is told."""

    def __init__(self, status: int = 200, body: bytes = b"") -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.status = status
        self.body = body

    def __call__(self, connection: socket.socket) -> None:
        header, _, body = read_request(connection).partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in header.decode().split("\r\n")[1:]]
        self.requests.append(({name.lower(): value for name, value in lines}, body))
        connection.sendall(status(self.status, body=self.body))


def closes_at_once(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def hangs(connection: socket.socket) -> None:
    read_request(connection)
    connection.recv(1)


def never_greets(connection: socket.socket) -> None:
    """Accepts the connection and sends nothing: with TLS on the other side, the handshake never ends."""
    while connection.recv(65_536):
        pass


def _drip(connection: socket.socket, piece: bytes) -> None:
    pause = threading.Event()
    while not pause.wait(0.05):
        connection.sendall(piece)


def drips_headers(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    _drip(connection, b"x-a: b\r\n")


def drips_interim_answers(connection: socket.socket) -> None:
    read_request(connection)
    _drip(connection, b"HTTP/1.1 102 Processing\r\n\r\n")


def drips_body(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    _drip(connection, b"x")


def endless_body(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65_536)


def endless_headers(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"x-a: " + b"b" * 8_192 + b"\r\n")


def gzip_bomb(connection: socket.socket) -> None:
    answers(status(200, "content-encoding: gzip", body=compressed_zeros()))(connection)


@functools.cache
def compressed_zeros() -> bytes:
    """About 200 kB that inflate to 200 MB."""
    compressor = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)  # 16 asks for gzip's frame
    million = bytes(1_000_000)
    return b"".join(compressor.compress(million) for _ in range(200)) + compressor.flush()


REDIRECTS = answers(status(302, "location: http://169.254.169.254/latest/meta-data/"))
ABSURD_RETRY_AFTER = answers(status(429, "retry-after: 99999999999999999999"))
GONE = answers(status(410))
NO_HTTP = answers(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
FINE = answers(status(200, body=b"thank you"))
