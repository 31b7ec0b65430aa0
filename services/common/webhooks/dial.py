"""The socket of a delivery: it connects only to checked addresses, and everything ends at the deadline."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import httpcore

READ_BYTES = 16_384
CONNECT_SECONDS = 5.0
"""Longest time to connect to one address, so that a host with a dead IPv6 address is still reached over IPv4."""


class ResponseTooLargeError(httpcore.NetworkError):
    """The answer has more bytes than are allowed."""


class Deadline:
    """A point in time, by the monotonic clock. It can be brought forward and never put off."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def shorten(self, seconds: float) -> None:
        """Bring the deadline forward to `seconds` from now, if it is later."""
        self._end = min(self._end, time.monotonic() + seconds)

    def remaining(self, error: Callable[[], Exception]) -> float:
        """The seconds that are left; `error()` is raised if there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise error()
        return left


class DeadlineStream(httpcore.NetworkStream):
    """A connected socket with a deadline.

    httpcore's own timeouts count for each read, so a slow peer could go on for ever.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline, max_bytes: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._max_bytes = self._bytes_left = max_bytes

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline takes its place
        if self._bytes_left <= 0:
            raise ResponseTooLargeError
        self._sock.settimeout(self._deadline.remaining(httpcore.ReadTimeout))
        try:
            data = self._sock.recv(min(max_bytes, READ_BYTES, self._bytes_left))
        except TimeoutError as error:
            raise httpcore.ReadTimeout from error
        except OSError as error:
            raise httpcore.ReadError from error
        if not data and self._bytes_left == self._max_bytes:
            raise httpcore.ReadError("closed without an answer")
        self._bytes_left -= len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - as in read
        view = memoryview(buffer)
        while view:
            self._sock.settimeout(self._deadline.remaining(httpcore.WriteTimeout))
            try:
                view = view[self._sock.send(view) :]
            except TimeoutError as error:
                raise httpcore.WriteTimeout from error
            except OSError as error:
                raise httpcore.WriteError from error

    def close(self) -> None:
        self._sock.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - as in read
    ) -> httpcore.NetworkStream:
        """Start TLS.

        Raises:
            ssl.SSLError: as Python raises it, since a wrong certificate is no network error.
            httpcore.ConnectTimeout: the deadline has come.
            httpcore.ConnectError: any other network error.

        """
        with contextlib.ExitStack() as failed:
            failed.callback(self._sock.close)
            # For Python, this is the timeout of the whole handshake and not of each packet.
            self._sock.settimeout(self._deadline.remaining(httpcore.ConnectTimeout))
            try:
                wrapped = ssl_context.wrap_socket(self._sock, server_hostname=server_hostname)
            except TimeoutError as error:
                raise httpcore.ConnectTimeout from error
            except ssl.SSLError:
                raise
            except OSError as error:
                raise httpcore.ConnectError from error
            failed.pop_all()
        return DeadlineStream(wrapped, self._deadline, self._max_bytes)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401, ARG002 - httpcore's own signature
        """Return None: httpcore asks which protocol TLS negotiated, and only HTTP/1.1 is offered."""
        return None


class CheckedBackend(httpcore.NetworkBackend):
    """Connects to the given addresses and to no other: the host's name is not looked up a second time."""

    def __init__(self, addresses: Sequence[IPv4Address | IPv6Address], deadline: Deadline, max_bytes: int) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._max_bytes = max_bytes

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - it was resolved and checked before
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - as in read
        local_address: str | None = None,  # noqa: ARG002 - never given
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - never given
    ) -> httpcore.NetworkStream:
        failure: OSError | None = None
        for address in self._addresses:
            seconds = min(CONNECT_SECONDS, self._deadline.remaining(httpcore.ConnectTimeout))
            try:
                sock = socket.create_connection((str(address), port), timeout=seconds)
            except OSError as error:
                failure = error
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return DeadlineStream(sock, self._deadline, self._max_bytes)
        if isinstance(failure, TimeoutError):
            raise httpcore.ConnectTimeout from failure
        raise httpcore.ConnectError from failure
