"""Clients, their keys and callbacks, what is on its way to them, and requests that happen once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from services.common.domain.events import MAX_LISTENERS, EventType
from services.common.domain.ids import key_digest
from services.common.domain.records import Callback, Delivery, Event, Job
from services.common.domain.states import CallbackStatus, DeliveryStatus, JobStatus
from services.common.domain.times import DAY_MS, MINUTE_MS, SECOND_MS
from services.common.store import keys
from services.common.store.announcements import Announcement, direct
from services.common.store.callbacks import enabling, registration, rotation
from services.common.store.deliveries import KEPT_TRIES
from services.common.store.idempotency import IdempotencyRecord, KeyReusedError
from services.common.store.items import item_of
from services.common.store.operations import ABSENT, ConditionFailedError, Put
from tests.support.faults import Mode
from tests.support.world import TABLE, World
from tests.support.written import NEVER, changed, lying, of_job, put_job, table

CALLBACK = Callback(
    callback_id="cb_1",
    client_id="alice",
    url="https://Receiver.example.com:8443/in",
    events=["transcription.completed", "callback.disabled"],
    secrets=[{"ciphertext": "a"}],
)
JOB = Job(
    job_id="job_1",
    client_id="alice",
    status=JobStatus.COMPLETED,
    created_at=1_000,
    source_key="uploads/alice/a.mp3",
    file_name="a.mp3",
)
OWN = replace(CALLBACK, callback_id="cb_own", job_id="job_1")
KEY = keys.of(CALLBACK)
COUNT = ("CLIENT#alice", "CLIENT")
EVENT = Event(
    job_id="job_1",
    event_id="evt_1",
    client_id="alice",
    type=EventType.COMPLETED.value,
    created_at=1_000,
    body="{}",
    expires_at=2_000_000_000,
)
DELIVERY = Delivery(
    job_id="job_1",
    event_id="evt_1",
    event_type=EventType.COMPLETED.value,
    client_id="alice",
    callback_id="cb_1",
    host="receiver.example.com:8443",
    tries=[],
    due_at=1_000,
    created_at=1_000,
    expires_at=2_000_000_000,
)


def put_callback(world: World, **more: Any) -> Callback:
    """A callback as `more` says, which is not counted."""
    callback = replace(CALLBACK, **more)
    table(world).write(Put(item=item_of(callback)))
    return callback


def put_delivery(world: World, **more: Any) -> Delivery:
    delivery = replace(DELIVERY, **more)
    table(world).write(Put(item=item_of(delivery)))
    return delivery


def put_raw(world: World, key: tuple[str, str], **more: Any) -> None:
    table(world).write(Put(item={"pk": key[0], "sk": key[1], **more}))


def counted(world: World) -> int | None:
    count = lying(world, COUNT).get("callbacks")
    return None if count is None else int(count)


def test_a_callback_is_registered_once_and_counted(world: World) -> None:
    world.store.callbacks.register(CALLBACK)
    assert lying(world, COUNT) == {"pk": "CLIENT#alice", "sk": "CLIENT", "callbacks": 1, "schema_version": 1}
    with pytest.raises(ConditionFailedError):
        world.store.callbacks.register(replace(CALLBACK, url="https://other.example.com"))
    assert counted(world) == 1
    assert world.store.callbacks.get("alice", "cb_1") == CALLBACK
    assert world.store.callbacks.get("alice", "cb_2") is None


def test_a_jobs_own_callback_lies_with_it_and_is_not_counted(world: World) -> None:
    world.store.commit(registration(OWN))
    assert counted(world) is None
    assert world.store.callbacks.get("alice", "cb_own", "job_1") == OWN
    assert world.store.callbacks.remove(OWN) is True
    assert counted(world) is None


def test_there_is_room_for_so_many_callbacks_and_no_more(world: World) -> None:
    put_raw(world, COUNT, callbacks=MAX_LISTENERS - 1)
    world.store.callbacks.register(CALLBACK)
    with pytest.raises(ConditionFailedError):
        world.store.callbacks.register(replace(CALLBACK, callback_id="cb_2"))
    assert counted(world) == MAX_LISTENERS


def test_a_callback_is_removed_once_and_leaves_its_place(world: World) -> None:
    world.store.callbacks.register(CALLBACK)
    assert world.store.callbacks.remove(CALLBACK) is True
    assert (lying(world, KEY), counted(world)) == ({}, 0)
    assert world.store.callbacks.remove(CALLBACK) is False
    assert counted(world) == 0


def test_a_secret_is_exchanged_for_what_was_read_and_nothing_newer(world: World) -> None:
    callback = put_callback(world)
    new = [{"ciphertext": "b"}, {"ciphertext": "a"}]
    assert changed(world, KEY, lambda: world.store.commit([rotation(callback, new)])) == {"secrets": new}
    with pytest.raises(ConditionFailedError):
        world.store.commit([rotation(callback, [{"ciphertext": "c"}])])
    assert lying(world, KEY)["secrets"] == new


def test_a_callback_that_is_enabled_has_nothing_held_against_it(world: World) -> None:
    callback = put_callback(world, status="disabled", disabled_reason="gone", failing_since=5)
    assert changed(world, KEY, lambda: world.store.commit([enabling(callback, 7)])) == {
        "status": "active",
        "listens_since": 7,
        "disabled_reason": NEVER,
        "failing_since": NEVER,
    }
    with pytest.raises(ConditionFailedError):
        world.store.commit([enabling(callback, 8)])


def test_it_is_known_since_when_nothing_gets_through(world: World) -> None:
    callback, callbacks = put_callback(world), world.store.callbacks
    assert changed(world, KEY, lambda: callbacks.failing(callback, 5)) == {"failing_since": 5}
    assert changed(world, KEY, lambda: callbacks.failing(callback, 9)) == {}
    assert changed(world, KEY, lambda: callbacks.healthy(callback)) == {"failing_since": NEVER}
    writes = (table(world).get(KEY) or {})["write_id"]
    callbacks.healthy(callback)
    assert (table(world).get(KEY) or {})["write_id"] == writes, "nothing to forget, nothing written"


@pytest.mark.parametrize(("status", "after"), [("pending", "active"), ("disabled", "disabled")])
def test_an_answered_challenge_makes_active_what_waits_for_it(world: World, status: str, after: str) -> None:
    callback = put_callback(world, status=status)
    world.store.callbacks.activate(callback, 7)
    item = lying(world, KEY)
    assert (item["status"], item.get("listens_since")) == (after, 7 if status != after else None)


def test_nothing_is_noted_of_a_callback_that_is_gone(world: World) -> None:
    world.store.callbacks.failing(CALLBACK, 5)
    assert lying(world, KEY) == {}


def test_a_callback_is_disabled_once_and_the_others_hear_of_it(world: World) -> None:
    callback = put_callback(world)
    told = Announcement(replace(EVENT, type="callback.disabled"), None, [put_callback(world, callback_id="cb_2")])
    answers: list[bool] = []
    assert changed(world, KEY, lambda: answers.append(world.store.callbacks.disable(callback, "gone", told))) == {
        "status": "disabled",
        "disabled_reason": "gone",
    }
    assert [delivery.callback_id for delivery in world.store.deliveries.of_job("job_1")] == ["cb_2"]
    again = Announcement(replace(EVENT, event_id="evt_2"), None, [])
    assert [*answers, world.store.callbacks.disable(callback, "gone", again)] == [True, False]
    assert lying(world, ("JOB#job_1", "EVENT#evt_2")) == {}


def test_a_client_is_known_with_the_callbacks_that_can_be_read(world: World) -> None:
    callbacks = world.store.callbacks
    assert (callbacks.look_up_client("alice").known, callbacks.look_up_client("alice").callbacks) == (False, [])
    put_raw(world, ("CLIENT#alice", "CALLBACK#cb_0"), schema_version=99)
    put_raw(world, ("CLIENT#alice", "KEY#digest"), schema_version=1)
    callback = put_callback(world)
    assert (callbacks.look_up_client("alice").known, callbacks.look_up_client("alice").callbacks) == (False, [callback])
    assert callbacks.of_client("alice") == [callback]
    world.store.clients.register("alice")
    assert callbacks.look_up_client("alice").known


def test_a_job_is_told_of_to_its_own_callback_and_its_clients(world: World) -> None:
    put_callback(world)
    world.store.commit(registration(OWN))
    assert world.store.callbacks.of_job(put_job(world, own_callback="cb_own")) == [OWN, CALLBACK]
    assert world.store.callbacks.of_job(put_job(world)) == [CALLBACK]


def test_a_client_is_made_known_once_and_listed(world: World) -> None:
    clients = world.store.clients
    assert not clients.known("alice")
    put_raw(world, COUNT, callbacks=3)
    for name in ("bob", "alice", "alice"):
        clients.register(name)
    assert [one.client_id for one in clients.all()] == ["alice", "bob"]
    assert counted(world) == 3, "what was known before stays"
    assert clients.known("bob")
    assert lying(world, ("CLIENT#", "bob")) == {"pk": "CLIENT#", "sk": "bob", "schema_version": 1}


def add_key(world: World, key: str = "key-of-alice", **more: Any) -> str:
    return world.store.clients.add_key(key, **{"client_id": "alice", "name": "laptop", "now": 5, **more})


def test_a_key_is_kept_as_a_hash_and_listed_with_its_client(world: World) -> None:
    digest = add_key(world)
    assert digest == key_digest("key-of-alice")
    known = {"schema_version": 1, "owner_id": "alice", "name": "laptop", "created_at": 5, "minute_limit": 600}
    assert lying(world, (f"KEY#{digest}", "KEY")) == {"pk": f"KEY#{digest}", "sk": "KEY", "minutes": {}, **known}
    assert lying(world, ("CLIENT#alice", f"KEY#{digest}")) == {"pk": "CLIENT#alice", "sk": f"KEY#{digest}", **known}
    (listed,) = world.store.clients.keys_of("alice")
    assert vars(listed) == {"digest": digest, "name": "laptop", "created_at": 5, "limit": 600, "revoked_at": None}
    with pytest.raises(ConditionFailedError):
        add_key(world, client_id="mallory")
    assert world.store.clients.keys_of("mallory") == []


def test_a_clients_list_of_keys_is_not_written_over(world: World) -> None:
    put_raw(world, ("CLIENT#alice", f"KEY#{key_digest('key-of-alice')}"), name="old")
    with pytest.raises(ConditionFailedError):
        add_key(world)


def test_a_revoked_key_opens_nothing_and_only_its_client_can_revoke_it(world: World) -> None:
    clients, digest = world.store.clients, add_key(world)
    assert clients.revoke("mallory", digest, 9) is False
    assert clients.revoke("alice", "another", 9) is False
    caller = clients.authenticate("key-of-alice", 0)
    assert caller
    assert vars(caller) == {"client_id": "alice", "name": "laptop", "used": 1, "limit": 600}
    assert clients.revoke("alice", digest, 9) is True
    assert clients.authenticate("key-of-alice", 0) is None
    assert [key.revoked_at for key in clients.keys_of("alice")] == [9]
    assert clients.authenticate("key-of-nobody", 0) is None


def test_a_key_is_revoked_only_where_both_its_items_are_its_clients(world: World) -> None:
    digest = add_key(world)
    key = (f"KEY#{digest}", "KEY")
    put_raw(world, ("CLIENT#mallory", f"KEY#{digest}"), owner_id="mallory")
    assert world.store.clients.revoke("mallory", digest, 9) is False
    assert "revoked_at" not in lying(world, key)


def test_calls_are_counted_by_the_minute_and_old_minutes_go(world: World) -> None:
    clients, digest = world.store.clients, add_key(world, limit=2)
    key = (f"KEY#{digest}", "KEY")
    used = [caller.used for at in (0, 1, MINUTE_MS) if (caller := clients.authenticate("key-of-alice", at))]
    assert used == [1, 2, 1]
    clients.authenticate("key-of-alice", 10 * MINUTE_MS)
    assert lying(world, key)["minutes"] == {"10": 1}, "ten minutes are looked back"
    clients.authenticate("key-of-alice", 21 * MINUTE_MS)
    assert lying(world, key)["minutes"] == {"10": 1, "21": 1}, "what a pause has left over may lie a while"


@pytest.mark.parametrize(("windows", "left"), [(49, 50), (50, 1)])
def test_minutes_left_over_from_before_pauses_do_not_grow_without_end(world: World, windows: int, left: int) -> None:
    digest = add_key(world)
    key = (f"KEY#{digest}", "KEY")
    minutes = {str(number): 1 for number in range(windows)}
    put_raw(world, key, **{**lying(world, key), "minutes": minutes})
    world.store.clients.authenticate("key-of-alice", 1_000 * MINUTE_MS)
    found = lying(world, key)["minutes"]
    assert (len(found), found["1000"]) == (left, 1)


def test_a_key_that_is_gone_meanwhile_is_not_made_again_by_its_minutes(world: World) -> None:
    key = (f"KEY#{add_key(world)}", "KEY")
    put_raw(world, key, **{**lying(world, key), "minutes": {str(number): 1 for number in range(50)}})

    def delete(_: Mode) -> None:
        world.dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": key[0]}, "sk": {"S": key[1]}})

    world.faults.plan(1, Mode.RIVAL, delete)
    with world.faults.watching():
        assert world.store.clients.authenticate("key-of-alice", 1_000 * MINUTE_MS) is None
    assert lying(world, key) == {}


def test_a_delivery_is_taken_by_one_sender(world: World) -> None:
    delivery, deliveries = put_delivery(world), world.store.deliveries
    assert changed(world, keys.of(delivery), lambda: deliveries.take(delivery, owner="a", until=9)) == {
        "owner": "a",
        "due_at": 9,
    }
    assert deliveries.take(delivery, owner="b", until=9) is None
    delivery = put_delivery(world)
    assert deliveries.take(delivery, owner="a", until=9) == replace(delivery, owner="a", due_at=9)


@pytest.mark.parametrize(
    "since", [{"status": "delivered"}, {"attempts": 1}, {"due_at": 2_000}], ids=["delivered", "tried", "postponed"]
)
def test_a_delivery_that_is_another_by_now_is_neither_taken_nor_postponed(
    world: World, since: Mapping[str, Any]
) -> None:
    delivery, deliveries = put_delivery(world), world.store.deliveries
    put_delivery(world, **since)
    before = of_job(world)
    assert deliveries.take(delivery, owner="a", until=9) is None
    assert deliveries.postpone(delivery, 9) is False
    assert of_job(world) == before


def test_a_try_is_written_into_the_ledger_and_the_next_is_due(world: World) -> None:
    tries = [{"at": number} for number in range(KEPT_TRIES)]
    delivery = put_delivery(world, owner="a", attempts=20, tries=tries)
    answers: list[Any] = []
    write = lambda: answers.append(  # noqa: E731
        world.store.deliveries.record(delivery, {"at": 99}, status=DeliveryStatus.PENDING, due_at=9)
    )
    kept = [*tries[1:], {"at": 99}]
    assert changed(world, keys.of(delivery), write) == {
        "attempts": 21,
        "tries": kept,
        "due_at": 9,
        "owner": NEVER,
    }
    assert answers == [replace(delivery, attempts=21, tries=kept, status=DeliveryStatus.PENDING, owner=None, due_at=9)]


def test_the_last_try_leaves_nothing_due(world: World) -> None:
    delivery = put_delivery(world, owner="a")
    write = lambda: world.store.deliveries.record(delivery, {"at": 9}, status=DeliveryStatus.DELIVERED, due_at=None)  # noqa: E731
    assert changed(world, keys.of(delivery), write) == {
        "attempts": 1,
        "tries": [{"at": 9}],
        "status": "delivered",
        "due_at": NEVER,
        "due_kind": NEVER,
        "owner": NEVER,
    }


def test_a_delivery_is_postponed_without_a_try(world: World) -> None:
    delivery = put_delivery(world, owner="a")
    assert changed(world, keys.of(delivery), lambda: world.store.deliveries.postpone(delivery, 9)) == {
        "due_at": 9,
        "owner": NEVER,
    }
    assert world.store.deliveries.postpone(replace(delivery, due_at=9), 10) is True


def test_what_is_sent_again_is_due_now_and_keeps_its_ledger(world: World) -> None:
    delivery = put_delivery(world, status="exhausted", attempts=3, tries=[{"at": 1}], owner="a")
    again = world.store.deliveries.again(delivery, 1_000)
    assert changed(world, keys.of(delivery), lambda: world.store.commit([again])) == {
        "status": "pending",
        "attempts_before": 3,
        "owner": NEVER,
    }
    put_raw(world, keys.of(delivery), status="exhausted", attempts=3)
    assert changed(world, keys.of(delivery), lambda: world.store.commit([again])) == {
        "status": "pending",
        "attempts_before": 3,
        "due_kind": "delivery",
        "due_at": 1_000,
    }


@pytest.mark.parametrize(
    "since",
    [{"attempts": 1}, {"status": "delivered"}, {"owner": "a", "due_at": 1_001}],
    ids=["tried", "delivered", "at it"],
)
def test_what_is_another_by_now_or_under_way_is_not_sent_again(world: World, since: Mapping[str, Any]) -> None:
    delivery = put_delivery(world)
    put_delivery(world, **since)
    before = of_job(world)
    with pytest.raises(ConditionFailedError):
        world.store.commit([world.store.deliveries.again(delivery, 1_000)])
    assert of_job(world) == before


def test_deliveries_and_their_events_are_read_without_those_of_another_version(world: World) -> None:
    delivery, deliveries = put_delivery(world), world.store.deliveries
    put_raw(world, ("JOB#job_1", "DELIVERY#evt_0#cb_1"), schema_version=99, due_kind="delivery", due_at=1)
    assert deliveries.of_job("job_1") == [delivery]
    assert list(deliveries.overdue(1_000)) == [delivery]
    assert list(deliveries.overdue(999)) == []
    put_delivery(world, event_id="evt_2", due_at=500)
    assert [one.event_id for one in deliveries.overdue(1_000, limit=2)] == ["evt_2"]
    assert deliveries.event(delivery) is None
    table(world).write(Put(item=item_of(EVENT)))
    assert deliveries.event(delivery) == EVENT
    assert deliveries.get("job_1", "evt_1", "cb_1") == delivery
    assert deliveries.get("job_1", "evt_1", "cb_2") is None


def test_an_event_is_committed_once_with_a_delivery_for_each_who_listens(world: World) -> None:
    put_job(world)
    told = Announcement(EVENT, JOB, [CALLBACK, replace(CALLBACK, callback_id="cb_2", status=CallbackStatus.PENDING)])
    world.store.commit(told.operations())
    assert world.store.deliveries.of_job("job_1") == [DELIVERY]
    assert lying(world, keys.of(DELIVERY))["due_kind"] == "delivery"
    with pytest.raises(ConditionFailedError):
        world.store.commit(told.operations())


def test_first_tries_have_a_sender_until_its_lease_ends(world: World) -> None:
    told = Announcement(EVENT, JOB, [CALLBACK], sender="worker", sender_until=9)
    assert list(told.deliveries) == [replace(DELIVERY, tries=(), owner="worker", due_at=9)]
    own = Announcement(EVENT, JOB, [OWN])
    assert [delivery.own_callback for delivery in own.deliveries] == [True]


def test_one_event_has_as_many_listeners_as_fit_its_transaction(world: World) -> None:
    many = [replace(CALLBACK, callback_id=f"cb_{number}") for number in range(30)]
    assert len(Announcement(EVENT, JOB, many).deliveries) == MAX_LISTENERS + 1


def test_a_message_for_one_callback_is_committed_once_and_left_out_of_the_feed(world: World) -> None:
    test = replace(EVENT, type=EventType.CALLBACK_TEST.value)
    world.store.commit(direct(test, CALLBACK))
    assert [delivery.callback_id for delivery in world.store.deliveries.of_job("job_1")] == ["cb_1"]
    assert "sort" not in lying(world, ("JOB#job_1", "EVENT#evt_1"))
    with pytest.raises(ConditionFailedError):
        world.store.commit(direct(test, CALLBACK))


def test_the_feed_ends_some_seconds_ago_and_leaves_out_what_cannot_be_read(world: World) -> None:
    for number in (1, 2):
        event = replace(EVENT, event_id=f"evt_{number}", created_at=number * SECOND_MS)
        table(world).write(Put(item=item_of(event)))
    sort = f"EVENT#{1_500:013d}#evt_3"
    put_raw(world, ("JOB#job_2", "EVENT#evt_3"), client_id="alice", sort=sort, schema_version=99)
    feed = world.store.events

    def seen(now: int, after: str | None = None) -> list[str]:
        return [event.event_id for event in feed.page("alice", after=after, now=now, size=10).records]

    assert seen(60 * SECOND_MS) == ["evt_1", "evt_2"]
    assert seen(6 * SECOND_MS + 999) == ["evt_1"]
    first = feed.page("alice", after=None, now=60 * SECOND_MS, size=1).last
    assert seen(60 * SECOND_MS, first) == ["evt_2"]
    unread = feed.page("alice", after=first, now=60 * SECOND_MS, size=1)
    assert (unread.records, unread.last, unread.more) == ([], sort, True), "the next page begins behind it"


ONCE = IdempotencyRecord(client_id="alice", key="k", fingerprint="f", at=1_000_000, reference={"job_id": "job_1"})
OTHER = Put(item={"pk": "X", "sk": "X", "schema_version": 1}, when=ABSENT)


def test_a_request_under_a_key_is_answered_as_before_for_a_day(world: World) -> None:
    commit, commits = world.store.commit, world.store.commits
    assert commits.earlier(ONCE) is None
    assert commits.earlier(None) is None
    assert commit([OTHER], ONCE) is None
    assert lying(world, ONCE.item_key) == {
        "pk": ONCE.item_key[0],
        "sk": ONCE.item_key[1],
        "schema_version": 1,
        "fingerprint": "f",
        "reference": {"job_id": "job_1"},
        "expires_at": (1_000_000 + DAY_MS) // SECOND_MS,
    }
    assert commit([OTHER], ONCE) == {"job_id": "job_1"}
    last, over = replace(ONCE, at=ONCE.at + DAY_MS - SECOND_MS), replace(ONCE, at=ONCE.at + DAY_MS)
    assert commits.earlier(last) == {"job_id": "job_1"}
    assert commits.earlier(over) is None
    assert commit([replace(OTHER, when=None)], last) == {"job_id": "job_1"}
    assert commit([replace(OTHER, when=None)], over) is None


def test_a_key_stands_for_one_request(world: World) -> None:
    world.store.commit([OTHER], ONCE)
    another = replace(ONCE, fingerprint="g")
    with pytest.raises(KeyReusedError):
        world.store.commits.earlier(another)
    with pytest.raises(KeyReusedError):
        world.store.commit([], another)


def test_what_fails_for_an_item_says_which_and_leaves_no_key(world: World) -> None:
    world.store.commit([OTHER])
    with pytest.raises(ConditionFailedError) as failed:
        world.store.commit([replace(OTHER, item={**OTHER.item, "pk": "Y"}), OTHER], ONCE)
    assert [item and item["pk"] for item in failed.value.items] == [None, "X"]
    assert lying(world, ONCE.item_key) == {}
