"""A callback is changed field by field, and its secret rotated no faster than the old ones may end."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from services.common.domain.times import DAY_MS, HOUR_MS, SECOND_MS, rfc3339
from services.common.store import keys
from services.common.webhooks.dispatch import Dispatcher
from services.common.webhooks.recipients import REMEMBERED_MS
from services.common.webhooks.registration import MAX_SECRETS
from tests.support import receivers
from tests.support.gateway import Client, Gateway
from tests.support.world import World
from tests.support.written import lying

URL = "https://hooks.example.com/transcriptions"
NEW_URL = "https://hooks.example.com/new"
BROKEN = receivers.answers(receivers.status(500))


def registered(client: Client, **more: Any) -> str:
    return client.post("/api/callbacks", {"url": URL, "description": "For tests."} | more).headers["location"]


def patch(client: Client, place: str, body: Any) -> Any:
    return client.call("PATCH", place, body)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"url": NEW_URL}, {"url": NEW_URL}),
        ({"events": ["transcription.queued"] * 2}, {"events": ["transcription.queued"]}),
        ({"prefix": "meetings/"}, {"prefix": "meetings/"}),
        ({"description": "Other."}, {"description": "Other."}),
        ({"description": None}, {"description": None}),
        ({"url": NEW_URL, "prefix": ""}, {"url": NEW_URL, "prefix": ""}),
    ],
)
def test_what_is_given_is_replaced_and_the_rest_stays(
    world: World, alice: Client, given: dict[str, Any], shown: dict[str, Any]
) -> None:
    place = registered(alice, prefix="before/")
    before = alice.get(place).json
    key = keys.callback("alice", before["callback_id"])
    stored = lying(world, key)
    reply = patch(alice, place, given)

    assert (reply.status, reply.json) == (200, before | shown)
    assert alice.get(place).json == reply.json
    for name in ("secrets", "status", "created_at"):
        assert lying(world, key)[name] == stored[name]


def test_a_disabled_callback_stays_disabled_when_it_is_changed(world: World, alice: Client) -> None:
    place = registered(alice)
    world.change(keys.callback("alice", place.rsplit("/", 1)[-1]), status="disabled", disabled_reason="gone")
    changed = patch(alice, place, {"url": NEW_URL}).json

    assert (changed["status"], changed["disabled_reason"]) == ("disabled", "gone")


def test_a_new_address_has_not_failed_yet(world: World, alice: Client) -> None:
    place = registered(alice)
    world.change(keys.callback("alice", place.rsplit("/", 1)[-1]), failing_since=5)

    assert patch(alice, place, {"prefix": "a/"}).json["failing_since"] is not None
    assert patch(alice, place, {"url": NEW_URL}).json["failing_since"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"url": None}, "url"),
        ({"url": ""}, "url"),
        ({"url": "http://hooks.example.com/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"events": None}, "events"),
        ({"events": []}, "events"),
        ({"events": ["callback.test"]}, "events.0"),
        ({"prefix": None}, "prefix"),
        ({"prefix": "x" * 501}, "prefix"),
        ({"description": "x" * 201}, "description"),
        ({"secret": "whsec_"}, "secret"),
        ({"status": "active"}, "status"),
    ],
)
def test_a_wrong_change_names_its_field_and_changes_nothing(alice: Client, body: dict[str, Any], field: str) -> None:
    place = registered(alice)
    before = alice.get(place).json
    reply = patch(alice, place, body)

    assert reply.status == 422
    assert [error["field"] for error in reply.json.get("errors", [{"field": reply.json.get("field")}])] == [field]
    assert alice.get(place).json == before


def test_what_is_under_way_goes_to_the_new_address_at_its_next_attempt(world: World) -> None:
    client = Gateway(world, webhook_allow_private=True).client("alice")
    sender = Dispatcher(world.store, world.vault, sender="sweep", clock=world.clock, allow_private=True)
    with receivers.serve(BROKEN) as old, receivers.serve(receivers.FINE) as new:
        place = registered(client, url=f"http://127.0.0.1:{old}/")
        callback = world.store.callbacks.get("alice", place.rsplit("/", 1)[-1])
        assert callback
        (delivery,) = world.completed(callback, name="job_a")
        failed = sender.send(delivery)
        patch(client, place, {"url": f"http://127.0.0.1:{new}/"})
        assert failed
        world.clock.pass_(REMEMBERED_MS)
        sent = sender.send(failed)

    assert sent
    assert [entry["outcome"] for entry in sent.tries] == ["HTTP_STATUS", "DELIVERED"]
    assert client.get(place).json["failing_since"] is None


@pytest.mark.parametrize(("answers", "status"), [(receivers.GONE, 410), (BROKEN, 500)], ids=["gone", "broken"])
def test_what_the_old_address_answers_after_the_change_counts_nothing_against_the_new_one(
    world: World, answers: Callable[[socket.socket], None], status: int
) -> None:
    client = Gateway(world, webhook_allow_private=True).client("alice")
    sender = Dispatcher(world.store, world.vault, sender="sweep", clock=world.clock, allow_private=True)

    def moves_meanwhile(connection: socket.socket) -> None:
        assert callback
        assert world.store.callbacks.update(callback, {"url": NEW_URL}, world.now)
        answers(connection)

    with receivers.serve(moves_meanwhile) as old:
        place = registered(client, url=f"http://127.0.0.1:{old}/")
        callback = world.store.callbacks.get("alice", place.rsplit("/", 1)[-1])
        assert callback
        (delivery,) = world.completed(callback, name="job_a")
        sent = sender.send(delivery)

    assert sent
    assert sent.tries[0]["status"] == status
    after = client.get(place).json
    assert (after["status"], after["failing_since"]) == ("active", None)


def rotations(world: World, client: Client, place: str, *, apart: int) -> list[int]:
    """As many rotations as possible, so many milliseconds apart; when each was made."""
    moments = []
    for _ in range(MAX_SECRETS - 1):
        moments.append(world.clock())
        assert client.post(f"{place}/rotate").status == 200
        world.clock.pass_(apart)
    return moments


def test_a_rotation_that_would_end_an_old_secret_early_says_when_the_next_is_possible(
    world: World, alice: Client
) -> None:
    place = registered(alice)
    first, *_ = rotations(world, alice, place, apart=HOUR_MS)
    stored = lying(world, keys.callback("alice", place.rsplit("/", 1)[-1]))
    refused = alice.post(f"{place}/rotate")

    assert (refused.status, refused.json["code"]) == (409, "TOO_MANY_SECRETS")
    assert rfc3339(first + DAY_MS) in refused.json["detail"]
    wait = int(refused.headers["retry-after"]) * SECOND_MS
    assert wait == first + DAY_MS - world.clock()
    assert lying(world, keys.callback("alice", place.rsplit("/", 1)[-1])) == stored
    world.clock.pass_(wait - 1)
    assert alice.post(f"{place}/rotate").headers["retry-after"] == "1"
    world.clock.pass_(1)
    assert alice.post(f"{place}/rotate").status == 200


def test_every_secret_signs_for_its_whole_24_hours(world: World, alice: Client) -> None:
    made = alice.post("/api/callbacks", {"url": URL}).json
    place = f"/api/callbacks/{made['callback_id']}"
    rotations(world, alice, place, apart=0)
    alice.post(f"{place}/rotate")
    world.clock.pass_(DAY_MS - 1)
    stored = world.store.callbacks.get("alice", made["callback_id"])

    assert stored
    assert made["secret"] in world.vault.open(stored, world.clock())


def test_a_rotation_that_is_sent_again_gets_its_secret_though_no_further_one_is_possible(
    world: World, alice: Client
) -> None:
    place = registered(alice)
    for number in range(MAX_SECRETS - 1):
        made = alice.post(f"{place}/rotate", idempotency_key=f"once-{number}")
    again = alice.post(f"{place}/rotate", idempotency_key=f"once-{MAX_SECRETS - 2}")

    assert (again.status, again.json["secret"]) == (200, made.json["secret"])
    assert alice.post(f"{place}/rotate", idempotency_key="another").json["code"] == "TOO_MANY_SECRETS"
