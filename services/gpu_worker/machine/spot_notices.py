"""What may tell a worker to leave: EC2's spot notice, the machine's age, and signals."""

from __future__ import annotations

import queue
import signal
import threading
import time
from typing import TYPE_CHECKING

import httpx
import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.gpu_worker.machine.metadata import Metadata
    from services.gpu_worker.settings import WorkerSettings

log = structlog.get_logger()
MINUTE_SECONDS = 60


def heed_signals(leave: Callable[[str], None]) -> None:
    """Call `leave` on SIGTERM and SIGINT, from a thread of its own.

    A signal handler interrupts the main thread anywhere, so it must not take a lock that the main thread may hold, such
    as the log's or an event's. Python guarantees that `SimpleQueue.put` is safe there.
    """
    received: queue.SimpleQueue[int] = queue.SimpleQueue()

    def heed() -> None:
        while True:
            leave(signal.Signals(received.get()).name)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: received.put(number))
    threading.Thread(target=heed, name="signals", daemon=True).start()


class SpotNotices:
    """Watches the metadata service and the machine's age; calls `leave` once, with the reason."""

    def __init__(self, metadata: Metadata | None, settings: WorkerSettings, leave: Callable[[str], None]) -> None:
        self._metadata = metadata
        self._settings = settings
        self._leave = leave
        self._warned = False

    def start(self) -> None:
        threading.Thread(target=self._watch, name="notices", daemon=True).start()

    def _watch(self) -> None:
        born = time.monotonic()
        while True:
            if time.monotonic() - born > self._settings.max_lifetime_minutes * MINUTE_SECONDS:
                self._leave("lifetime over")
                return
            if self._metadata and self._noticed(self._metadata):
                self._leave("spot notice")
                return
            time.sleep(self._settings.notice_seconds)

    def _noticed(self, metadata: Metadata) -> bool:
        try:
            if not self._warned and metadata.rebalance():
                self._warned = True
                log.warning("spot.rebalance_recommended")
            return metadata.spot_notice() is not None
        except httpx.HTTPError as error:
            log.warning("metadata.failed", error=error)
            return False
