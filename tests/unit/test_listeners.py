"""Which callbacks are told of a job: a prefix is compared with the name that the client knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unicodedata import normalize

import pytest

from services.common.domain import object_keys
from services.common.domain.events import EventType, Places, compose, listeners
from services.common.domain.records import Callback, Job
from services.common.domain.states import CallbackStatus, JobStatus
from services.common.webhooks.registration import SUBSCRIBABLE

APART = normalize("NFD", "möten")
PLACES = Places(bucket="bucket", public_url="", retention_days=30)


def job_of(client_id: str, key: str, file_name: str, **more: Any) -> Job:
    return Job(
        job_id="job_a",
        client_id=client_id,
        status=JobStatus.COMPLETED,
        created_at=1,
        source_key=key,
        file_name=file_name,
        **more,
    )


def of_api(file_name: str, client_id: str = "acme", **more: Any) -> Job:
    return job_of(client_id, object_keys.upload(client_id, "job_a", file_name), file_name, **more)


def plain(key: str, client_id: str = "acme", **more: Any) -> Job:
    return job_of(client_id, key, key.rsplit("/", 1)[-1], **more)


def callback(**more: Any) -> Callback:
    usual = {"callback_id": "cb_a", "client_id": "acme", "url": "https://hooks.example.com/", "events": SUBSCRIBABLE}
    return Callback(**usual | more)


def told(job: Job, *callbacks: Callback) -> list[str]:
    """The ids of the callbacks that are told that the job is completed."""
    event = compose(job, EventType.COMPLETED, serial="0", places=PLACES)
    return [found.callback_id for found in listeners(event, job, callbacks)]


@pytest.mark.parametrize(
    ("job", "name"),
    [
        (of_api("meetings/april.mp3"), "uploads/acme/meetings/april.mp3"),
        (of_api("april.mp3"), "uploads/acme/april.mp3"),
        (of_api("../mallory/x.mp3"), "uploads/acme/../mallory/x.mp3"),
        (of_api("meetings/april.mp3", "default"), "uploads/meetings/april.mp3"),
        (plain("uploads/acme/meetings/april.mp3"), "uploads/acme/meetings/april.mp3"),
        (plain("uploads/nobody/april.mp3", "default"), "uploads/nobody/april.mp3"),
        (plain("uploads/april.mp3", "default"), "uploads/april.mp3"),
        (plain("uploads/acme/job_b/april.mp3"), "uploads/acme/job_b/april.mp3"),
    ],
)
def test_a_recording_is_known_to_its_client_by_the_name_that_the_client_chose(job: Job, name: str) -> None:
    assert object_keys.named_by_client(job) == name


@pytest.mark.parametrize(
    ("prefix", "heard"),
    [("", True), ("uploads/acme/", True), ("uploads/acme/meetings/", True), ("uploads/acme/meetings/may", False)],
)
@pytest.mark.parametrize(
    "job", [of_api("meetings/april.mp3"), plain("uploads/acme/meetings/april.mp3")], ids=["api", "plain"]
)
def test_a_stored_prefix_matches_jobs_of_the_api_and_plain_uploads_alike(job: Job, prefix: str, *, heard: bool) -> None:
    assert told(job, callback(prefix=prefix)) == (["cb_a"] if heard else [])


@pytest.mark.parametrize("job", [of_api, lambda name: plain(f"uploads/acme/{name}")], ids=["api", "plain"])
@pytest.mark.parametrize(("named", "wanted"), [("möten", APART), (APART, "möten"), (APART, APART)])
def test_a_prefix_matches_however_its_letters_are_spelt(job: Callable[[str], Job], named: str, wanted: str) -> None:
    recording = job(f"{named}/april.mp3")

    assert told(recording, callback(prefix=f"uploads/acme/{wanted}/")) == ["cb_a"]
    assert told(recording, callback(prefix="uploads/acme/mo")) == [], "a letter does not match without its accent"


def test_a_named_callback_is_told_whatever_its_prefix_if_it_listens_and_others_as_before() -> None:
    job = of_api("april.mp3", named_callback="cb_named")
    elsewhere = {"prefix": "uploads/acme/meetings/"}
    named, other = callback(callback_id="cb_named", **elsewhere), callback(callback_id="cb_other", **elsewhere)

    assert told(job, callback(), named, other) == ["cb_a", "cb_named"]
    assert told(job, callback(callback_id="cb_named", events=["transcription.failed"])) == []
    for status in (CallbackStatus.PENDING, CallbackStatus.DISABLED):
        assert told(job, callback(callback_id="cb_named", status=status)) == []


def test_a_callback_for_one_job_is_told_of_no_other() -> None:
    assert told(of_api("a.mp3"), callback(job_id="job_a"), callback(callback_id="cb_b", job_id="job_b")) == ["cb_a"]
