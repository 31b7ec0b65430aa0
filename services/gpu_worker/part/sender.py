"""First tries of webhooks, beside the device and never in its way; what does not get through is the sweep's."""

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
    """Tries deliveries once each, on threads of its own."""

    def __init__(self, dispatcher: Dispatcher, name: str) -> None:
        self._dispatcher = dispatcher
        self.name = name
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="sender")
        self._sending: set[Future[None]] = set()
        self._lock = threading.Lock()
        """Several parts may end at once, each on a thread of its own."""

    def lease_until(self, now: int) -> int:
        """When a delivery that is created now becomes the sweep's."""
        return now + LEASE_MS

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Try each once, soon."""
        with self._lock:
            self._sending = {future for future in self._sending if not future.done()}
            self._sending |= {self._pool.submit(self._try, delivery) for delivery in deliveries}

    def finish(self, seconds: float = DEADLINE_SECONDS) -> None:
        """Wait for the tries under way, no longer than one can take; the rest is the sweep's."""
        wait(self._sending, timeout=seconds)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _try(self, delivery: Delivery) -> None:
        try:
            self._dispatcher.attempt(delivery)
        except Exception:
            # Nothing is lost: the delivery's lease ends, and the sweep sends the same bytes under the same id.
            log.exception("delivery.broken", job_id=delivery.job_id, callback_id=delivery.callback_id)
