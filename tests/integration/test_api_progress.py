"""How far a job is, as its client sees it: in the queue, on a machine, in several parts, at its end."""

from __future__ import annotations

from typing import Any

import pytest

from services.common.domain.records import FIRST_PART, Job, part_name
from services.common.domain.times import MINUTE_MS, SECOND_MS
from services.common.store import keys, parts
from tests.support.api_jobs import FAILED, completed, create, finished, uploaded
from tests.support.gateway import Client, Gateway
from tests.support.items import claim
from tests.support.world import World
from tests.support.written import put_part


def progress(client: Client, job: Job) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/jobs/{job.job_id}").json["progress"]
    return found


def listed(client: Client) -> dict[str, Any]:
    """The progress of a client's only job, as the list shows it."""
    (job,) = client.get("/api/jobs").json["jobs"]
    found: dict[str, Any] = job["progress"]
    return found


def test_a_job_goes_from_its_upload_to_its_text(world: World, alice: Client) -> None:
    made = create(alice)
    nothing = {"fraction": 0, "estimated_seconds": None, "queue_position": None}
    assert made["progress"] == {"stage": "awaiting_upload", **nothing}

    queued = world.arrived(made["job_id"])
    world.change(keys.part(queued.job_id, FIRST_PART), seconds=60)
    assert progress(alice, queued) == {
        "stage": "starting",
        "fraction": 0,
        "estimated_seconds": 219,
        "queue_position": 1,
    }

    job, part = world.claimed(queued)
    assert progress(alice, job) == {"stage": "reading", "fraction": 0, "estimated_seconds": 6, "queue_position": None}

    world.store.leases.heartbeat(part, lease_ends=world.clock() + MINUTE_MS, on_device=True, progress=0.75)
    running = {"stage": "transcribing", "fraction": 0.75, "estimated_seconds": 6, "queue_position": None}
    assert progress(alice, job) == running
    assert listed(alice) == {**running, "fraction": None, "estimated_seconds": None}


def test_an_ended_job_has_no_more_to_wait_for(world: World, alice: Client) -> None:
    done, failed = completed(world, alice), finished(world, alice, FAILED)
    ended = {"stage": "ended", "estimated_seconds": None, "queue_position": None}

    assert progress(alice, done) == {**ended, "fraction": 1}
    assert progress(alice, failed) == {**ended, "fraction": 0}


def test_a_completed_job_has_as_many_parts_done_as_it_has(world: World, alice: Client) -> None:
    view = alice.get(f"/api/jobs/{completed(world, alice).job_id}").json

    assert (view["parts"], view["parts_done"]) == (1, 1)
    assert alice.get(f"/api/jobs/{finished(world, alice, FAILED).job_id}").json["parts_done"] == 0


def test_a_long_recording_is_as_far_as_its_parts_are_together(world: World, alice: Client) -> None:
    job, first = world.claimed(uploaded(world, alice))
    first = world.store.leases.split(first, job, [1_000.0, 2_000.0, 1_000.0], due_at=world.clock())
    others = [world.store.parts.get(job.job_id, part_name(index)) for index in (1, 2)]
    second, third = (claim(world, part, "neighbour") for part in others if part)
    world.clock.pass_(20 * SECOND_MS)
    world.store.leases.heartbeat(second, lease_ends=world.clock() + MINUTE_MS, on_device=True, progress=0.5)
    assert progress(alice, job)["stage"] == "transcribing"
    assert progress(alice, job)["fraction"] == 0.25
    assert listed(alice)["fraction"] == 0

    for part in (first, second, third):
        assert world.store.endings.finish_slice(part, world.job(job.job_id), merge_due_at=world.clock(), cost={})
    merging = {"stage": "merging", "fraction": 0.99, "queue_position": None}
    assert progress(alice, job) == {**merging, "estimated_seconds": 5}
    assert listed(alice) == {**merging, "estimated_seconds": None}


def test_a_place_in_the_queue_is_that_among_all_clients(world: World, gateway: Gateway, alice: Client) -> None:
    mallory = gateway.client("mallory")
    turns = {client: [create(client)["job_id"] for _ in range(3)] for client in (alice, mallory)}
    due = iter(range(1, 10))
    order = [(client, world.arrived(turns[client].pop(), due_at=next(due))) for client in (alice, mallory) * 3]

    assert [progress(client, job)["queue_position"] for client, job in order] == [1, 2, 3, 4, 5, 6]
    assert [progress(client, job)["stage"] for client, job in order] == ["starting", *["queued"] * 5]
    first, *others = order
    world.claimed(first[1])
    assert [progress(client, job)["queue_position"] for client, job in others] == [1, 2, 3, 4, 5]
    waits = [progress(client, job)["estimated_seconds"] for client, job in others]
    assert waits == sorted(waits)


def test_a_place_far_back_in_the_queue_is_not_counted_out(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert parts.MOST_COUNTED + 1 == 500
    job = uploaded(world, alice)
    world.change(keys.part(job.job_id, FIRST_PART), due_at=1_000_000)
    monkeypatch.setattr(parts, "MOST_COUNTED", 9)
    for number in range(9):
        put_part(world, f"job_of_another_{number}", client_id="other", due_at=number)
    assert progress(alice, job)["queue_position"] == 10

    put_part(world, "job_of_one_more", client_id="other", due_at=9)
    assert progress(alice, job) == {
        "stage": "queued",
        "fraction": 0,
        "estimated_seconds": None,
        "queue_position": None,
    }


def test_a_job_that_waits_for_capacity_keeps_its_place_and_promises_nothing(world: World, alice: Client) -> None:
    job = uploaded(world, alice)
    world.store.jobs.waits(job.job_id, "capacity", "There is none.")

    assert progress(alice, job) == {"stage": "queued", "fraction": 0, "estimated_seconds": None, "queue_position": 1}


def test_a_failed_job_that_is_retried_goes_on_from_where_it_was(world: World, alice: Client) -> None:
    job, part = world.claimed(uploaded(world, alice))
    part = world.store.leases.heartbeat(part, lease_ends=world.clock() + MINUTE_MS, on_device=True, progress=0.4)
    world.store.leases.give_back(part, due_at=0, job=job, interrupted=None)
    failed = world.ended(world.job(job.job_id), FAILED)
    assert progress(alice, failed)["fraction"] == 0.4

    retried = alice.post(f"/api/jobs/{job.job_id}/retry").json
    assert (retried["progress"]["stage"], retried["progress"]["fraction"]) == ("queued", None)
    assert progress(alice, failed)["fraction"] == 0.4


def test_what_is_left_of_a_job_that_has_aged_out_is_no_job(world: World, alice: Client) -> None:
    """DynamoDB deletes its items one by one."""
    job = uploaded(world, alice)
    world.delete(keys.job(job.job_id))

    assert alice.get(f"/api/jobs/{job.job_id}").status == 404
