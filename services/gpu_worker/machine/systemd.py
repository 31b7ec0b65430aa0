"""Tells systemd that the worker is ready and that it is alive; does nothing where systemd did not start it."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def notify(message: str, environment: Mapping[str, str] = os.environ) -> None:
    """Send one message of sd_notify(3), such as `READY=1`."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service:
        # An address that begins with @ is in the abstract namespace of sockets.
        service.connect("\0" + address[1:] if address.startswith("@") else address)
        service.sendall(message.encode())


class Watchdog:
    """Pings systemd's watchdog as long as every watched thread has called `beat` within a given time.

    There is no thread of its own for that, as it would ping for a worker that hangs. Each `beat` of a watched thread
    pings, if all other threads have called it too.
    """

    def __init__(
        self,
        threads: tuple[str, ...],
        *,
        patience_seconds: float,
        send: Callable[[str], None] = notify,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`threads`: the names of the watched threads; one that has not called `beat` for `patience_seconds` hangs."""
        self._patience_seconds = patience_seconds
        self._send = send
        self._clock = clock
        self._beats = dict.fromkeys(threads, clock())

    def ready(self) -> None:
        """Tell systemd that the worker can take work; from now on systemd expects pings."""
        self._beats = dict.fromkeys(self._beats, self._clock())
        self._send("READY=1")

    def beat(self, thread: str) -> None:
        """Note that this thread does not hang, and ping if no other one does."""
        now = self._clock()
        self._beats[thread] = now
        if all(now - beat <= self._patience_seconds for beat in self._beats.values()):
            self._send("WATCHDOG=1")
