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
    """Pings systemd for as long as every part of the worker that must move has moved of late.

    A thread of its own would ping for a worker that hangs; so whoever beats last pings for all.
    """

    def __init__(
        self,
        parts: tuple[str, ...],
        *,
        patience_seconds: float,
        send: Callable[[str], None] = notify,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`parts` are who must beat; one that is silent longer than `patience_seconds` hangs."""
        self._retrying_calls = patience_seconds
        self._send = send
        self._clock = clock
        self._beats = dict.fromkeys(parts, clock())

    def ready(self) -> None:
        """The worker can take work; from now on systemd counts."""
        self._beats = dict.fromkeys(self._beats, self._clock())
        self._send("READY=1")

    def beat(self, part: str) -> None:
        """This part moves."""
        now = self._clock()
        self._beats[part] = now
        if all(now - beat <= self._retrying_calls for beat in self._beats.values()):
            self._send("WATCHDOG=1")
