"""A job's reference, metadata and names: given, updated, told, and gone with the job."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from services.common.domain.events import EventType
from services.common.domain.records import Job
from services.common.store.announcements import Announcer
from services.common.store.jobs import Jobs
from tests.support.api_jobs import FAILED, completed, create, finished, uploaded
from tests.support.gateway import Client, Gateway
from tests.support.items import job_of
from tests.support.world import World

NAMED = ["Åsa Ek", None, "Bo"]
WORDS = {"reference": "ärende 2026-114", "metadata": {"avdelning": "norr", "tom": ""}, "names": NAMED}
NONE: dict[str, Any] = {"reference": None, "metadata": {}, "names": []}


def words(of: dict[str, Any]) -> dict[str, Any]:
    return {name: of[name] for name in NONE}


def expired(world: World, alice: Client) -> Job:
    job = job_of(world, create(alice)["job_id"])
    world.change((f"JOB#{job.job_id}", "JOB"), status="expired")
    return job


def update(client: Client, job_id: str, body: Any) -> Any:
    return client.call("PATCH", f"/api/jobs/{job_id}", body)


def last_message(world: World, job_id: str) -> dict[str, Any]:
    told = [json.loads(event["body"])["data"] for event in world.events(job_of(world, job_id))]
    return max(told, key=lambda data: int(data["sequence"]))


def test_a_job_shows_the_words_that_it_was_registered_with_and_so_does_each_message(
    world: World, alice: Client
) -> None:
    job = completed(world, alice, **WORDS)
    assert words(alice.get(f"/api/jobs/{job.job_id}").json) == WORDS
    assert [words(one["body"]["data"]) for one in feed(world, alice)] == [WORDS, WORDS]


def feed(world: World, alice: Client) -> list[dict[str, Any]]:
    world.clock.pass_(60_000)
    found: list[dict[str, Any]] = alice.get("/api/events").json["events"]
    return found


def test_a_job_has_no_words_unless_they_are_given(world: World, alice: Client) -> None:
    assert words(create(alice)) == words(create(alice, reference=None, metadata=None, names=None)) == NONE
    assert words(last_message(world, uploaded(world, alice).job_id)) == NONE


MAKE: dict[str, Callable[[World, Client], Job]] = {
    "awaiting_upload": lambda world, alice: job_of(world, create(alice)["job_id"]),
    "queued": uploaded,
    "running": lambda world, alice: world.claimed(uploaded(world, alice))[0],
    "completed": completed,
    "failed": lambda world, alice: finished(world, alice, FAILED),
    "canceled": lambda world, alice: world.commands.cancel(uploaded(world, alice), world.clock()),
    "expired": expired,
}


def view(alice: Client, job: Job) -> dict[str, Any]:
    found: dict[str, Any] = alice.get(f"/api/jobs/{job.job_id}").json
    return found


@pytest.mark.parametrize("status", MAKE)
def test_words_are_updated_in_any_status_and_nothing_else_changes(world: World, alice: Client, status: str) -> None:
    job = MAKE[status](world, alice)
    before = view(alice, job)
    told = len(world.events(job))
    reply = update(alice, job.job_id, WORDS)
    assert reply.status == 200
    assert view(alice, job) == {**before, **WORDS, "status": status, "sequence": before["sequence"] + 1}
    # Only a look at one job reads its parts, so only there its progress is whole.
    assert {**reply.json, "progress": before["progress"]} == view(alice, job)
    assert len(world.events(job)) == told, "nobody is told"


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ({"reference": "b"}, {**WORDS, "reference": "b"}),
        ({"reference": None}, {**WORDS, "reference": None}),
        ({"metadata": {"b": "c"}}, {**WORDS, "metadata": {"b": "c"}}),
        ({"metadata": {}}, {**WORDS, "metadata": {}}),
        ({"metadata": None}, {**WORDS, "metadata": {}}),
        ({"names": ["Bo"]}, {**WORDS, "names": ["Bo"]}),
        ({"names": [None, " Åsa  Ek ", None]}, {**WORDS, "names": [None, "Åsa  Ek"]}),
        ({"names": []}, {**WORDS, "names": []}),
        ({"names": None}, {**WORDS, "names": []}),
        ({"reference": None, "metadata": None, "names": None}, NONE),
    ],
)
def test_a_field_that_is_given_replaces_null_removes_and_what_is_left_out_stays(
    alice: Client, body: dict[str, Any], after: dict[str, Any]
) -> None:
    job_id = create(alice, **WORDS)["job_id"]
    assert words(update(alice, job_id, body).json) == words(alice.get(f"/api/jobs/{job_id}").json) == after


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "INVALID_REQUEST", "body"),
        (None, "INVALID_REQUEST", "body"),
        ({"references": "a"}, "INVALID_REQUEST", "references"),
        ({"reference": "a" * 81}, "INVALID_REQUEST", "reference"),
        ({"reference": "a\u0085"}, "INVALID_REQUEST", "reference"),
        ({"reference": "\ud800"}, "INVALID_REQUEST", "reference"),
        ({"metadata": {"a\tb": "c"}}, "INVALID_REQUEST", "metadata"),
        ({"metadata": {"a": 1}}, "INVALID_REQUEST", "metadata.a"),
        ({"metadata": {"a": "\ud83d\ude00" * 600}}, "INVALID_ANNOTATION", "metadata"),
        ({"names": "Bo"}, "INVALID_REQUEST", "names"),
        ({"names": ["Bo", 7]}, "INVALID_REQUEST", "names.1"),
        ({"names": ["Bo", ""]}, "INVALID_REQUEST", "names.1"),
        ({"names": ["\u3000 "]}, "INVALID_REQUEST", "names.0"),
        ({"names": ["a" * 81]}, "INVALID_REQUEST", "names.0"),
        ({"names": ["\ud800"]}, "INVALID_REQUEST", "names.0"),
        ({"names": ["a"] * 51}, "INVALID_REQUEST", "names"),
        ({"names": ["å" * 80] * 26}, "INVALID_ANNOTATION", "names"),
    ],
)
def test_wrong_words_are_refused_and_nothing_is_changed(
    world: World, alice: Client, body: Any, code: str, field: str
) -> None:
    job_id = create(alice, **WORDS)["job_id"]
    before = job_of(world, job_id)
    problem = update(alice, job_id, body).json
    fields = [entry["field"] for entry in problem.get("errors", [])] or [problem["field"]]
    assert (problem["status"], problem["code"], fields) == (422, code, [field])
    assert job_of(world, job_id) == before


@pytest.mark.parametrize("wrong", [{"reference": ""}, {"metadata": {"": "a"}}, {"metadata": {"a": "b" * 2_048}}])
def test_wrong_words_make_no_job(alice: Client, wrong: dict[str, Any]) -> None:
    assert alice.post("/api/jobs", {"file_name": "a.mp3"} | wrong).status == 422
    assert alice.get("/api/jobs").json["jobs"] == []


def test_the_words_of_another_clients_job_can_not_be_updated(world: World, alice: Client, gateway: Gateway) -> None:
    job_id = create(alice, **WORDS)["job_id"]
    assert update(gateway.client("bob"), job_id, {"reference": "b"}).status == 404
    assert job_of(world, job_id).reference == WORDS["reference"]


def test_a_message_after_an_update_has_the_new_words_and_a_larger_number(world: World, alice: Client) -> None:
    job = uploaded(world, alice, **WORDS)
    updated = update(alice, job.job_id, {"reference": "b"}).json
    alice.post(f"/api/jobs/{job.job_id}/cancel")
    message = last_message(world, job.job_id)
    assert message["status"] == "canceled"
    assert words(message) == {**WORDS, "reference": "b"}
    assert job.sequence < updated["sequence"] < message["sequence"]
    assert message["sequence"] == alice.get(f"/api/jobs/{job.job_id}").json["sequence"]


def test_an_update_that_meets_another_change_is_made_on_top_of_it(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = uploaded(world, alice)
    meet(monkeypatch, lambda: world.commands.cancel(job, world.clock()))
    reply = update(alice, job.job_id, WORDS)
    assert (reply.status, reply.json["status"], words(reply.json)) == (200, "canceled", WORDS)


def test_an_update_of_a_job_that_is_erased_at_the_same_moment_says_that_it_changed(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = uploaded(world, alice)
    meet(monkeypatch, lambda: world.store.tombstones.put(job, world.clock()))
    reply = update(alice, job.job_id, WORDS)
    assert (reply.status, reply.json["code"]) == (409, "CONFLICT")


def meet(monkeypatch: pytest.MonkeyPatch, happen: Callable[[], object]) -> None:
    """Once, between an update's look at the job and its write, this happens."""
    real, left = Jobs.annotate, [happen]

    def annotate(jobs: Jobs, change: Any) -> Job | None:
        if left:
            left.pop()()
        return real(jobs, change)

    monkeypatch.setattr(Jobs, "annotate", annotate)


def test_a_retry_that_meets_an_update_is_made_on_top_of_it(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = finished(world, alice, FAILED)
    real, left = Announcer.tell, [lambda: world.commands.annotate(job, WORDS, world.clock())]

    def tell(*arguments: Any, **named: Any) -> Any:
        if left:
            left.pop()()
        return real(*arguments, **named)

    monkeypatch.setattr(Announcer, "tell", tell)
    assert alice.post(f"/api/jobs/{job.job_id}/retry").json["status"] == "queued"
    assert words(last_message(world, job.job_id)) == WORDS
    assert sum(event["type"] == EventType.QUEUED for event in world.events(job)) == 2


def test_erasure_takes_the_words_with_the_job(world: World, alice: Client) -> None:
    job = completed(world, alice, **WORDS)
    update(alice, job.job_id, {"reference": "fråga 7"})
    alice.delete(f"/api/jobs/{job.job_id}")
    left = json.dumps(world.all_items(), ensure_ascii=False, default=str)
    assert not [word for word in ("2026-114", "avdelning", "norr", "fråga 7", "Åsa") if word in left]
