"""A request under an idempotency key whose process dies anywhere: it is sent again, and has happened once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.api.idempotency import REPLAYED
from services.common.domain.states import DeliveryStatus
from services.common.store import keys
from tests.support.api_jobs import FAILED, completed, create, finished, uploaded
from tests.support.faults import Mode
from tests.support.gateway import Client, Gateway, Reply
from tests.support.world import World, emulated

URL = "https://hooks.example.com/transcriptions"
READS = ("GetItem", "Query")
"""Calls after which nothing is different from before."""
Ask = Callable[[], Reply]


def asks(client: Client, path: str, body: Any = None) -> Ask:
    return lambda: client.post(path, body, idempotency_key="once-1")


def registered(client: Client) -> str:
    return client.post("/api/callbacks", {"url": URL}).headers["location"]


def a_job(world: World, client: Client) -> Ask:
    return asks(client, "/api/jobs", {"file_name": "a.mp3"})


def a_job_with_a_callback(world: World, client: Client) -> Ask:
    return asks(client, "/api/jobs", {"file_name": "a.mp3", "callback": {"url": URL}})


def a_job_that_names_a_callback(world: World, client: Client) -> Ask:
    callback_id = registered(client).rsplit("/", 1)[-1]
    return asks(client, "/api/jobs", {"file_name": "a.mp3", "callback_id": callback_id})


def a_callback(world: World, client: Client) -> Ask:
    return asks(client, "/api/callbacks", {"url": URL, "challenge": True})


def a_rotation(world: World, client: Client) -> Ask:
    return asks(client, f"{registered(client)}/rotate")


def a_test(world: World, client: Client) -> Ask:
    return asks(client, f"{registered(client)}/test")


def an_enabling(world: World, client: Client) -> Ask:
    place = registered(client)
    callback = world.store.callbacks.get("alice", place.rsplit("/", 1)[-1])
    assert callback
    world.change(keys.of(callback), status="disabled")
    return asks(client, f"{place}/enable")


def a_cancel(world: World, client: Client) -> Ask:
    return asks(client, f"/api/jobs/{create(client)['job_id']}/cancel")


def a_cancel_of_a_running_job(world: World, client: Client) -> Ask:
    running, _ = world.claimed(uploaded(world, client))
    return asks(client, f"/api/jobs/{running.job_id}/cancel")


def a_retry(world: World, client: Client) -> Ask:
    return asks(client, f"/api/jobs/{finished(world, client, FAILED).job_id}/retry")


def a_redelivery(world: World, client: Client) -> Ask:
    registered(client)
    job = completed(world, client)
    (delivery,) = client.get(f"/api/jobs/{job.job_id}/deliveries").json["deliveries"]
    return asks(client, f"/api/jobs/{job.job_id}/deliveries/{delivery['delivery_id']}/redeliver")


def shape(world: World) -> list[tuple[Any, ...]]:
    """What there is and how it stands, without the names that are made by chance."""
    told = ("status", "type", "event_type", "generation", "attempts_before")
    items = [item for item in world.all_items() if item["sk"] != "TURN"]
    return sorted(
        (item["sk"].split("#")[0], len(item.get("secrets", [])), *(str(item.get(name)) for name in told))
        for item in items
    )


def outcome(
    monkeypatch: pytest.MonkeyPatch, arrange: Callable[[World, Client], Ask], at: int
) -> tuple[int, list[tuple[Any, ...]], list[str]]:
    """Status and table, after a process that died after its call number `at` was followed by another; its calls."""
    with emulated(monkeypatch) as world:
        ask = arrange(world, Gateway(world).client("alice"))
        with world.faults.dying(at, Mode.AFTER) as calls:
            reply = ask()
        if at >= 0:
            reply = ask()
        return reply.status, shape(world), calls


each_request = pytest.mark.parametrize(
    "arrange",
    [
        *(a_job, a_job_with_a_callback, a_job_that_names_a_callback, a_callback, a_rotation, a_test),
        *(an_enabling, a_cancel, a_cancel_of_a_running_job, a_retry, a_redelivery),
    ],
    ids=lambda arrange: arrange.__name__,
)


@each_request
def test_a_request_whose_process_dies_after_any_write_happens_once_when_it_is_sent_again(
    monkeypatch: pytest.MonkeyPatch, arrange: Callable[[World, Client], Ask]
) -> None:
    status, undisturbed, calls = outcome(monkeypatch, arrange, -1)
    assert status in {200, 201, 202}
    for at, name in enumerate(calls):
        if name.startswith("dynamodb.") and not name.endswith(READS):
            assert outcome(monkeypatch, arrange, at)[:2] == (status, undisturbed), f"after call {at} of {calls}"


@each_request
def test_the_answer_to_a_request_that_was_carried_out_before_says_so(
    world: World, arrange: Callable[[World, Client], Ask]
) -> None:
    ask = arrange(world, Gateway(world).client("alice"))
    first, second = ask(), ask()

    assert REPLAYED.lower() not in first.headers
    assert (second.status, second.headers[REPLAYED.lower()]) == (first.status, "true")


@pytest.mark.parametrize("arrange", [a_test, a_redelivery, a_cancel], ids=lambda arrange: arrange.__name__)
def test_what_was_carried_out_before_is_answered_even_where_it_could_not_be_done_now(
    world: World, arrange: Callable[[World, Client], Ask]
) -> None:
    ask = arrange(world, Gateway(world).client("alice"))
    first = ask()
    for callback in world.store.callbacks.of_client("alice"):
        world.change(keys.of(callback), status="disabled")
    for item in world.all_items():
        if item["sk"] == "JOB":
            world.change((item["pk"], item["sk"]), status="completed")
    second = ask()

    assert (second.status, second.headers.get(REPLAYED.lower())) == (first.status, "true"), second.body


def test_a_cancel_that_finds_the_job_canceled_by_another_request_is_no_repetition(world: World) -> None:
    alice = Gateway(world).client("alice")
    job = create(alice)["job_id"]
    assert alice.post(f"/api/jobs/{job}/cancel").status == 200
    reply = alice.post(f"/api/jobs/{job}/cancel", idempotency_key="once-1")

    assert (reply.status, REPLAYED.lower() in reply.headers) == (200, False)


def test_a_redelivery_that_was_made_meanwhile_is_not_made_again(world: World) -> None:
    alice = Gateway(world).client("alice")
    ask = a_redelivery(world, alice)
    assert ask().status == 202
    (due,) = world.store.deliveries.overdue(world.clock())
    mine = world.store.deliveries.take(due, owner="sweep", until=world.clock() + 1)
    assert mine
    world.store.deliveries.record(mine, {"at": 1, "outcome": "DELIVERED"}, status=DeliveryStatus.DELIVERED, due_at=None)
    assert ask().json["status"] == "delivered"
    assert list(world.store.deliveries.overdue(world.clock() * 2)) == []
