"""Jobs over the API, behind the real Mangum handler."""

from __future__ import annotations

import base64
import json

import pytest

from services.common.domain.events import EventType
from services.common.domain.options import DEFAULTS, Options
from services.common.domain.states import JobStatus, PartStatus
from services.common.domain.times import MINUTE_MS, SECOND_MS, rfc3339
from services.common.store import keys
from services.common.store.leases import FencedError
from tests.support.api_jobs import FAILED, completed, create, finished, uploaded
from tests.support.gateway import MODELS, Client, Gateway
from tests.support.world import World


def test_an_upload_is_bound_to_key_type_size_and_checksum(alice: Client) -> None:
    checksum = base64.b64encode(bytes(32)).decode()
    job = create(alice, size=1234, content_type="audio/mpeg", checksum_sha256=checksum)

    policy = json.loads(base64.b64decode(job["upload"]["fields"]["policy"]))["conditions"]
    assert ["content-length-range", 1234, 1234] in policy
    assert {"Content-Type": "audio/mpeg"} in policy
    assert {"x-amz-checksum-sha256": checksum} in policy
    assert {"key": f"uploads/alice/{job['job_id']}/möte.mp3"} in policy


@pytest.mark.parametrize(
    "content_type",
    ["audio/webm;codecs=opus", 'audio/webm; codecs="opus"', "audio/AMR", "video/MP2T", "Application/MXF"],
)
def test_an_upload_is_bound_to_the_type_as_the_client_wrote_it(alice: Client, content_type: str) -> None:
    upload = create(alice, content_type=content_type)["upload"]

    assert upload["fields"]["Content-Type"] == content_type
    assert {"Content-Type": content_type} in json.loads(base64.b64decode(upload["fields"]["policy"]))["conditions"]


@pytest.mark.parametrize("wanted", [{}, {"content_type": None}, {"content_type": ""}])
def test_a_type_that_the_client_does_not_know_is_nothing_in_particular(
    alice: Client, wanted: dict[str, str | None]
) -> None:
    assert create(alice, **wanted)["upload"]["fields"]["Content-Type"] == "application/octet-stream"


def test_a_registration_that_is_sent_again_gets_a_form_that_is_good_from_then_and_the_job_as_it_is(
    world: World, alice: Client
) -> None:
    first = alice.post("/api/jobs", {"file_name": "a.mp3"}, idempotency_key="once-1").json
    alice.post(f"/api/jobs/{first['job_id']}/cancel")
    before = world.store.jobs.get(first["job_id"])
    world.clock.pass_(10 * MINUTE_MS)
    again = alice.post("/api/jobs", {"file_name": "a.mp3"}, idempotency_key="once-1").json

    assert (again["job_id"], again["status"]) == (first["job_id"], "canceled")
    assert again["upload"]["expires_at"] == rfc3339(world.clock() + 60 * MINUTE_MS)
    assert world.store.jobs.get(first["job_id"]) == before


def test_without_a_size_an_upload_is_bound_to_the_limit(alice: Client) -> None:
    policy = json.loads(base64.b64decode(create(alice)["upload"]["fields"]["policy"]))["conditions"]

    assert ["content-length-range", 0, 5_000_000_000] in policy


def test_options_are_kept_as_they_were_given_and_shown_with_the_defaults(world: World, alice: Client) -> None:
    options = {"language": "en", "style": "strict", "hotwords": "Åsa, Örjan", "words": True, "formats": ["json", "srt"]}
    job = create(alice, options=options)

    assert job["options"] == {**DEFAULTS.to_json(), "model": "KBLab/kb-whisper-small", **options}
    stored = world.store.jobs.get(job["job_id"])
    assert stored is not None
    assert stored.options == options


def test_a_completed_job_names_the_model_that_was_used(world: World, alice: Client) -> None:
    job_id = completed(world, alice).job_id
    world.change(
        keys.job(job_id), result={"attempt": 1, "files": {}, "model": {"name": "whisper-base", "revision": "1"}}
    )
    (listed,) = alice.get("/api/jobs").json["jobs"]

    assert listed["options"]["model"] == "whisper-base"


def test_options_of_another_release_are_no_reason_to_hide_a_job(world: World, alice: Client) -> None:
    job_id = uploaded(world, alice).job_id
    world.change(keys.job(job_id), options={"mood": "good", "model": "gone"})
    options = alice.get(f"/api/jobs/{job_id}").json["options"]

    assert options == {**DEFAULTS.to_json(), "model": "gone"}


def test_tracks_reach_the_machine_that_is_to_hear_them(world: World, alice: Client) -> None:
    job = create(alice, options={"tracks": [3.0, 1]})

    assert job["options"]["tracks"] == [3, 1]
    stored = world.store.jobs.get(job["job_id"])
    assert stored is not None
    assert Options.parse(stored.options, MODELS).tracks == (1, 3)


def test_doubtful_places_are_refused_without_the_document_that_would_list_them(alice: Client) -> None:
    options: dict[str, object] = {"doubtful_places": True}
    reply = alice.post("/api/jobs", {"file_name": "a.mp3", "options": options})

    assert (reply.status, reply.json["code"], reply.json["field"]) == (422, "INVALID_OPTION", "options.doubtful_places")
    assert "docx" in reply.json["detail"]
    create(alice, options={**options, "formats": ["docx"]})


def test_a_model_that_the_deployment_does_not_hold_is_refused_by_name(alice: Client) -> None:
    reply = alice.post("/api/jobs", {"file_name": "a.mp3", "options": {"model": "KBLab/kb-whisper-large"}})

    assert (reply.status, reply.json["code"], reply.json["field"]) == (422, "MODEL_UNAVAILABLE", "options.model")


def test_a_model_that_no_machine_may_fetch_yet_is_refused_with_the_command_that_records_it(world: World) -> None:
    client = Gateway(world, unrecorded_models=MODELS[1:]).client("carol")
    reply = client.post("/api/jobs", {"file_name": "a.mp3", "options": {"style": "strict"}})

    assert (reply.status, reply.json["code"], reply.json["field"]) == (422, "MODEL_UNAVAILABLE", "options.model")
    assert f"`python -m tools.models record {MODELS[1]}`" in reply.json["detail"]
    assert "and apply" in reply.json["detail"]
    assert client.post("/api/jobs", {"file_name": "a.mp3"}).status == 201, "others are not refused for it"


def test_speakers_are_refused_with_what_to_do_where_the_models_for_them_are_missing(world: World) -> None:
    client = Gateway(world, unrecorded_models=("speakers",)).client("carol")
    reply = client.post("/api/jobs", {"file_name": "a.mp3", "options": {"speakers": "auto"}})

    assert (reply.status, reply.json["code"], reply.json["field"]) == (422, "MODEL_UNAVAILABLE", "options.speakers")
    for what_to_do in ("leave `speakers` out", "speaker_labels = true", "`python -m tools.models record speakers`"):
        assert what_to_do in reply.json["detail"]
    assert client.post("/api/jobs", {"file_name": "a.mp3", "options": {"speakers": "off"}}).status == 201


def test_a_job_says_how_it_stands(world: World, alice: Client) -> None:
    job = completed(world, alice)
    view = alice.get(f"/api/jobs/{job.job_id}").json

    assert (view["status"], view["language"], view["cost"]["dollars"]) == ("completed", "sv", 0.01)
    results = {result["format"]: result["result_url"] for result in view["results"]}
    assert results["txt"] == f"https://api.example.com/api/jobs/{job.job_id}/transcript?format=txt"


def test_a_job_has_these_fields_and_no_others(world: World, alice: Client) -> None:
    fields = {
        "job_id",
        "status",
        "file_name",
        "created_at",
        "times",
        "options",
        "waiting",
        "waiting_reason",
        "parts",
        "parts_done",
        "error",
        "results",
        "cost",
        "callback_id",
        "progress",
        "source",
        "job_url",
        "attempt",
        "language",
        "duration",
        "model",
        "quality",
        "sequence",
        "reference",
        "metadata",
        "names",
        "correction",
        "expires_at",
    }
    view = alice.get(f"/api/jobs/{completed(world, alice).job_id}").json
    (listed,) = alice.get("/api/jobs").json["jobs"]
    failed = alice.get(f"/api/jobs/{finished(world, alice, FAILED).job_id}").json

    assert set(view) == set(listed) == fields
    assert set(view["results"][0]) == {"format", "uri", "bytes", "sha256", "result_url"}
    assert set(view["progress"]) == {"stage", "fraction", "estimated_seconds", "queue_position"}
    assert set(failed["error"]) == {"code", "message", "retryable"}
    assert set(create(alice)) == fields | {"upload", "callback"}


@pytest.mark.parametrize("over", [1, 10**30])
def test_a_larger_upload_than_the_setting_allows_is_refused_with_the_way_round(world: World, over: int) -> None:
    client = Gateway(world, max_upload_bytes=1_000).client("carol")
    reply = client.post("/api/jobs", {"file_name": "a.mp3", "size": 1_000 + over})

    assert (reply.status, reply.json["code"]) == (413, "TOO_LARGE")
    parts = "A form takes at most 1000 bytes: give `multipart`, and upload it in parts."
    beyond = "An upload has at most 50 GB: put larger files into S3 directly."
    assert reply.json["detail"] == (parts if over == 1 else beyond)
    create(client, size=1_000)


def test_jobs_are_listed_newest_first_page_by_page(world: World, alice: Client, mallory: Client) -> None:
    made = []
    for _ in range(5):
        made.append(create(alice)["job_id"])
        world.clock.pass_(SECOND_MS)
    create(mallory)

    seen: list[str] = []
    after = ""
    while True:
        page = alice.get(f"/api/jobs?limit=2{after}").json
        seen += [job["job_id"] for job in page["jobs"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"

    assert seen == made[::-1]


def test_a_transcript_is_a_redirect_to_a_fresh_link(world: World, alice: Client) -> None:
    job = completed(world, alice)
    reply = alice.get(f"/api/jobs/{job.job_id}/transcript?format=json")

    assert reply.status == 302
    assert "results/x/1/transcript.json?" in reply.headers["location"]
    assert "X-Amz-Signature=" in reply.headers["location"]
    assert "Authorization" in reply.json["hint"]


def test_a_client_that_keeps_its_headers_gets_the_link_as_json(world: World, alice: Client) -> None:
    job = completed(world, alice)
    reply = alice.get(f"/api/jobs/{job.job_id}/transcript?redirect=false")

    assert reply.status == 200
    assert "location" not in reply.headers
    assert "transcript.txt" in reply.json["url"]


def test_there_is_no_transcript_before_the_job_is_completed(world: World, alice: Client) -> None:
    queued_job = uploaded(world, alice)
    done = completed(world, alice)

    assert alice.get(f"/api/jobs/{queued_job.job_id}/transcript").json["code"] == "NOT_COMPLETED"
    missing = alice.get(f"/api/jobs/{done.job_id}/transcript?format=srt")
    assert (missing.status, missing.json["code"]) == (404, "NO_SUCH_FORMAT")


def test_a_queued_job_that_is_canceled_leaves_the_queue_and_says_so(world: World, alice: Client) -> None:
    alice.post("/api/callbacks", {"url": "https://hooks.example.com/", "events": ["transcription.canceled"]})
    job = uploaded(world, alice)
    reply = alice.post(f"/api/jobs/{job.job_id}/cancel")

    assert (reply.status, reply.json["status"]) == (200, "canceled")
    assert list(world.store.parts.queue()) == []
    assert [one.event_type for one in world.store.deliveries.of_job(job.job_id)] == ["transcription.canceled"]


def test_a_worker_meets_the_fence_when_its_job_is_canceled(world: World, alice: Client) -> None:
    running, part = world.claimed(uploaded(world, alice))
    assert alice.post(f"/api/jobs/{running.job_id}/cancel").status == 200

    with pytest.raises(FencedError):
        world.store.leases.heartbeat(part, lease_ends=world.clock() + MINUTE_MS, on_device=True, progress=0.5)


def test_canceling_twice_is_canceling_once(world: World, alice: Client) -> None:
    job = uploaded(world, alice)
    alice.post(f"/api/jobs/{job.job_id}/cancel")
    again = alice.post(f"/api/jobs/{job.job_id}/cancel")

    assert (again.status, again.json["status"]) == (200, "canceled")


def test_a_job_that_has_ended_cannot_be_canceled(world: World, alice: Client) -> None:
    reply = alice.post(f"/api/jobs/{completed(world, alice).job_id}/cancel")

    assert (reply.status, reply.json["code"]) == (409, "ALREADY_ENDED")


def test_an_awaited_upload_can_be_canceled_and_is_not_expired_later(world: World, alice: Client) -> None:
    job_id = create(alice)["job_id"]
    assert alice.post(f"/api/jobs/{job_id}/cancel").json["status"] == "canceled"

    assert list(world.store.jobs.overdue_uploads(world.clock() + 100 * MINUTE_MS, 10)) == []


def test_a_failed_job_is_queued_again_under_a_new_generation(world: World, alice: Client) -> None:
    job = finished(world, alice, FAILED)
    reply = alice.post(f"/api/jobs/{job.job_id}/retry")

    assert (reply.status, reply.json["status"], reply.json["error"]) == (202, "queued", None)
    (part,) = world.store.parts.queue()
    assert (part.status, part.attempt, part.deaths) == (PartStatus.QUEUED, 1, 0)
    again = world.store.jobs.get(job.job_id)
    assert again is not None
    assert again.generation == 1
    _, mine = world.claimed(again)
    assert mine.attempt == 2


def test_only_a_failed_job_is_retried(world: World, alice: Client) -> None:
    reply = alice.post(f"/api/jobs/{completed(world, alice).job_id}/retry")

    assert (reply.status, reply.json["code"]) == (409, "NOT_FAILED")


def test_a_retry_that_is_sent_twice_under_one_key_happens_once(world: World, alice: Client) -> None:
    job = finished(world, alice, FAILED)
    first = alice.post(f"/api/jobs/{job.job_id}/retry", idempotency_key="retry-1")
    second = alice.post(f"/api/jobs/{job.job_id}/retry", idempotency_key="retry-1")

    assert (first.status, second.status) == (202, 202)
    again = world.store.jobs.get(job.job_id)
    assert again is not None
    assert again.generation == 1


def test_a_new_key_does_not_make_a_retry_of_what_has_not_failed(world: World, alice: Client) -> None:
    job = finished(world, alice, FAILED)
    alice.post(f"/api/jobs/{job.job_id}/retry", idempotency_key="retry-1")
    reply = alice.post(f"/api/jobs/{job.job_id}/retry", idempotency_key="retry-2")

    assert (reply.status, reply.json["code"]) == (409, "NOT_FAILED")


def test_a_callback_for_one_job_hears_of_that_job_alone(world: World, alice: Client) -> None:
    reply = create(alice, callback={"url": "https://hooks.example.com/own", "events": ["transcription.queued"]})
    assert reply["callback"]["secret"].startswith("whsec_")
    job = world.store.jobs.get(reply["job_id"])
    assert job is not None

    (heard,) = world.announced(job, EventType.QUEUED).deliveries
    assert (heard.callback_id, heard.own_callback) == (reply["callback"]["callback_id"], True)
    other = uploaded(world, alice)
    assert world.announced(other, EventType.QUEUED).deliveries == ()
    assert alice.get("/api/callbacks").json["callbacks"] == []


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
def test_the_feed_holds_every_event_once_the_lag_is_over(world: World, alice: Client, status: JobStatus) -> None:
    job = completed(world, alice) if status is JobStatus.COMPLETED else finished(world, alice, FAILED)
    assert alice.get("/api/events").json == {"events": [], "next": None}
    world.clock.pass_(6 * SECOND_MS)

    feed = alice.get("/api/events").json
    kinds = {event["type"] for event in feed["events"]}
    assert kinds == {"transcription.queued", f"transcription.{status.value}"}
    assert {(event["job_id"], event["callback_id"]) for event in feed["events"]} == {(job.job_id, None)}
    assert feed["events"][0]["body"]["data"]["job_id"] == job.job_id
    assert alice.get(f"/api/events?after={feed['next']}").json == {"events": [], "next": feed["next"]}


def test_an_event_of_the_release_before_has_what_programs_rely_on(world: World, alice: Client) -> None:
    job = uploaded(world, alice)
    (event,) = (item for item in world.all_items() if item["sk"].startswith(keys.EVENTS))
    body = json.loads(event["body"])
    del body["version"], body["data"]["sequence"]
    body["data"]["duration_seconds"] = 61.4
    world.change((event["pk"], event["sk"]), body=json.dumps(body))
    world.clock.pass_(6 * SECOND_MS)

    (shown,) = alice.get("/api/events").json["events"]
    assert shown["body"]["version"] == 1
    assert shown["body"]["data"]["duration"] == 61.4
    assert shown["body"]["data"]["sequence"] == event["created_at"] == job.sequence


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("The receiver answered 410 Gone.", "gone"),
        ("Nothing could be delivered for 5 days.", "failing"),
        ("failing", "failing"),
    ],
)
def test_the_feed_says_in_a_word_why_the_release_before_has_disabled_a_callback(
    world: World, alice: Client, told: str, shown: str
) -> None:
    job = uploaded(world, alice)
    (event,) = (item for item in world.all_items() if item["sk"].startswith(keys.EVENTS))
    data = {"callback_id": "cb_a", "url": "https://hooks.example.com/", "reason": told}
    body = {"type": "callback.disabled", "timestamp": "2026-11-01T00:00:00.000Z", "data": data}
    world.change((event["pk"], event["sk"]), type=body["type"], body=json.dumps(body))
    world.clock.pass_(6 * SECOND_MS)

    (found,) = alice.get("/api/events").json["events"]
    assert found["body"]["data"] == {**data, "reason": shown, "sequence": job.sequence}


def test_the_feed_goes_on_where_it_was_left(world: World, alice: Client) -> None:
    uploaded(world, alice)
    world.clock.pass_(6 * SECOND_MS)
    cursor = alice.get("/api/events?limit=1").json["next"]
    later = uploaded(world, alice)
    world.clock.pass_(6 * SECOND_MS)

    (event,) = alice.get(f"/api/events?after={cursor}").json["events"]
    assert event["job_id"] == later.job_id
