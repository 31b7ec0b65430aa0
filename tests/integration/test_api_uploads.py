"""Uploads in parts, from the first link to the text, and whatever may end them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError

from services.api import multipart
from services.common.domain.lifecycle import job_changes
from services.common.domain.states import JobStatus
from services.common.domain.times import DAY_MS, MINUTE_MS, SECOND_MS
from services.common.source_object import SourceObjects, abort_multipart
from tests.integration.test_api_frugality import counted
from tests.support.api_jobs import create, uploaded
from tests.support.api_uploads import CHECKSUM, CRC32, FILE, PART, WAIT_MS, complete, expire, in_parts, renew, told
from tests.support.faults import aws_error
from tests.support.gateway import Client, Gateway
from tests.support.multipart import begun, send, under_way
from tests.support.served_s3 import ServedS3
from tests.support.world import BUCKET, World, intake_of


@pytest.fixture
def s3(world: World) -> Iterator[ServedS3]:
    served = ServedS3()
    yield served
    served.close()


def lies_there(world: World, job_id: str) -> bytes:
    key = world.job(job_id).source_key
    return world.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def test_a_recording_comes_in_parts_and_its_job_is_queued(world: World, alice: Client) -> None:
    job_id = in_parts(alice, checksum_crc32=CRC32)
    assert under_way(world) == [], "it begins with the first links"
    upload = begun(alice, job_id)
    assert [(link["number"], link["bytes"]) for link in upload["links"]] == [(1, PART), (2, 7)]
    assert {name: upload[name] for name in ("part_size", "parts", "received", "next")} == {
        "part_size": PART,
        "parts": 2,
        "received": [],
        "next": None,
    }
    send(world, upload["links"], FILE, PART)
    reply = complete(alice, job_id)

    assert (reply.status, reply.json["status"]) == (200, "awaiting_upload")
    assert lies_there(world, job_id) == FILE
    assert under_way(world) == []
    assert world.s3.head_object(Bucket=BUCKET, Key=world.job(job_id).source_key)["ContentType"] == "audio/mpeg"
    assert told(world, job_id) is JobStatus.QUEUED
    assert (world.job(job_id).source_bytes, world.job(job_id).multipart) == (len(FILE), None)


def test_a_broken_upload_goes_on_where_it_was(world: World, alice: Client) -> None:
    job_id = in_parts(alice)
    first = begun(alice, job_id)
    send(world, first["links"][:1], FILE, PART)
    world.clock.pass_(WAIT_MS - SECOND_MS)
    again = begun(alice, job_id)

    assert (again["received"], [link["number"] for link in again["links"]]) == ([1], [2])
    assert again["expires_at"] > first["expires_at"]
    send(world, again["links"], FILE, PART)
    assert begun(alice, job_id)["links"] == []
    assert complete(alice, job_id).status == 200
    assert expire(world) == [], "it is awaited for as long as the newest links are good"


def test_links_come_a_hundred_at_a_time(world: World, alice: Client) -> None:
    job_id = in_parts(alice, size=250 * PART)
    numbers: list[int] = []
    after: int | None = 0
    while after is not None:
        page = begun(alice, job_id, after)
        assert len(page["links"]) <= 100
        numbers += [link["number"] for link in page["links"]]
        after = page["next"]

    assert numbers == list(range(1, 251))
    assert len(under_way(world)) == 1
    assert begun(alice, job_id, 250)["links"] == []


def test_a_file_of_exactly_a_page_has_no_next_page(alice: Client) -> None:
    page = begun(alice, in_parts(alice, size=100 * PART))
    assert (len(page["links"]), page["next"]) == (100, None)


def test_the_largest_upload_has_a_thousand_parts_at_most(world: World) -> None:
    """So that one answer of S3 tells of all of them."""
    client = Gateway(world, max_upload_gb=5_000).client("large")
    for gigabytes in (1, 5, 50, 5_000):
        upload = begun(client, in_parts(client, size=gigabytes * 10**9))
        assert upload["parts"] <= multipart.MOST_PARTS
        assert (upload["part_size"] + PART) * 10_000 > gigabytes * 10**9
        assert upload["part_size"] <= 5 << 30, "S3 takes no larger part"


def test_parts_that_are_missing_are_named_and_nothing_is_lost(world: World, alice: Client) -> None:
    job_id = in_parts(alice, size=40 * PART)
    links = begun(alice, job_id)["links"]
    with patch.object(multipart, "received", lambda *_: dict.fromkeys([1, 2, 4, 9, 40], multipart.Received("x", PART))):
        reply = complete(alice, job_id)
    assert (reply.status, reply.json["code"]) == (409, "MISSING_PARTS")
    assert reply.json["detail"].startswith("Missing parts: 3, 5 to 8, 10 to 39. ")

    send(world, links[39:], bytes(40 * PART), PART)
    reply = complete(alice, job_id)
    assert reply.json["detail"].startswith("Missing parts: 1 to 39. ")
    assert begun(alice, job_id)["received"] == [40]


def test_many_gaps_are_not_all_named(alice: Client) -> None:
    job_id = in_parts(alice, size=1_000 * PART)
    begun(alice, job_id)
    some = dict.fromkeys(range(1, 1_001, 2), multipart.Received("x", PART))
    with patch.object(multipart, "received", lambda *_: some):
        detail = complete(alice, job_id).json["detail"]
    assert "Missing parts: 2, 4, 6, " in detail
    assert "40 and more. " in detail


def test_an_upload_that_was_not_begun_or_is_gone_misses_all_parts(world: World, alice: Client) -> None:
    """After two days the bucket's rule has aborted it; the next links begin another."""
    job_id = in_parts(alice)
    assert complete(alice, job_id).json["code"] == "MISSING_PARTS"
    links = begun(alice, job_id)["links"]
    send(world, links, FILE, PART)
    (old,) = under_way(world)
    world.s3.abort_multipart_upload(Bucket=BUCKET, Key=world.job(job_id).source_key, UploadId=old)
    assert complete(alice, job_id).json["code"] == "MISSING_PARTS"

    upload = begun(alice, job_id)
    assert upload["received"] == []
    assert under_way(world) != [old]
    send(world, upload["links"], FILE, PART)
    assert complete(alice, job_id).status == 200


def test_a_wrong_checksum_or_length_discards_all_parts_and_the_upload_begins_again(world: World, alice: Client) -> None:
    for more, content in (({"checksum_crc32": "AAAAAA=="}, FILE), ({}, FILE[:-1])):
        job_id = in_parts(alice, **more)
        links = begun(alice, job_id)["links"]
        links[1]["bytes"] = len(content) - PART  # what S3 would not take, since the length is signed
        send(world, links, content, PART)
        reply = complete(alice, job_id)
        assert (reply.status, reply.json["code"]) == (422, "UPLOAD_DIFFERS")
        assert under_way(world) == []
        assert complete(alice, job_id).json["code"] == "MISSING_PARTS"
        assert begun(alice, job_id)["received"] == []
        alice.post(f"/api/jobs/{job_id}/cancel")


def test_what_s3_says_of_the_size_of_the_whole_is_heeded(world: World, alice: Client) -> None:
    """A part may be sent again between the list and the completion; with an ETag that is a part's own no more, it is
    no part of the list either.
    """
    job_id = in_parts(alice)
    send(world, begun(alice, job_id)["links"], FILE, PART)
    real = multipart.received

    def then_sent_again(*given: Any) -> Any:
        found = real(*given)
        (upload_id,) = under_way(world)
        key = world.job(job_id).source_key
        world.s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload_id, PartNumber=2, Body=b"another")
        return found

    with patch.object(multipart, "received", then_sent_again):
        assert complete(alice, job_id).json["code"] == "CONFLICT"
    assert complete(alice, job_id).status == 200


def test_complete_may_be_repeated_for_as_long_as_the_job_lives(world: World, alice: Client) -> None:
    job_id = in_parts(alice)
    send(world, begun(alice, job_id)["links"], FILE, PART)
    for _ in range(2):
        assert complete(alice, job_id).json["status"] == "awaiting_upload"
        reply = alice.post(f"/api/jobs/{job_id}/upload")
        assert (reply.status, reply.json["code"]) == (409, "NOT_AWAITING"), "it is there, and nothing begins anew"
    assert told(world, job_id) is JobStatus.QUEUED
    assert complete(alice, job_id).json["status"] == "queued"
    assert under_way(world) == []


def test_a_recording_whose_completion_lost_its_reply_is_queued_all_the_same(world: World, alice: Client) -> None:
    job_id = in_parts(alice)
    send(world, begun(alice, job_id)["links"], FILE, PART)
    real = multipart.complete

    def then_lost(*given: Any) -> None:
        real(*given)
        raise aws_error("InternalError", "CompleteMultipartUpload", status=500)

    with patch.object(multipart, "complete", then_lost):
        assert complete(alice, job_id).status == 503
    assert told(world, job_id) is JobStatus.QUEUED


def test_an_error_of_s3s_own_is_no_verdict_on_the_parts(world: World, alice: Client) -> None:
    job_id = in_parts(alice)
    links = begun(alice, job_id)["links"]
    send(world, links, FILE, PART)
    for operation in ("ListParts", "CompleteMultipartUpload"):
        with refusing(world, operation):
            assert complete(alice, job_id).status == 503
    with refusing(world, "ListParts"):
        assert alice.post(f"/api/jobs/{job_id}/upload").status == 503
    assert complete(alice, job_id).status == 200


def refusing(world: World, operation: str) -> Any:
    """Within this context S3 answers the operation with an error of its own."""
    real = type(world.s3)._make_api_call  # type: ignore[attr-defined] # botocore's own

    def call(client: Any, name: str, parameters: Any) -> Any:
        if name == operation:
            raise aws_error("InternalError", name, status=500)
        return real(client, name, parameters)

    return patch.object(type(world.s3), "_make_api_call", call)


def test_a_job_with_a_form_has_nothing_to_complete(alice: Client) -> None:
    reply = complete(alice, create(alice)["job_id"])
    assert (reply.status, reply.json["code"]) == (409, "NOT_AWAITING")
    assert "with a form" in reply.json["detail"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"multipart": True}, "multipart"),
        ({"multipart": True, "size": 0}, "multipart"),
        ({"multipart": True, "size": 5, "checksum_sha256": CHECKSUM}, "multipart"),
        ({"size": 5, "checksum_crc32": CRC32}, "checksum_crc32"),
        ({"multipart": True, "size": 5, "checksum_crc32": "AAAAAB=="}, "checksum_crc32"),
        ({"multipart": True, "size": "x"}, "size"),
    ],
)
def test_what_does_not_go_with_parts_is_refused(alice: Client, wrong: dict[str, Any], field: str) -> None:
    reply = alice.post("/api/jobs", {"file_name": "a.mp3", **wrong})
    assert [error["field"] for error in reply.json["errors"]] == [field]


def test_beyond_the_operators_limit_parts_are_refused_too(world: World) -> None:
    client = Gateway(world, max_upload_gb=6).client("carol")
    create(client, multipart=True, size=6 * 10**9)
    reply = client.post("/api/jobs", {"file_name": "a.mp3", "multipart": True, "size": 6 * 10**9 + 1})
    assert (reply.status, reply.json["field"]) == (413, "size")
    assert reply.json["detail"] == "An upload has at most 6 GB: put larger files into S3 directly."


def test_a_registration_that_is_repeated_begins_no_second_upload(world: World, alice: Client) -> None:
    body = {"file_name": "a.mp3", "multipart": True, "size": len(FILE)}
    made = [alice.post("/api/jobs", body, idempotency_key="once-1").json for _ in range(2)]
    assert made[0]["job_id"] == made[1]["job_id"]
    assert [one["upload"] for one in made] == [None, None]
    begun(alice, made[0]["job_id"])
    alice.post("/api/jobs", body, idempotency_key="once-1")
    assert len(under_way(world)) == 1


def test_an_upload_whose_links_end_with_their_session_goes_on_with_fresh_ones(
    world: World, gateway: Gateway, alice: Client, s3: ServedS3
) -> None:
    """A link is signed with the function's credentials, which may end first; each takes its own length only."""
    service = gateway.app.state.service()
    service.s3 = s3.signer("first environment")
    job_id = in_parts(alice)
    first, second = begun(alice, job_id)["links"]
    assert s3.send("PUT", first["url"], FILE[: PART - 1]).status_code == 403
    assert s3.send("PUT", first["url"], FILE[:PART]).is_success
    s3.end_session("first environment", time.time())
    refused = s3.send("PUT", second["url"], FILE[PART:])
    assert (refused.status_code, "<Code>ExpiredToken</Code>" in refused.text) == (400, True)

    service.s3 = s3.signer("second environment")
    upload = begun(alice, job_id)
    assert (upload["received"], [link["number"] for link in upload["links"]]) == ([1], [2])
    assert s3.send("PUT", upload["links"][0]["url"], FILE[PART:]).is_success
    assert complete(alice, job_id).status == 200
    assert lies_there(world, job_id) == FILE


# Ends.


def test_a_cancel_an_expiry_and_an_erasure_give_up_the_parts(world: World, alice: Client) -> None:
    def cancel(job_id: str) -> None:
        alice.post(f"/api/jobs/{job_id}/cancel")

    def overdue(_: str) -> None:
        world.clock.pass_(WAIT_MS)
        expire(world)

    def erase(job_id: str) -> None:
        alice.delete(f"/api/jobs/{job_id}")

    for end in (cancel, overdue, erase):
        job_id = in_parts(alice)
        send(world, begun(alice, job_id)["links"], FILE, PART)
        end(job_id)
        assert under_way(world) == [], end.__name__
        assert complete(alice, job_id).status == (404 if end is erase else 409)
        assert world.s3.list_objects_v2(Bucket=BUCKET).get("KeyCount") == 0


def test_a_cancel_ends_the_job_though_s3_does_not_abort(
    world: World, alice: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bucket's rule aborts it, two days after it was begun; nobody can complete it until then."""
    job_id = in_parts(alice)
    send(world, begun(alice, job_id)["links"], FILE, PART)
    with refusing(world, "AbortMultipartUpload"):
        assert alice.post(f"/api/jobs/{job_id}/cancel").json["status"] == "canceled"
    assert len(under_way(world)) == 1
    assert '"event": "upload.not_aborted"' in capsys.readouterr().err
    assert complete(alice, job_id).json["code"] == "NOT_AWAITING"


def test_an_erasure_whose_abort_fails_is_tried_again_and_is_not_final_until_then(world: World, alice: Client) -> None:
    job_id = in_parts(alice)
    send(world, begun(alice, job_id)["links"], FILE, PART)
    with refusing(world, "AbortMultipartUpload"):
        alice.delete(f"/api/jobs/{job_id}")
    assert len(under_way(world)) == 1
    world.clock.pass_(5 * MINUTE_MS)
    (grave,) = world.store.tombstones.overdue(world.clock(), limit=10)
    intake_of(world)._erasure.finish(grave, world.clock())
    assert under_way(world) == []
    world.clock.pass_(DAY_MS)
    (grave,) = world.store.tombstones.overdue(world.clock(), limit=10)
    intake_of(world)._erasure.finish(grave, world.clock())
    final = world.store.tombstones.get(job_id)
    assert final
    assert (final.final, final.multipart, final.source_key) == (True, None, None)


def test_a_form_that_is_renewed_while_its_job_is_erased_is_known_to_the_tombstone(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the erasure's look at the job and its write; the last search comes once the newest form has ended."""
    job_id = create(alice)["job_id"]
    world.clock.pass_(MINUTE_MS)
    tombstones, until = type(world.store.tombstones), world.clock() + WAIT_MS
    renewal = job_changes.renew_upload(world.job(job_id), until=until, multipart=None)
    real, left = tombstones.put, [lambda: world.store.jobs.renew_upload(renewal)]

    def put(found: Any, job: Any, now: int) -> bool:
        if left:
            left.pop()()
        return real(found, job, now)

    monkeypatch.setattr(tombstones, "put", put)
    assert alice.delete(f"/api/jobs/{job_id}").status == 200
    tombstone = world.store.tombstones.get(job_id)
    assert tombstone
    assert tombstone.upload_expires_at == until


# What it costs.


def names(calls: list[str]) -> list[str]:
    return [call.rsplit(".", 1)[-1] for call in calls]


def test_each_step_of_an_upload_takes_a_few_calls(world: World, alice: Client) -> None:
    """Of AWS, authentication included: the key, the job, and what the step is about."""
    with counted(world) as calls:
        job_id = in_parts(alice)
    assert len(calls) == 2, calls
    with counted(world) as calls:
        first = begun(alice, job_id)
    assert names(calls) == [
        "UpdateItem",
        "GetItem",
        "CreateMultipartUpload",
        "UpdateItem",
    ]
    with counted(world) as calls:
        begun(alice, job_id)
    assert names(calls) == ["UpdateItem", "GetItem", "ListParts", "UpdateItem"]
    send(world, first["links"], FILE, PART)
    with counted(world) as calls:
        complete(alice, job_id)
    assert names(calls) == [
        "UpdateItem",
        "GetItem",
        "ListParts",
        "CompleteMultipartUpload",
    ]
    form = create(alice)["job_id"]
    with counted(world) as calls:
        renew(alice, form)
    assert len(calls) == 3, calls


def test_a_job_that_had_a_form_is_canceled_without_a_call_more(world: World, alice: Client) -> None:
    job = uploaded(world, alice)
    with counted(world) as calls:
        alice.post(f"/api/jobs/{job.job_id}/cancel")
    assert not any(call.endswith("AbortMultipartUpload") for call in calls)


def test_only_not_found_means_that_an_upload_has_ended(world: World, alice: Client) -> None:
    job_id = in_parts(alice)
    begun(alice, job_id)
    job = world.job(job_id)
    assert job.multipart
    world.s3.abort_multipart_upload(Bucket=BUCKET, Key=job.source_key, UploadId=job.multipart["upload_id"])
    SourceObjects(world.s3, BUCKET).give_up(job)
    with refusing(world, "AbortMultipartUpload"), pytest.raises(ClientError):
        abort_multipart(world.s3, BUCKET, job.source_key, job.multipart["upload_id"])
