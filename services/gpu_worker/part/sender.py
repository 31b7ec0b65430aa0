"""Tries each webhook delivery once, on threads of its own; the sweep retries those that fail."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import structlog

from services.common.webhooks.dispatch import LEASE_MS
from services.common.webhooks.transport import DEADLINE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from services.common.domain.records import Delivery
    from services.common.webhooks.dispatch import Dispatcher

log = structlog.get_logger()
THREADS = 8


class Sender:
    """Tries each delivery once, without delaying the thread that hands it over."""

    def __init__(self, dispatcher: Dispatcher, name: str) -> None:
        self._dispatcher = dispatcher
        self.name = name
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="sender")
        self._sending: set[Future[None]] = set()
        self._lock = threading.Lock()
        """Held while `_sending` changes: several parts may end at once, each on a thread of its own."""

    def lease_until(self, now: int) -> int:
        """Until when the sweep leaves a delivery to this sender that is created now; both in epoch milliseconds."""
        return now + LEASE_MS

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Queue one try of each delivery."""
        with self._lock:
            self._sending = {future for future in self._sending if not future.done()}
            self._sending |= {self._pool.submit(self._try, delivery) for delivery in deliveries}

    def finish(self, seconds: float = DEADLINE_SECONDS) -> None:
        """Wait for the tries that run, for at most `seconds`; the sweep sends the other deliveries."""
        wait(self._sending, timeout=seconds)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _try(self, delivery: Delivery) -> None:
        try:
            self._dispatcher.attempt(delivery)
        except Exception:
            # The delivery's lease will end, and then the sweep sends the same bytes under the same id.
            log.exception("delivery.broken", job_id=delivery.job_id, callback_id=delivery.callback_id)
