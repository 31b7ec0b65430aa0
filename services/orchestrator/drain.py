"""Everything that is due to be sent, through a bounded pool, so that no receiver holds up another."""

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
"""Deliveries under way at once: threads that mostly wait. A receiver that hangs holds one for fifteen seconds."""
PER_RECEIVER = 4
"""Of which so many to one client's one host."""
PAGE = 1_000
"""Due deliveries read in one go, and more while nobody among them has a turn: a flood hides nobody behind it."""
MOST_WAITING = 250
"""Kept of one receiver while it waits: what comes beyond stays in the index until there is room."""
LOOK_AGAIN_SECONDS = 1.0
READING_SHARE = 0.1
"""Of the time, at most, goes into reading the index from its beginning: of a flood that cannot be sent, all of it."""
LAST_TRY_SECONDS = 20
"""Left of the function's time when the last delivery may begin: more than a try can take."""

Receiver = tuple[str, str]


class ReceiverQueue:
    """What waits, by receiver; receivers take turns."""

    def __init__(self) -> None:
        self._waiting: dict[Receiver, deque[Delivery]] = defaultdict(deque)
        self._busy: Counter[Receiver] = Counter()
        self._seen: set[tuple[str, str, str, int]] = set()

    def add(self, delivery: Delivery) -> bool:
        """Stand in line, unless it already does or has been through: the index may lag. False if there is no room."""
        name = (delivery.job_id, delivery.event_id, delivery.callback_id, delivery.attempts)
        if name in self._seen:
            return True
        if len(self._waiting.get(_receiver(delivery), ())) >= MOST_WAITING:
            return False
        self._seen.add(name)
        self._waiting[_receiver(delivery)].append(delivery)
        return True

    @property
    def empty(self) -> bool:
        """Nobody waits."""
        return not self._waiting

    def next(self) -> Delivery | None:
        """Whose turn it is among the receivers that have a place free."""
        for receiver, waiting in self._waiting.items():
            if self._busy[receiver] < PER_RECEIVER:
                delivery = waiting.popleft()
                del self._waiting[receiver]
                if waiting:
                    self._waiting[receiver] = waiting  # at the end of the line
                self._busy[receiver] += 1
                return delivery
        return None

    def free(self, delivery: Delivery) -> None:
        """The try is over: its receiver has a place free again."""
        self._busy[_receiver(delivery)] -= 1


class Drain:
    """One sweep's deliveries."""

    def __init__(self, deliveries: Deliveries, dispatcher: Dispatcher, clock: Callable[[], int]) -> None:
        self._deliveries = deliveries
        self._dispatcher = dispatcher
        self._clock = clock
        self._queue = ReceiverQueue()
        self._due: Iterator[Delivery] | None = None
        """The rest of the index; None at its end."""
        self._without_room = False
        """Whether somebody found no room since the index was begun."""
        self._begin_at = float("-inf")

    def run(self, seconds_left: Callable[[], float]) -> int:
        """Send until nothing is due or the time is up; returns how many tries were made."""
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
        """Whoever is next in line; while that is nobody, the index is read on."""
        while seconds_left() > LAST_TRY_SECONDS:
            if (delivery := self._queue.next()) or not self._read():
                return delivery
        return None

    def _read(self) -> bool:
        """Let the index's next page stand in line; False at its end. It is begun again, but not all the time."""
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
        except Exception:  # one delivery's trouble is not the others'; its lease ends and the next sweep has it
            log.exception("delivery.failed", job_id=delivery.job_id, event_id=delivery.event_id)
            return False


def _receiver(delivery: Delivery) -> Receiver:
    return delivery.client_id, delivery.host or delivery.callback_id
