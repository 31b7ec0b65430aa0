"""Sends all deliveries that are due, through a bounded pool of threads, so that no receiver holds up another."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from services.common.domain.records import Delivery
    from services.common.store.deliveries import Deliveries
    from services.common.webhooks.dispatch import Dispatcher

log = structlog.get_logger()
SENDERS = 128
"""Deliveries under way at once. Each has a thread that mostly waits: a receiver that hangs holds it for 15 seconds."""
PER_RECEIVER = 4
"""Deliveries under way at once to one receiver: to one host of one client."""
PAGE = 1_000
"""Due deliveries that are read at a time. More are read while none of them may be sent now, so that many deliveries to
one receiver do not hide those to others."""
MOST_WAITING = 250
"""Deliveries to one receiver that wait in memory; further ones stay in the index until there is room."""
LOOK_AGAIN_SECONDS = 1.0
READING_SHARE = 0.1
"""Largest share of the time that is spent on reading the index again from its beginning. If none of many due deliveries
may be sent, each reading goes through all of them."""
LAST_TRY_SECONDS = 20
"""Seconds of the function's time that must be left when a delivery begins: more than one attempt can take."""

Receiver = tuple[str, str]


class ReceiverQueue:
    """The deliveries that wait to be sent, by receiver. Receivers take turns."""

    def __init__(self) -> None:
        self._waiting: dict[Receiver, deque[Delivery]] = defaultdict(deque)
        self._busy: Counter[Receiver] = Counter()
        self._seen: set[tuple[str, str, str, int]] = set()

    def add(self, delivery: Delivery) -> bool:
        """Add a delivery; False if its receiver has `MOST_WAITING` already.

        The index may lag and show a delivery that was added before: it is not added a second time.
        """
        name = (delivery.job_id, delivery.event_id, delivery.callback_id, delivery.attempts)
        if name in self._seen:
            return True
        if len(self._waiting.get(delivery.receiver, ())) >= MOST_WAITING:
            return False
        self._seen.add(name)
        self._waiting[delivery.receiver].append(delivery)
        return True

    @property
    def empty(self) -> bool:
        """Whether no delivery waits."""
        return not self._waiting

    def next(self) -> Delivery | None:
        """The next delivery, of the first receiver with fewer than `PER_RECEIVER` under way; None if there is none."""
        for receiver, waiting in self._waiting.items():
            if self._busy[receiver] < PER_RECEIVER:
                delivery = waiting.popleft()
                del self._waiting[receiver]
                if waiting:
                    self._waiting[receiver] = waiting  # behind all other receivers
                self._busy[receiver] += 1
                return delivery
        return None

    def free(self, delivery: Delivery) -> None:
        """The attempt is over, and its receiver may get another delivery."""
        self._busy[delivery.receiver] -= 1


class Drain:
    """Sends the deliveries of one sweep."""

    def __init__(self, deliveries: Deliveries, dispatcher: Dispatcher, clock: Callable[[], int]) -> None:
        self._deliveries = deliveries
        self._dispatcher = dispatcher
        self._clock = clock
        self._queue = ReceiverQueue()
        self._due: Iterator[Delivery] | None = None
        """What is still to be read of the index; None at its end."""
        self._without_room = False
        """Whether a delivery found no room since the reading of the index last began."""
        self._begin_at = float("-inf")

    def run(self, seconds_left: Callable[[], float]) -> int:
        """Send until nothing is due or the time is up; returns how many attempts were made.

        `seconds_left` says how much of the function's time is left.
        """
        sent = 0
        under_way: dict[Future[bool], Delivery] = {}
        with ThreadPoolExecutor(SENDERS, thread_name_prefix="delivery") as pool:
            while True:
                while len(under_way) < SENDERS and (delivery := self._next(seconds_left)):
                    under_way[pool.submit(self._send, delivery)] = delivery
                if not under_way:
                    return sent
                done, _ = wait(under_way, timeout=LOOK_AGAIN_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    self._queue.free(under_way.pop(future))
                    sent += future.result()

    def _next(self, seconds_left: Callable[[], float]) -> Delivery | None:
        """The next delivery that may be sent now. While there is none, more of the index is read."""
        while seconds_left() > LAST_TRY_SECONDS:
            if (delivery := self._queue.next()) or not self._read():
                return delivery
        return None

    def _read(self) -> bool:
        """Add the index's next page to the queue; False at its end.

        The reading then begins again from the start of the index, after a pause (`READING_SHARE`) unless deliveries
        were left out for want of room and there is room now.
        """
        began = time.monotonic()
        if self._due is None:
            room = self._without_room and self._queue.empty
            if began < self._begin_at and not room:
                return False
            self._due = self._deliveries.overdue(self._clock())
            self._without_room = False
            self._begin_at = began + LOOK_AGAIN_SECONDS
        page = list(islice(self._due, PAGE))
        for due in page:
            self._without_room |= not self._queue.add(due)
        if len(page) < PAGE:
            self._due = None
        self._begin_at += (time.monotonic() - began) / READING_SHARE
        return bool(page)

    def _send(self, delivery: Delivery) -> bool:
        try:
            return self._dispatcher.send(delivery) is not None
        except Exception:  # the other deliveries go on; the lease of this one ends, and the next sweep tries it
            log.exception("delivery.failed", job_id=delivery.job_id, event_id=delivery.event_id)
            return False
