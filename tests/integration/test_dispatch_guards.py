"""What a sender asks itself before it posts, whoever gave it the delivery."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from services.common.domain.records import Callback, Delivery
from services.common.domain.states import CallbackStatus, DeliveryStatus
from services.common.domain.times import SECOND_MS
from services.common.webhooks import dispatch
from services.common.webhooks.breaker import THRESHOLD
from services.common.webhooks.dispatch import LEASE_MS, Dispatcher
from services.common.webhooks.outcome import AttemptOutcome
from tests.support.world import World

URL = "https://hooks.example.com/"


class Receiver:
    """It is down, and so are all others; while a message is under way, whatever the test wants happens."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def post(self, url: str, headers: dict[str, str], body: bytes, **_: Any) -> AttemptOutcome:
        self.ids.append(headers["webhook-id"])
        self.meanwhile()
        return AttemptOutcome(milliseconds=1, status=503)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    made = Receiver()
    monkeypatch.setattr(dispatch, "post", made.post)
    return made


def dispatcher(world: World, name: str = "worker") -> Dispatcher:
    return Dispatcher(world.store, world.vault, sender=name, clock=world.clock, allow_private=True)


def callback_of(world: World) -> Callback:
    return world.store.callbacks.get("alice", "cb_1") or world.callback(URL)


def own(world: World, *, name: str = "job_1", sender: str = "worker") -> Delivery:
    """A delivery that its sender has just committed, and is to try first."""
    until = world.clock() + LEASE_MS
    (made,) = world.completed(callback_of(world), name=name, sender=sender, sender_until=until)
    return made


def ledger(world: World, job_id: str = "job_1") -> Delivery:
    (found,) = world.store.deliveries.of_job(job_id)
    return found


def never(*_: object, **__: object) -> Any:
    raise AssertionError("it was asked for")


def test_a_sender_past_its_lease_does_not_even_ask_for_the_secret(
    world: World, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    mine = own(world)
    monkeypatch.setattr(world.vault, "open", never)
    world.clock.pass_(LEASE_MS)
    assert dispatcher(world).attempt(mine) is None
    assert (ledger(world).attempts, receiver.ids) == (0, [])


def test_a_first_try_too_leaves_a_receiver_in_peace_that_is_down(world: World, receiver: Receiver) -> None:
    sender = dispatcher(world)
    for number in range(THRESHOLD + 1):
        sender.attempt(own(world, name=f"job_{number}"))
    assert len(receiver.ids) == THRESHOLD
    waiting = ledger(world, f"job_{THRESHOLD}")
    assert (waiting.attempts, waiting.owner, waiting.status) == (0, None, "pending")
    assert waiting.due_at > world.clock()


def test_another_clients_trouble_with_a_receiver_is_its_own(world: World, receiver: Receiver) -> None:
    sender = dispatcher(world)
    for number in range(THRESHOLD):
        sender.attempt(own(world, name=f"job_{number}"))
    bobs = world.callback(URL, client_id="bob", name="cb_bob")
    (delivery,) = world.completed(bobs, name="job_bob", sender="worker", sender_until=world.clock() + LEASE_MS)
    sender.attempt(delivery)
    assert len(receiver.ids) == THRESHOLD + 1


@pytest.mark.parametrize("status", ["disabled", "pending"])
def test_nothing_of_a_job_goes_to_a_callback_that_is_not_active_any_more(
    world: World, receiver: Receiver, status: str
) -> None:
    mine = own(world)
    callback = world.store.callbacks.get("alice", "cb_1")
    assert callback
    world.store.callbacks.remove(callback)
    world.store.callbacks.register(dataclasses.replace(callback, status=CallbackStatus(status)))
    dispatcher(world).attempt(mine)
    assert (ledger(world).status, ledger(world).tries[0]["outcome"], receiver.ids) == ("dropped", "CALLBACK_GONE", [])


def test_a_message_whose_event_was_erased_is_dropped(
    world: World, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    mine = own(world)
    monkeypatch.setattr(world.store.deliveries, "event", lambda _: None)
    dispatcher(world).attempt(mine)
    assert (ledger(world).status, ledger(world).tries[0]["outcome"], receiver.ids) == ("dropped", "EVENT_GONE", [])


def test_a_try_that_was_lost_to_another_sender_counts_in_that_ones_ledger_alone(
    world: World, receiver: Receiver
) -> None:
    mine = own(world)

    def another_takes_it_after_all_and_is_done() -> None:
        taken = world.store.deliveries.take(ledger(world), owner="sweep", until=world.clock() + LEASE_MS)
        assert taken
        world.store.deliveries.record(
            taken, {"at": 1, "outcome": "DELIVERED"}, status=DeliveryStatus.DELIVERED, due_at=None
        )

    receiver.meanwhile = another_takes_it_after_all_and_is_done
    assert dispatcher(world).attempt(mine) is None
    assert (ledger(world).status, ledger(world).attempts) == ("delivered", 1)


def test_a_try_is_dated_when_it_was_over(world: World, receiver: Receiver) -> None:
    mine = own(world)
    began = world.clock()
    receiver.meanwhile = lambda: world.clock.pass_(10 * SECOND_MS)
    dispatcher(world).attempt(mine)
    assert ledger(world).tries[0]["at"] == began + 10 * SECOND_MS


def test_a_receiver_that_is_left_in_peace_costs_no_more_than_to_say_so(
    world: World, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    sender = dispatcher(world, "sweep")
    for number in range(THRESHOLD):
        sender.attempt(own(world, name=f"job_{number}", sender="sweep"))
    (due,) = world.completed(callback_of(world), name="job_late")
    monkeypatch.setattr(world.store.deliveries, "take", never)
    assert sender.send(due) is None
    assert ledger(world, "job_late").due_at > world.clock()
