"""Callbacks over the API: registered once, proven, rotated, tested, and read without their secrets."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest
from standardwebhooks import Webhook

from services.common.domain.times import DAY_MS, SECOND_MS
from services.common.webhooks.dispatch import Dispatcher
from tests.support import receivers
from tests.support.gateway import Client, Gateway
from tests.support.world import World

URL = "https://hooks.example.com/transcriptions"


@pytest.fixture
def private(world: World) -> Client:
    """A client of a local stack, where receivers may be on this machine."""
    return Gateway(world, webhook_allow_private=True).client("alice")


def sweep(world: World) -> None:
    """Send what is due, as the sweep does."""
    sender = Dispatcher(world.store, world.vault, sender="sweep", clock=world.clock, allow_private=True)
    for delivery in list(world.store.deliveries.overdue(world.clock(), limit=100)):
        sender.send(delivery)


class Echo:
    """A receiver that verifies and sends challenges back."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []

    def __call__(self, connection: socket.socket) -> None:
        header, _, body = receivers.read_request(connection).partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in header.decode().split("\r\n")[1:]]
        self.requests.append(({name.lower(): value for name, value in lines}, body))
        challenge = json.loads(body)["data"].get("challenge")
        connection.sendall(receivers.status(200, body=json.dumps({"challenge": challenge}).encode()))


def test_a_callbacks_secret_is_shown_once_and_kept_encrypted(world: World, alice: Client) -> None:
    reply = alice.post("/api/callbacks", {"url": URL})
    made = reply.json

    assert (reply.status, reply.headers["location"]) == (201, f"/api/callbacks/{made['callback_id']}")
    assert made["secret"].startswith("whsec_")
    stored = world.store.callbacks.get("alice", made["callback_id"])
    assert stored is not None
    assert world.vault.open(stored, world.clock()) == [made["secret"]]
    everything = json.dumps(world.dynamodb.scan(TableName="transcription-jobs")["Items"], default=repr)
    assert made["secret"] not in everything
    read = alice.get(reply.headers["location"]).json
    assert read == {name: value for name, value in made.items() if name != "secret"}
    assert alice.get("/api/callbacks").json == {"callbacks": [read]}


def test_a_prefix_lies_within_the_clients_own_folder(world: World, alice: Client) -> None:
    made = alice.post("/api/callbacks", {"url": URL, "prefix": "../mallory/"}).json

    stored = world.store.callbacks.get("alice", made["callback_id"])
    assert stored is not None
    assert stored.prefix == "uploads/alice/../mallory/"
    assert made["prefix"] == "../mallory/"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:169.254.169.254]/",
        "https://2852039166/",
        "https://user:word@hooks.example.com/",
        "https://hooks.example.com:22/",
        "https://hooks.example.com/#part",
        "https://localhost/",
        "ftp://hooks.example.com/",
        "hooks.example.com",
        "",
    ],
)
def test_no_field_of_the_api_switches_the_guard_off(alice: Client, url: str) -> None:
    for body in ({"url": url}, {"url": url, "allow_private": True}, {"url": url, "webhook_allow_private": "1"}):
        reply = alice.post("/api/callbacks", body)
        assert reply.status == 422
    reply = alice.post("/api/callbacks", {"url": url})
    assert (reply.json["field"], reply.json["code"] in {"INVALID_URL", "ADDRESS_REFUSED"}) == ("url", True)


def test_a_client_has_at_most_twenty_callbacks(alice: Client) -> None:
    made = [alice.post("/api/callbacks", {"url": URL}) for _ in range(20)]
    refused = alice.post("/api/callbacks", {"url": URL})

    assert {reply.status for reply in made} == {201}
    assert (refused.status, refused.json["code"]) == (409, "TOO_MANY_CALLBACKS")
    alice.delete(made[0].headers["location"])
    assert alice.post("/api/callbacks", {"url": URL}).status == 201


def test_a_deleted_callback_is_gone(alice: Client) -> None:
    place = alice.post("/api/callbacks", {"url": URL}).headers["location"]

    assert alice.delete(place).status == 204
    assert (alice.get(place).status, alice.delete(place).status) == (404, 404)


def test_a_challenge_that_is_sent_back_makes_a_callback_active(world: World, private: Client) -> None:
    echo = Echo()
    with receivers.serve(echo) as port:
        made = private.post("/api/callbacks", {"url": f"http://127.0.0.1:{port}/", "challenge": True}).json
        place = f"/api/callbacks/{made['callback_id']}"
        assert private.get(place).json["status"] == "pending"
        assert echo.requests == []  # the API itself dials nobody
        sweep(world)

    assert private.get(place).json["status"] == "active"
    (delivery,) = private.get(f"{place}/deliveries").json["deliveries"]
    assert (delivery["type"], delivery["status"]) == ("callback.challenge", "delivered")
    world.clock.pass_(DAY_MS)
    assert private.get("/api/events").json["events"] == []


def test_a_receiver_that_does_not_send_it_back_stays_pending(world: World, private: Client) -> None:
    with receivers.serve(receivers.FINE) as port:
        made = private.post("/api/callbacks", {"url": f"http://127.0.0.1:{port}/", "challenge": True}).json
        sweep(world)

    assert private.get(f"/api/callbacks/{made['callback_id']}").json["status"] == "pending"


def test_a_test_message_is_signed_and_its_ledger_can_be_read(world: World, private: Client) -> None:
    echo = Echo()
    world.clock.now = time.time_ns() // 1_000_000
    with receivers.serve(echo) as port:
        made = private.post("/api/callbacks", {"url": f"http://127.0.0.1:{port}/"}).json
        reply = private.post(f"/api/callbacks/{made['callback_id']}/test")
        sweep(world)

    assert (reply.status, reply.json["status"]) == (202, "pending")
    headers, body = echo.requests[0]
    assert Webhook(made["secret"]).verify(body, headers)["type"] == "callback.test"
    (delivery,) = private.get(reply.headers["location"]).json["deliveries"]
    assert (delivery["status"], delivery["tries"][0]["status"]) == ("delivered", 200)


def test_the_ledger_of_a_callback_that_a_test_disabled_holds_what_the_others_were_told(
    world: World, private: Client
) -> None:
    with receivers.serve(receivers.GONE) as port:
        place = private.post("/api/callbacks", {"url": f"http://127.0.0.1:{port}/"}).headers["location"]
        other = private.post("/api/callbacks", {"url": "http://127.0.0.1:1/", "events": ["callback.disabled"]}).json
        private.post(f"{place}/test")
        sweep(world)

    found = private.get(f"{place}/deliveries").json["deliveries"]
    assert {(one["type"], one["callback_id"]) for one in found} == {
        ("callback.test", place.rsplit("/", 1)[-1]),
        ("callback.disabled", other["callback_id"]),
    }


def test_a_ledger_is_read_page_by_page(alice: Client) -> None:
    place = alice.post("/api/callbacks", {"url": URL}).headers["location"]
    made = {alice.post(f"{place}/test").json["delivery_id"] for _ in range(5)}
    seen: list[str] = []
    after, sizes = "", []
    while True:
        page = alice.get(f"{place}/deliveries?limit=2{after}").json
        seen += [one["delivery_id"] for one in page["deliveries"]]
        sizes.append(len(page["deliveries"]))
        if page["next"] is None:
            break
        after = f"&after={page['next']}"

    assert (sorted(seen), sizes) == (sorted(made), [2, 2, 1])
    assert {one["delivery_id"] for one in alice.get(f"{place}/deliveries").json["deliveries"]} == made


def test_for_a_day_after_a_rotation_both_secrets_verify(world: World, private: Client) -> None:
    echo = Echo()
    world.clock.now = time.time_ns() // 1_000_000
    with receivers.serve(echo) as port:
        made = private.post("/api/callbacks", {"url": f"http://127.0.0.1:{port}/"}).json
        place = f"/api/callbacks/{made['callback_id']}"
        rotated = private.post(f"{place}/rotate").json
        private.post(f"{place}/test")
        sweep(world)
        world.clock.pass_(DAY_MS)
        private.post(f"{place}/test")
        sweep(world)

    assert rotated["secret"] != made["secret"]
    headers, body = echo.requests[0]
    for secret in (made["secret"], rotated["secret"]):
        Webhook(secret).verify(body, headers)
    assert len(echo.requests[1][0]["webhook-signature"].split(" ")) == 1


def test_a_failed_delivery_can_be_sent_again_with_the_same_bytes(world: World, private: Client) -> None:
    echo = Echo()
    with receivers.serve(echo) as port:
        made = private.post("/api/callbacks", {"url": f"http://127.0.0.1:{port}/"}).json
        stored = world.store.callbacks.get("alice", made["callback_id"])
        assert stored is not None
        world.completed(stored, name="job_a")
        sweep(world)
        (delivery,) = private.get("/api/jobs/job_a/deliveries").json["deliveries"]
        again = private.post(f"/api/jobs/job_a/deliveries/{delivery['delivery_id']}/redeliver")
        sweep(world)

    assert (again.status, again.json["status"]) == (202, "pending")
    assert [request[1] for request in echo.requests] == [echo.requests[0][1]] * 2
    assert len({request[0]["webhook-id"] for request in echo.requests}) == 1
    (delivery,) = private.get("/api/jobs/job_a/deliveries").json["deliveries"]
    assert [entry["outcome"] for entry in delivery["tries"]] == ["DELIVERED", "DELIVERED"]


def test_what_a_sender_is_at_is_not_sent_again_meanwhile(world: World, private: Client) -> None:
    made = private.post("/api/callbacks", {"url": "http://127.0.0.1:1/"}).json
    stored = world.store.callbacks.get("alice", made["callback_id"])
    assert stored is not None
    (delivery,) = world.completed(stored, name="job_a")
    assert world.store.deliveries.take(delivery, owner="worker", until=world.clock() + DAY_MS)
    name = f"{delivery.event_id}.{delivery.callback_id}"
    reply = private.post(f"/api/jobs/job_a/deliveries/{name}/redeliver")

    assert (reply.status, reply.json["code"]) == (409, "UNDER_WAY")


def test_nothing_is_redelivered_to_a_callback_that_is_gone(world: World, private: Client) -> None:
    made = private.post("/api/callbacks", {"url": "http://127.0.0.1:1/"}).json
    stored = world.store.callbacks.get("alice", made["callback_id"])
    assert stored is not None
    (delivery,) = world.completed(stored, name="job_a")
    private.delete(f"/api/callbacks/{made['callback_id']}")
    name = f"{delivery.event_id}.{delivery.callback_id}"
    reply = private.post(f"/api/jobs/job_a/deliveries/{name}/redeliver")

    assert (reply.status, reply.json["code"]) == (409, "CALLBACK_INACTIVE")


def test_a_disabled_callback_is_in_the_feed_and_sent_to_again_once_it_is_enabled(world: World, private: Client) -> None:
    with receivers.serve(receivers.GONE) as port:
        made = private.post("/api/callbacks", {"url": f"http://127.0.0.1:{port}/"}).json
        place = f"/api/callbacks/{made['callback_id']}"
        private.post(f"{place}/test")
        sweep(world)

    disabled = private.get(place).json
    assert (disabled["status"], disabled["disabled_reason"]) == ("disabled", "gone")
    assert private.post(f"{place}/test").json["code"] == "CALLBACK_DISABLED"
    world.clock.pass_(6 * SECOND_MS)
    (told,) = private.get("/api/events").json["events"]
    assert (told["type"], told["job_id"], told["callback_id"]) == ("callback.disabled", None, made["callback_id"])
    assert private.post(f"{place}/enable").json["status"] == "active"
    assert private.post(f"{place}/enable").json["code"] == "NOT_DISABLED"


@pytest.mark.parametrize("action", ["", "/rotate", "/test"])
def test_a_post_that_is_sent_twice_under_one_key_happens_once_and_is_answered_alike(
    world: World, alice: Client, action: str
) -> None:
    place = "/api/callbacks"
    if action:
        place = alice.post("/api/callbacks", {"url": URL}).headers["location"] + action
    body: Any = None if action else {"url": URL}
    first = alice.post(place, body, idempotency_key="once-1")
    second = alice.post(place, body, idempotency_key="once-1")
    other = alice.post(place, body, idempotency_key="once-2")

    assert first.status == second.status
    assert first.json == second.json != other.json
    if "secret" in first.json:
        stored = world.store.callbacks.get("alice", first.json["callback_id"])
        assert stored is not None
        assert second.json["secret"] in world.vault.open(stored, world.clock())


def test_one_key_for_two_requests_is_a_mistake(alice: Client) -> None:
    alice.post("/api/callbacks", {"url": URL}, idempotency_key="once-1")
    reply = alice.post("/api/callbacks", {"url": URL + "/other"}, idempotency_key="once-1")

    assert (reply.status, reply.json["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_a_secret_is_never_given_again_wrong(world: World, gateway: Gateway, alice: Client) -> None:
    alice.post("/api/callbacks", {"url": URL}, idempotency_key="once-1")
    other_key = "another-key-of-alice-0123456789"
    world.store.clients.add_key(other_key, client_id="alice", name="other", now=world.clock())
    reply = Client(gateway, other_key).post("/api/callbacks", {"url": URL}, idempotency_key="once-1")

    assert (reply.status, reply.json["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_keys_of_different_clients_and_of_yesterday_do_not_meet(world: World, alice: Client, mallory: Client) -> None:
    first = alice.post("/api/callbacks", {"url": URL}, idempotency_key="once-1").json
    theirs = mallory.post("/api/callbacks", {"url": URL}, idempotency_key="once-1").json
    world.clock.pass_(DAY_MS)
    later = alice.post("/api/callbacks", {"url": URL}, idempotency_key="once-1").json

    assert len({made["callback_id"] for made in (first, theirs, later)}) == 3
