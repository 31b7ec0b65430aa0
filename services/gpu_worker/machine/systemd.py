"""Tells systemd that the worker is ready, and that it is alive; silent where no systemd listens."""

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
        # An address that begins with @ is in the abstract namespace.
        service.connect("\0" + address[1:] if address.startswith("@") else address)
        service.sendall(message.encode())


class Watchdog:
    """Pings systemd for as long as each of the watched threads has shown of late that it moves.

    No thread of its own does that: it would ping for a worker that hangs. Each beat of a watched thread is the ping, if
    the others are well.
    """

    def __init__(
        self,
        threads: tuple[str, ...],
        *,
        patience_seconds: float,
        send: Callable[[str], None] = notify,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`threads`: names of those that must beat; one that has not for `patience_seconds` hangs."""
        self._patience_seconds = patience_seconds
        self._send = send
        self._clock = clock
        self._beats = dict.fromkeys(threads, clock())

    def ready(self) -> None:
        """Tell systemd that the worker can take work; from now on it expects pings."""
        self._beats = dict.fromkeys(self._beats, self._clock())
        self._send("READY=1")

    def beat(self, thread: str) -> None:
        """Note that this thread moves, and ping if all do."""
        now = self._clock()
        self._beats[thread] = now
        if all(now - beat <= self._patience_seconds for beat in self._beats.values()):
            self._send("WATCHDOG=1")
