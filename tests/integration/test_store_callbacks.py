"""Callbacks and keys change only as they were read, are only their owner's, and once gone stay gone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from services.common.domain.events import MAX_LISTENERS, EventType, compose_about
from services.common.domain.records import Callback
from services.common.store import keys
from services.common.store.announcements import Announcement
from services.common.store.callbacks import enabling, rotation
from services.common.store.operations import ConditionFailedError
from tests.support.world import World


def callback_of(world: World) -> Callback:
    found = world.store.callbacks.get("alice", "cb_1")
    assert found
    return found


def disable(world: World, callback: Callback) -> bool:
    event = compose_about(
        callback,
        EventType.CALLBACK_DISABLED,
        subject="job_1",
        serial="1",
        now=1,
        expires_at=None,
        url=callback.url,
        reason="gone",
    )
    return world.store.callbacks.disable(callback, "gone", Announcement(event, None, []))


def rotate(world: World, callback: Callback) -> None:
    world.store.commit([rotation(callback, [{"ciphertext": "new", "created_at": 1}])])


def enable(world: World, callback: Callback) -> None:
    world.store.commit([enabling(callback, world.now)])


Change = Callable[[World, Callback], Any]


def update(world: World, callback: Callback) -> Callback | None:
    return world.store.callbacks.update(callback, {"prefix": "a/"}, world.now)


REFUSED: list[tuple[Change, str, object]] = [
    (disable, "status", "disabled"),
    (disable, "status", "pending"),
    (disable, "url", "https://hooks.example.com/new"),
    (rotate, "secrets", []),
    (enable, "status", "active"),
    (enable, "status", "pending"),
    (lambda world, one: world.store.callbacks.failing(one, 9), "failing_since", 1),
    (lambda world, one: world.store.callbacks.activate(one, world.now), "status", "disabled"),
]


@pytest.mark.parametrize(("change", "name", "value"), REFUSED)
def test_a_callback_that_has_changed_meanwhile_stays_as_it_is(
    world: World, change: Change, name: str, value: object
) -> None:
    callback = world.callback("https://hooks.example.com/")
    world.change(keys.of(callback), **{name: value})
    before = world.all_items()
    with suppress(ConditionFailedError):
        assert not change(world, callback)
    assert world.all_items() == before


@pytest.mark.parametrize(
    "change",
    [
        disable,
        rotate,
        enable,
        update,
        lambda world, one: world.store.callbacks.failing(one, 9),
        lambda world, one: world.store.callbacks.healthy(one),
        lambda world, one: world.store.callbacks.activate(one, world.now),
        lambda world, one: world.store.callbacks.remove(one),
    ],
)
def test_a_callback_that_is_gone_comes_back_by_no_write(world: World, change: Change) -> None:
    callback = world.callback("https://hooks.example.com/")
    assert world.store.callbacks.remove(callback)
    before = world.all_items()
    with suppress(ConditionFailedError):
        assert not change(world, callback)
    assert world.all_items() == before, "nor is it counted again"


def test_a_callback_fails_and_recovers_as_it_is_told(world: World) -> None:
    callback = world.callback("https://hooks.example.com/")
    world.store.callbacks.failing(callback, 9)
    assert callback_of(world).failing_since == 9
    world.store.callbacks.healthy(callback)
    assert callback_of(world).failing_since is None


def test_an_enabled_callback_has_forgotten_why_it_was_disabled(world: World) -> None:
    callback = world.callback("https://hooks.example.com/")
    world.store.callbacks.failing(callback, 9)
    assert disable(world, callback)
    enable(world, callback)
    after = callback_of(world)
    assert (after.status, after.disabled_reason, after.failing_since) == ("active", None, None)


def test_a_deleted_callback_makes_room_for_another_and_one_jobs_own_takes_none(world: World) -> None:
    made = [world.callback("https://hooks.example.com/", name=f"cb_{number}") for number in range(MAX_LISTENERS)]
    world.callback("https://hooks.example.com/", name="cb_own", job_id="job_1")
    with pytest.raises(ConditionFailedError):
        world.callback("https://hooks.example.com/", name="cb_more")
    assert world.store.callbacks.remove(made[0])
    world.callback("https://hooks.example.com/", name="cb_more")


def test_a_callback_is_registered_once(world: World) -> None:
    callback = world.callback("https://hooks.example.com/")
    with pytest.raises(ConditionFailedError):
        world.store.callbacks.register(replace(callback, url="https://hooks.example.com/other"))
    assert callback_of(world) == callback


def test_a_key_is_revoked_by_its_owner_alone_and_opens_nothing_then(world: World) -> None:
    clients = world.store.clients
    digest = clients.add_key("key-of-alice", client_id="alice", name="test", now=1)
    clients.add_key("key-of-mallory", client_id="mallory", name="test", now=1)
    assert not clients.revoke("mallory", digest, 2)
    assert clients.authenticate("key-of-alice", 3)
    assert clients.revoke("alice", digest, 4)
    assert clients.authenticate("key-of-alice", 5) is None
    assert [key.revoked_at for key in clients.keys_of("alice")] == [4]


def test_a_key_is_nobody_elses_by_being_added_again(world: World) -> None:
    clients = world.store.clients
    clients.add_key("key-of-alice", client_id="alice", name="test", now=1)
    with pytest.raises(ConditionFailedError):
        clients.add_key("key-of-alice", client_id="mallory", name="test", now=2)
    caller = clients.authenticate("key-of-alice", 3)
    assert caller
    assert caller.client_id == "alice"


def test_an_unknown_key_leaves_no_trace(world: World) -> None:
    before = world.all_items()
    assert world.store.clients.authenticate("key-of-nobody", 1) is None
    assert world.all_items() == before


def test_a_client_that_is_made_known_again_keeps_what_it_has(world: World) -> None:
    world.store.clients.register("alice")
    world.callback("https://hooks.example.com/")
    before = world.all_items()
    world.store.clients.register("alice")
    assert world.all_items() == before
    assert [one.client_id for one in world.store.clients.all()] == ["alice"]
