"""Whom a job of the API is told to: callbacks by their prefix, and the registered one that the job names."""

from __future__ import annotations

from typing import Any

import pytest

from services.common.domain.events import EventType
from services.common.store import keys
from tests.integration.test_api_frugality import counted
from tests.support.api_jobs import completed, create, uploaded
from tests.support.gateway import Client
from tests.support.world import World

URL = "https://hooks.example.com/transcriptions"


def registered(client: Client, **more: Any) -> str:
    name: str = client.post("/api/callbacks", {"url": URL} | more).json["callback_id"]
    return name


def told(world: World, client: Client, **more: Any) -> list[str]:
    """The callbacks that are told of a job of the API that completes."""
    job = completed(world, client, **more)
    return sorted(one.callback_id for one in world.store.deliveries.of_job(job.job_id))


def test_a_prefix_matches_the_file_name_that_the_client_gave(world: World, alice: Client) -> None:
    meetings = registered(alice, prefix="meetings/")

    assert told(world, alice, file_name="meetings/april.mp3") == [meetings]
    assert told(world, alice, file_name="april.mp3") == []


def test_a_job_that_names_a_callback_is_told_to_it_whatever_its_prefix_and_to_the_others(
    world: World, alice: Client
) -> None:
    named, everything = registered(alice, prefix="elsewhere/"), registered(alice)
    registered(alice, prefix="meetings/")

    assert told(world, alice, callback_id=named) == sorted([named, everything])
    assert told(world, alice) == [everything]


def test_a_named_callback_hears_only_the_types_that_it_listens_to(world: World, alice: Client) -> None:
    job = uploaded(world, alice, callback_id=registered(alice, events=["transcription.failed"]))

    assert world.announced(job, EventType.COMPLETED).deliveries == ()
    assert len(world.announced(job, EventType.FAILED).deliveries) == 1


def test_a_job_shows_the_callback_that_it_came_with(alice: Client) -> None:
    named = registered(alice)
    own = create(alice, callback={"url": URL})
    made = create(alice, callback_id=named)

    assert (made["callback_id"], made["callback"]) == (named, None)
    assert alice.get(f"/api/jobs/{made['job_id']}").json["callback_id"] == named
    assert alice.get(f"/api/jobs/{own['job_id']}").json["callback_id"] == own["callback"]["callback_id"]
    assert create(alice)["callback_id"] is None


def test_a_job_has_a_callback_of_its_own_or_names_one_and_not_both(alice: Client) -> None:
    reply = alice.post("/api/jobs", {"file_name": "a.mp3", "callback": {"url": URL}, "callback_id": registered(alice)})

    assert (reply.status, [error["field"] for error in reply.json["errors"]]) == (422, ["callback_id"])
    assert "give one of the two" in reply.json["detail"]


def test_an_unknown_callback_and_another_clients_are_the_same_mistake(alice: Client, mallory: Client) -> None:
    replies = [
        alice.post("/api/jobs", {"file_name": "a.mp3", "callback_id": name})
        for name in (registered(mallory), "cb_" + "a" * 26)
    ]

    for reply in replies:
        assert (reply.status, reply.json["code"], reply.json["field"]) == (422, "UNKNOWN_CALLBACK", "callback_id")
    assert alice.get("/api/jobs").json["jobs"] == []


def test_a_disabled_callback_is_named_by_no_new_job(world: World, alice: Client) -> None:
    name = registered(alice)
    world.change(keys.callback("alice", name), status="disabled")
    reply = alice.post("/api/jobs", {"file_name": "a.mp3", "callback_id": name})

    assert (reply.status, reply.json["code"]) == (409, "CALLBACK_DISABLED")
    assert alice.get("/api/jobs").json["jobs"] == []


def test_a_job_that_names_a_callback_takes_three_calls(world: World, alice: Client) -> None:
    body = {"file_name": "a.mp3", "callback_id": registered(alice)}
    with counted(world) as calls:
        assert alice.post("/api/jobs", body, idempotency_key="once-1").status == 201

    assert len(calls) <= 3, calls


@pytest.mark.parametrize("gone", [True, False], ids=["deleted", "disabled"])
def test_a_request_that_is_sent_again_is_answered_as_before_whatever_became_of_the_callback(
    world: World, alice: Client, *, gone: bool
) -> None:
    name = registered(alice)
    body = {"file_name": "a.mp3", "callback_id": name}
    first = alice.post("/api/jobs", body, idempotency_key="once-1")
    if gone:
        alice.delete(f"/api/callbacks/{name}")
    else:
        world.change(keys.callback("alice", name), status="disabled")
    again = alice.post("/api/jobs", body, idempotency_key="once-1")

    assert (first.status, again.status) == (201, 201)
    assert again.json["job_id"] == first.json["job_id"]
    assert alice.post("/api/jobs", body, idempotency_key="once-2").status in {409, 422}
    assert len(alice.get("/api/jobs").json["jobs"]) == 1
