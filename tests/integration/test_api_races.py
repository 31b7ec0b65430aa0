"""A client's command that meets a worker's write, or another client's, at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.common.domain.events import EventType
from services.common.domain.records import Callback, Job
from services.common.domain.states import JobStatus, PartStatus
from services.common.erasure import Erasure
from services.common.store.callbacks import Callbacks, rotation
from services.common.store.parts import Parts
from services.common.store.tombstones import Tombstones
from services.common.webhooks.registration import rotated
from tests.support.api_jobs import FAILED, finished, uploaded
from tests.support.gateway import Client
from tests.support.items import job_of, part_of, told
from tests.support.world import BUCKET, World


def retried(world: World, job_id: str) -> None:
    """By another of the client's programs."""
    world.commands.retry(job_of(world, job_id), world.clock())


def between(monkeypatch: pytest.MonkeyPatch, happen: Callable[[], object], *, times: int = 1) -> None:
    """So often, between a command's look at the parts and its write, this happens."""
    real, left = Parts.of_job, [happen] * times

    def of_job(parts: Parts, job_id: str) -> Any:
        found = real(parts, job_id)
        if left:
            left.pop()()
        return found

    monkeypatch.setattr(Parts, "of_job", of_job)


def once_it_is_read(monkeypatch: pytest.MonkeyPatch, happen: Callable[[Callback], object]) -> None:
    """Once, between a command's look at a callback and its write, this happens to the callback."""
    real, left = Callbacks.get, [happen]

    def get(callbacks: Callbacks, *names: Any) -> Any:
        found = real(callbacks, *names)
        if left and found:
            left.pop()(found)
        return found

    monkeypatch.setattr(Callbacks, "get", get)


def rotate(world: World, callback: Callback) -> None:
    """By another of the client's programs."""
    world.store.commit([rotation(callback, rotated(callback, "another's", world.clock()))])


def registered(client: Client) -> str:
    return client.post("/api/callbacks", {"url": "https://hooks.example.com/"}).headers["location"]


def test_a_cancel_that_meets_the_last_write_of_a_part_reads_again_and_cancels(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, part = world.claimed(uploaded(world, alice))
    split = world.store.leases.split(part, running, [1.0, 1.0], due_at=0)

    def finish() -> None:
        world.store.endings.finish_slice(split, job_of(world, running.job_id), merge_due_at=0, cost={})

    between(monkeypatch, finish)
    assert alice.post(f"/api/jobs/{running.job_id}/cancel").json["status"] == "canceled"
    assert part_of(world, 0, running.job_id).status is PartStatus.DONE
    assert part_of(world, 1, running.job_id).status is PartStatus.CANCELED


def test_a_cancel_that_comes_after_the_end_says_so(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = uploaded(world, alice)
    between(monkeypatch, lambda: world.ended(job, FAILED))
    assert alice.post(f"/api/jobs/{job.job_id}/cancel").json["code"] == "ALREADY_ENDED"
    assert told(world, EventType.CANCELED, job.job_id) == 0


def test_of_two_retries_at_once_one_happens(world: World, alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    job = finished(world, alice, FAILED)
    between(monkeypatch, lambda: retried(world, job.job_id))
    assert alice.post(f"/api/jobs/{job.job_id}/retry").json["code"] == "CONFLICT"
    assert (job_of(world, job.job_id).status, job_of(world, job.job_id).generation) == (JobStatus.QUEUED, 1)
    assert told(world, EventType.QUEUED, job.job_id) == 2


def test_a_retry_that_was_refused_can_be_made_under_its_key_later(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = finished(world, alice, FAILED)

    def another_run_fails() -> None:
        retried(world, job.job_id)
        world.ended(job_of(world, job.job_id), FAILED)

    between(monkeypatch, another_run_fails)
    assert alice.post(f"/api/jobs/{job.job_id}/retry", idempotency_key="once-1").status == 409
    assert alice.post(f"/api/jobs/{job.job_id}/retry", idempotency_key="once-1").status == 202
    assert job_of(world, job.job_id).generation == 2


def test_of_two_erasures_at_once_one_happens_and_both_have_the_receipt(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = uploaded(world, alice)
    real, left = Tombstones.put, [1]

    def put(tombstones: Tombstones, erased: Job, now: int) -> bool:
        if left:
            left.pop()
            assert Erasure(world.store, world.s3, BUCKET).erase(erased, now)
        return real(tombstones, erased, now)

    monkeypatch.setattr(Tombstones, "put", put)
    reply = alice.delete(f"/api/jobs/{job.job_id}")
    assert reply.status == 200
    assert reply.json == alice.delete(f"/api/jobs/{job.job_id}").json


def test_a_cancel_of_a_job_that_is_erased_at_the_same_moment_says_that_it_changed(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = uploaded(world, alice)
    between(monkeypatch, lambda: world.store.tombstones.put(job, world.clock()))
    reply = alice.post(f"/api/jobs/{job.job_id}/cancel")
    assert (reply.status, reply.json["code"]) == (409, "CONFLICT")


def test_two_changes_of_a_callback_at_once_both_happen_and_of_one_field_the_later_stays(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = registered(alice)
    earlier = {"prefix": "uploads/alice/earlier/", "events": ["transcription.queued"]}
    once_it_is_read(monkeypatch, lambda read: world.store.callbacks.update(read, earlier, world.now))
    reply = alice.call("PATCH", place, {"prefix": "later/", "description": "Both."})

    assert reply.status == 200
    assert reply.json == alice.get(place).json
    named = {name: reply.json[name] for name in ("prefix", "events", "description")}
    assert named == {"prefix": "later/", "events": ["transcription.queued"], "description": "Both."}


def test_a_change_that_meets_a_deletion_brings_nothing_back(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = registered(alice)
    once_it_is_read(monkeypatch, world.store.callbacks.remove)
    reply = alice.call("PATCH", place, {"prefix": "a/"})

    assert (reply.status, reply.json["code"]) == (404, "NOT_FOUND")
    assert world.store.callbacks.of_client("alice") == []


def test_a_change_and_a_rotation_at_once_both_happen(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = registered(alice)
    once_it_is_read(monkeypatch, lambda read: rotate(world, read))

    assert alice.call("PATCH", place, {"prefix": "a/"}).status == 200
    (stored,) = world.store.callbacks.of_client("alice")
    assert (stored.prefix, len(stored.secrets)) == ("uploads/alice/a/", 2)


def test_of_two_rotations_at_once_one_happens(world: World, alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    place = registered(alice)
    once_it_is_read(monkeypatch, lambda read: rotate(world, read))
    reply = alice.post(f"{place}/rotate")

    assert (reply.status, reply.json["code"]) == (409, "CONFLICT")
    (stored,) = world.store.callbacks.of_client("alice")
    assert [entry["ciphertext"] for entry in stored.secrets][:-1] == ["another's"]


def test_a_job_whose_named_callback_is_deleted_at_the_same_moment_is_made_and_told_to_nobody(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = registered(alice)
    once_it_is_read(monkeypatch, world.store.callbacks.remove)
    job = uploaded(world, alice, callback_id=place.rsplit("/", 1)[-1])

    assert world.announced(job, EventType.QUEUED).deliveries == ()
