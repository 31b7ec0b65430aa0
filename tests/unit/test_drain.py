"""Receivers take turns, a few deliveries at a time, whoever has the most to come."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from services.common.domain.records import Delivery
from services.orchestrator import drain
from services.orchestrator.drain import LAST_TRY_SECONDS, MOST_WAITING, PER_RECEIVER, Drain, ReceiverQueue


def delivery(host: str, number: int, client_id: str = "alice") -> Delivery:
    return Delivery(
        job_id=f"job_{number}",
        event_id=f"evt_{number}",
        event_type="transcription.completed",
        client_id=client_id,
        callback_id=f"cb_{host}",
        host=host,
    )


def line(*deliveries: Delivery) -> ReceiverQueue:
    made = ReceiverQueue()
    for one in deliveries:
        made.add(one)
    return made


def hosts(waiting: ReceiverQueue) -> list[str]:
    found = []
    while one := waiting.next():
        found.append(one.host)
    return found


def test_a_flood_for_one_receiver_is_passed_by_what_goes_to_others() -> None:
    waiting = line(*(delivery("flooded", number) for number in range(100)), delivery("quiet", 100))

    assert hosts(waiting)[:2] == ["flooded", "quiet"]


def test_a_receiver_has_a_few_places_and_gets_one_back_when_a_try_is_over() -> None:
    waiting = line(*(delivery("one", number) for number in range(10)))
    first = waiting.next()
    assert first is not None
    assert len(hosts(waiting)) == PER_RECEIVER - 1

    waiting.free(first)
    assert len(hosts(waiting)) == 1


def test_clients_do_not_share_places_even_at_one_host() -> None:
    waiting = line(*(delivery("one", number, "alice" if number % 2 else "bob") for number in range(20)))

    assert len(hosts(waiting)) == 2 * PER_RECEIVER


def test_what_has_been_through_does_not_stand_in_line_again() -> None:
    waiting = line(delivery("one", 1), delivery("one", 1))

    assert hosts(waiting) == ["one"]


def test_what_is_due_once_more_stands_in_line_once_more() -> None:
    once = delivery("one", 1)
    waiting = line(once, replace(once, attempts=1))

    assert hosts(waiting) == ["one", "one"]


class Queue:
    """What is due; the index lags and always shows all of it."""

    def __init__(self, *deliveries: Delivery) -> None:
        self._deliveries = deliveries
        self.begun = 0

    def overdue(self, now: int) -> Iterator[Delivery]:
        self.begun += 1
        return iter(self._deliveries)


class Sender:
    """Notes what it sends; some of it breaks."""

    def __init__(self, broken: str = "") -> None:
        self.sent: list[str] = []
        self._broken = broken
        self._lock = threading.Lock()

    def send(self, one: Delivery) -> Delivery:
        with self._lock:
            self.sent.append(one.job_id)
        if one.host == self._broken:
            raise RuntimeError("broken")
        return one


def drained(queue: Queue, sender: Sender, seconds_left: float) -> int:
    parts: tuple[Any, Any] = (queue, sender)
    return Drain(*parts, lambda: 0).run(lambda: seconds_left)


def test_everything_that_is_due_is_tried_once() -> None:
    sender = Sender()
    tried = drained(Queue(*(delivery(f"host-{number % 7}", number) for number in range(200))), sender, 300)

    assert tried == 200
    assert sorted(sender.sent) == sorted(f"job_{number}" for number in range(200))


def test_one_slow_receivers_flood_hides_nobody_behind_it() -> None:
    answered = threading.Event()

    class Slow(Sender):
        """Its receiver answers only once the other one has been sent to."""

        def send(self, one: Delivery) -> Delivery:
            if one.host == "quick":
                answered.set()
            assert answered.wait(20), "nobody else was sent to meanwhile"
            return super().send(one)

    queue = Queue(*(delivery("slow", number) for number in range(1_500)), delivery("quick", 1_500))

    assert drained(queue, Slow(), 300) == 1_501


def test_of_a_flood_only_so_much_stands_in_line() -> None:
    waiting = ReceiverQueue()
    room = [waiting.add(delivery("flooded", number)) for number in range(MOST_WAITING + 1)]

    assert room == [True] * MOST_WAITING + [False]
    assert waiting.add(delivery("quiet", 0))


def test_all_of_a_flood_is_sent_and_read_no_oftener_than_the_line_empties(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "LOOK_AGAIN_SECONDS", 60)
    queue = Queue(*(delivery("one", number) for number in range(3 * MOST_WAITING)))

    assert drained(queue, Sender(), 300) == 3 * MOST_WAITING
    assert queue.begun == 3


def test_one_deliverys_trouble_is_not_the_others() -> None:
    sender = Sender(broken="bad")

    assert drained(Queue(delivery("bad", 1), delivery("good", 2)), sender, 300) == 1
    assert sorted(sender.sent) == ["job_1", "job_2"]


def test_no_try_begins_when_the_time_left_is_less_than_one_may_take() -> None:
    sender = Sender()

    assert drained(Queue(delivery("one", 1)), sender, LAST_TRY_SECONDS) == 0
    assert sender.sent == []
