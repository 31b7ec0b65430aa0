"""First tries are made beside the device: each once, none in another's way, and nobody waits for them for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.common.domain.records import Delivery
from services.common.webhooks.dispatch import LEASE_MS
from services.common.webhooks.transport import DEADLINE_SECONDS
from services.gpu_worker.part.sender import THREADS, Sender

PATIENCE = 20


def delivery(number: int) -> Delivery:
    return Delivery(job_id=f"job_{number}", event_id="e", event_type="t", client_id="a", callback_id="c")


class Dispatcher:
    """Tries one at a time until the test lets all go on."""

    def __init__(self, fails: Callable[[Delivery], bool] = lambda _: False) -> None:
        self.answer = threading.Event()
        self.asked = threading.Semaphore(0)
        self.tried: list[str] = []
        self._fails = fails

    def attempt(self, one: Delivery) -> None:
        self.asked.release()
        assert self.answer.wait(PATIENCE)
        if self._fails(one):
            raise RuntimeError("broken")
        self.tried.append(one.job_id)


@pytest.fixture
def dispatcher() -> Iterator[Dispatcher]:
    made = Dispatcher()
    yield made
    made.answer.set()


def sender(dispatcher: Any) -> Sender:
    return Sender(dispatcher, "worker")


def test_whoever_hands_over_what_is_to_be_told_does_not_wait_for_it(dispatcher: Dispatcher) -> None:
    sender(dispatcher).send([delivery(1)])
    assert dispatcher.asked.acquire(timeout=PATIENCE)
    assert dispatcher.tried == []


def test_what_is_under_way_is_waited_for_when_there_is_time(dispatcher: Dispatcher) -> None:
    made = sender(dispatcher)
    made.send([delivery(1)])
    made.send([delivery(2)])
    threading.Timer(0.1, dispatcher.answer.set).start()
    made.finish(PATIENCE)
    assert sorted(dispatcher.tried) == ["job_1", "job_2"]


def test_what_has_not_begun_when_the_time_is_over_is_left_to_the_sweep(dispatcher: Dispatcher) -> None:
    made = sender(dispatcher)
    made.send([delivery(number) for number in range(THREADS + 5)])
    for _ in range(THREADS):
        assert dispatcher.asked.acquire(timeout=PATIENCE)
    made.finish(0.01)
    dispatcher.answer.set()
    made._pool.shutdown(wait=True)
    assert len(dispatcher.tried) == THREADS


def test_a_try_that_breaks_keeps_no_other_from_being_made() -> None:
    dispatcher = Dispatcher(fails=lambda one: one.job_id == "job_1")
    dispatcher.answer.set()
    made = sender(dispatcher)
    made.send([delivery(1), delivery(2)])
    made.finish(PATIENCE)
    assert dispatcher.tried == ["job_2"]


def test_a_first_try_has_time_to_be_made_before_the_sweep_may_begin() -> None:
    lease = sender(Dispatcher()).lease_until(1_000) - 1_000
    assert lease == LEASE_MS
    assert lease >= 2 * DEADLINE_SECONDS * 1_000
