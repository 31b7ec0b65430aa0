"""A form may end before its upload begins: a job that waits gives a fresh one, and waits as long as that is good."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from services.common.domain.lifecycle import job_changes
from services.common.domain.times import MINUTE_MS, SECOND_MS
from tests.support.api_jobs import create
from tests.support.api_uploads import CHECKSUM, WAIT_MS, expire, in_parts, renew
from tests.support.gateway import Client
from tests.support.multipart import begun, under_way
from tests.support.world import World


def test_a_fresh_form_is_good_for_what_the_first_one_was_good_for(world: World, alice: Client) -> None:
    job = create(alice, size=7, content_type="audio/mpeg", checksum_sha256=CHECKSUM)
    world.clock.pass_(59 * MINUTE_MS)
    again = renew(alice, job["job_id"])

    def policy(form: dict[str, Any]) -> list[Any]:
        conditions = json.loads(base64.b64decode(form["fields"]["policy"]))["conditions"]
        of_this_moment = ("x-amz-date", "x-amz-credential")
        return [one for one in conditions if not any(name in one for name in of_this_moment)]

    assert again["multipart"] is None
    assert policy(again["upload"]) == policy(job["upload"])
    assert again["upload"]["url"] == job["upload"]["url"]
    assert again["upload"]["expires_at"] > job["upload"]["expires_at"]


@pytest.mark.parametrize("announced", [{}, {"content_type": None}, {"content_type": ""}, {"size": 0}])
def test_what_was_left_out_at_first_is_left_out_again(alice: Client, announced: dict[str, Any]) -> None:
    job = create(alice, **announced)
    fields = renew(alice, job["job_id"])["upload"]["fields"]

    assert fields.keys() == job["upload"]["fields"].keys()
    assert fields["Content-Type"] == "application/octet-stream"


def test_the_wait_never_ends_before_the_form(world: World, alice: Client) -> None:
    """It is as long as after the registration, counted from the last form."""
    job_id = create(alice)["job_id"]
    world.clock.pass_(WAIT_MS - SECOND_MS)
    renew(alice, job_id)
    world.clock.pass_(WAIT_MS - SECOND_MS)
    assert expire(world) == []
    assert alice.get(f"/api/jobs/{job_id}").json["status"] == "awaiting_upload"

    world.clock.pass_(SECOND_MS)
    assert expire(world) == [job_id]
    assert told_events(world, job_id) == ["transcription.expired"]


def told_events(world: World, job_id: str) -> list[str]:
    return [event["type"] for event in world.events(world.job(job_id))]


def test_a_slow_clock_shortens_no_wait(world: World, alice: Client) -> None:
    """One of two functions is a minute behind the other."""
    job_id = create(alice)["job_id"]
    first = world.job(job_id).upload_expires_at
    world.clock.pass_(-MINUTE_MS)
    renew(alice, job_id)
    assert world.job(job_id).upload_expires_at == first


def test_a_renewal_that_was_overtaken_by_a_longer_one_is_read_again(world: World, alice: Client) -> None:
    """By that of a function whose clock is ahead."""
    job = world.job(create(alice)["job_id"])
    longer = job_changes.renew_upload(job, until=world.clock() + 2 * WAIT_MS, multipart=None)
    shorter = job_changes.renew_upload(job, until=world.clock() + WAIT_MS, multipart=None)
    assert world.store.jobs.renew_upload(longer) is True
    assert world.store.jobs.renew_upload(shorter) is False
    renew(alice, job.job_id)
    assert world.job(job.job_id).upload_expires_at == world.clock() + 2 * WAIT_MS


def test_a_form_is_renewed_though_the_jobs_words_are_updated_at_the_same_moment(world: World, alice: Client) -> None:
    job_id = create(alice)["job_id"]
    alice.call("PATCH", f"/api/jobs/{job_id}", {"reference": "case 7"})
    before = world.job(job_id)
    renew(alice, job_id)
    assert world.job(job_id).sequence == before.sequence, "no message tells of it"


@pytest.mark.parametrize("ended", ["queued", "canceled", "expired"])
def test_a_job_that_does_not_wait_gets_no_form_and_no_links(world: World, alice: Client, ended: str) -> None:
    for job_id in (create(alice)["job_id"], in_parts(alice)):
        if ended == "queued":
            world.arrived(job_id)
        elif ended == "canceled":
            alice.post(f"/api/jobs/{job_id}/cancel")
        else:
            world.clock.pass_(WAIT_MS)
            expire(world)
        reply = alice.post(f"/api/jobs/{job_id}/upload")
        assert (reply.status, reply.json["code"]) == (409, "NOT_AWAITING")
        remedy = "" if ended == "queued" else " Register a new one."
        assert reply.json["detail"] == f"The job is {ended}: it waits for no upload.{remedy}"
    assert under_way(world) == []


def test_a_job_of_the_release_before_gets_a_form_too(world: World, alice: Client) -> None:
    """It has not stored what was announced."""
    job_id = create(alice, size=7)["job_id"]
    world.change((f"JOB#{job_id}", "JOB"), declared=None)
    assert renew(alice, job_id)["upload"]["fields"]["key"].startswith(f"uploads/alice/{job_id}/")


def test_another_client_can_neither_renew_nor_complete(world: World, alice: Client, mallory: Client) -> None:
    job_id = in_parts(alice)
    begun(alice, job_id)
    for path in ("upload", "upload/complete"):
        assert mallory.post(f"/api/jobs/{job_id}/{path}").status == 404
    assert len(under_way(world)) == 1
