"""From where a browser plays a job's recording: links that say what they lead to, whatever the uploader said."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from services.common.domain import media_types, object_keys
from services.common.domain.records import Job
from services.common.domain.times import SECOND_MS, rfc3339
from tests.support.api_jobs import completed, uploaded
from tests.support.file_names import HOSTILE
from tests.support.gateway import Client, Gateway, Reply
from tests.support.served_s3 import ServedS3
from tests.support.world import BUCKET, World

PEAKS = bytes(range(256))
COPY = b"\0\0\0\x1cftypM4A a copy"
MP3 = {"media_type": "audio/mpeg", "video": False, "playable": True}


@pytest.fixture(autouse=True)
def _links_that_lead_somewhere(gateway: Gateway, served_s3: ServedS3) -> None:
    gateway.app.state.service().s3 = served_s3.signer()


def ask(client: Client, job: Job) -> Reply:
    return client.get(f"/api/jobs/{job.job_id}/recording")


def found(client: Client, job: Job) -> Any:
    reply = ask(client, job)
    assert reply.status == 200, reply.body
    assert reply.headers["cache-control"] == "no-store"
    return reply.json


def with_result(world: World, job: Job, **listening: Any) -> Job:
    """The same job, whose worker has written this for listening too."""
    assert job.result
    world.change((f"JOB#{job.job_id}", "JOB"), result={**job.result, **listening})
    return world.job(job.job_id)


def with_peaks(world: World, job: Job) -> dict[str, Any]:
    key = object_keys.peaks(job.place, 1)
    world.s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(PEAKS), ContentType="application/gzip")
    return {"key": key, "bytes": 5, "per_second": 20}


def with_copy(world: World, job: Job) -> dict[str, Any]:
    key = object_keys.listening(job.place, 1)
    world.s3.put_object(Bucket=BUCKET, Key=key, Body=COPY, ContentType="audio/mp4")
    return {"key": key, "bytes": len(COPY), "media_type": "audio/mp4"}


def test_what_browsers_play_is_played_from_where_it_was_uploaded(
    world: World, alice: Client, served_s3: ServedS3
) -> None:
    job = completed(world, alice)
    job = with_result(world, job, media=MP3, peaks=with_peaks(world, job))
    told = found(alice, job)
    assert (told["kind"], told["media_type"], told["video"]) == ("source", "audio/mpeg", False)
    assert told["expires_at"] == rfc3339(world.now + 3_600 * SECOND_MS)
    played = served_s3.send("GET", told["url"], range="bytes=1-3")
    assert (played.status_code, played.content) == (206, b"oun")
    assert played.headers["content-type"] == "audio/mpeg"
    assert played.headers["content-disposition"] == "inline; filename*=UTF-8''m%C3%B6te.mp3"


def test_peaks_come_as_the_bytes_that_they_are(world: World, alice: Client, served_s3: ServedS3) -> None:
    job = completed(world, alice)
    told = found(alice, with_result(world, job, media=MP3, peaks=with_peaks(world, job)))["peaks"]
    assert told["per_second"] == 20
    reply = served_s3.send("GET", told["url"])
    assert reply.content == PEAKS, "whoever fetches them need not unpack them"
    assert reply.headers["content-type"] == "application/octet-stream"


def test_where_there_is_a_copy_that_is_played_also_if_the_recording_is_gone(
    world: World, alice: Client, served_s3: ServedS3
) -> None:
    job = completed(world, alice, file_name="film.mkv")
    film = {"media_type": "video/webm", "video": True, "playable": False}
    job = with_result(world, job, media=film, listening=with_copy(world, job))
    world.s3.delete_object(Bucket=BUCKET, Key=job.source_key)
    told = found(alice, job)
    assert (told["kind"], told["media_type"], told["video"]) == ("listening", "audio/mp4", False)
    assert told["peaks"] is None
    played = served_s3.send("GET", told["url"])
    assert played.content == COPY
    assert played.headers["content-disposition"] == 'inline; filename="film.m4a"'


@pytest.mark.parametrize(
    ("declared", "kind", "video"),
    [
        ("audio/mpeg", "audio/mpeg", False),
        ("Video/MP4; codecs=avc1", "video/mp4", True),
        ("audio/x-something", "application/octet-stream", False),
        ("", "application/octet-stream", False),
    ],
)
def test_a_job_of_an_earlier_release_is_played_as_its_client_declared_it_if_that_is_a_known_recordings(
    world: World, alice: Client, declared: str, kind: str, *, video: bool
) -> None:
    told = found(alice, completed(world, alice, content_type=declared))
    assert (told["kind"], told["media_type"], told["video"], told["peaks"]) == ("source", kind, video, None)


def test_no_upload_is_shown_as_a_page_whatever_its_type_and_its_name(
    world: World, alice: Client, served_s3: ServedS3
) -> None:
    for name in (*HOSTILE, "a.html", "a.svg"):
        job = completed(world, alice, file_name=name)
        world.s3.copy_object(
            Bucket=BUCKET,
            Key=job.source_key,
            CopySource={"Bucket": BUCKET, "Key": job.source_key},
            ContentType="text/html",
            MetadataDirective="REPLACE",
        )
        played = served_s3.send("GET", found(alice, job)["url"])
        assert played.status_code == 200
        assert played.headers["content-type"] == media_types.UNKNOWN
        assert played.headers["content-disposition"].startswith("inline; filename")


@pytest.mark.parametrize("content", [None, b"another recording"])
def test_a_recording_that_was_deleted_or_replaced_is_gone(world: World, alice: Client, content: bytes | None) -> None:
    job = with_result(world, completed(world, alice), media=MP3)
    world.s3.delete_object(Bucket=BUCKET, Key=job.source_key)
    if content:
        world.s3.put_object(Bucket=BUCKET, Key=job.source_key, Body=content)
    reply = ask(alice, job)
    assert (reply.status, reply.json["code"]) == (410, "RECORDING_GONE")


def test_a_job_that_is_not_completed_has_nothing_to_play_yet(world: World, alice: Client) -> None:
    reply = ask(alice, uploaded(world, alice))
    assert (reply.status, reply.json["code"]) == (409, "NOT_COMPLETED")


def test_nobody_elses_recording_is_played(world: World, alice: Client, mallory: Client) -> None:
    job = with_result(world, completed(world, alice), media=MP3)
    assert ask(mallory, job).status == 404
    assert alice.get("/api/jobs/job_unknown/recording").status == 404


def test_the_links_are_good_as_long_as_the_operator_says(world: World, served_s3: ServedS3) -> None:
    gateway = Gateway(world, recording_link_seconds=60)
    gateway.app.state.service().s3 = served_s3.signer()
    client = gateway.client("alice")
    job = completed(world, client)
    told = found(client, with_result(world, job, media=MP3, peaks=with_peaks(world, job)))
    assert told["expires_at"] == rfc3339(world.now + 60 * SECOND_MS)
    for url in (told["url"], told["peaks"]["url"]):
        query: Mapping[str, str] = httpx.URL(url).params
        assert query["X-Amz-Expires"] == "60"


def test_erasing_a_job_erases_its_peaks_and_its_copy(world: World, alice: Client) -> None:
    job = completed(world, alice)
    job = with_result(world, job, media=MP3, peaks=with_peaks(world, job), listening=with_copy(world, job))
    receipt = alice.delete(f"/api/jobs/{job.job_id}").json
    assert receipt["removed"]["results"] == 2
    assert world.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    assert ask(alice, job).status == 404
