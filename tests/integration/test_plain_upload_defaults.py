"""A client's defaults on their way: set with the client, given to its plain uploads at intake, honoured by a worker."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.domain.vocabularies import Vocabulary
from services.common.store import keys
from services.orchestrator.handler import take_batch
from tests.support.gateway import Client, Gateway
from tests.support.step_engine import WORDS_READ
from tests.support.step_world import StepWorld, step_world
from tests.support.world import BUCKET
from tests.support.written import lying

WORDS = ["Umeå", "Sävar"][:WORDS_READ]
DEFAULTS = {"language": "auto", "speakers": {"at_most": 4, "at_least": 2}, "tracks": [1, 2], "vocabulary": "council"}


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world() as made:
        made.store.clients.register("alice")
        yield made


@pytest.fixture
def alice(world: StepWorld) -> Client:
    return Gateway(world, models=("whisper-base",)).client("alice")


def keep(world: StepWorld, words: list[str] = WORDS, client_id: str = "alice") -> Vocabulary:
    vocabulary = Vocabulary(client_id=client_id, name="council", words=words, updated_at=1)
    world.store.commit(world.store.vocabularies.addition(vocabulary))
    return vocabulary


def taken(world: StepWorld, key: str = "uploads/alice/a.wav", **more: Any) -> Job:
    """The job that intake makes of a plain upload."""
    before = {item["pk"] for item in world.all_items()}
    world.upload(key, **more)
    world.serve_queue()
    (new,) = [item["job_id"] for item in world.all_items() if item["sk"] == "JOB" and item["pk"] not in before]
    return world.job(new)


def transcript(world: StepWorld, job_id: str) -> dict[str, Any]:
    result = world.job(job_id).result
    assert result
    content = world.s3.get_object(Bucket=BUCKET, Key=result["files"]["json"]["key"])["Body"].read()
    found: dict[str, Any] = json.loads(content)
    return found


def warned(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = map(json.loads, capsys.readouterr().err.splitlines())
    return [line for line in lines if line["event"] == "intake.default_left_out"]


def test_a_plain_upload_gets_its_clients_defaults_and_the_words_of_that_moment(world: StepWorld) -> None:
    vocabulary = keep(world)
    assert world.store.clients.set_defaults("alice", DEFAULTS)
    job = taken(world)
    world.store.vocabularies.replace(vocabulary, ["Holmön"], 2)

    assert (job.client_id, job.options, job.left_out) == ("alice", DEFAULTS, None)
    assert world.job(job.job_id).vocabulary == {"words": WORDS, "count": len(WORDS)}


def test_the_text_has_the_options_and_no_remark(world: StepWorld, alice: Client) -> None:
    keep(world)
    world.store.clients.set_defaults("alice", {"vocabulary": "council", "words": True})
    job = taken(world)
    world.settle()

    written = transcript(world, job.job_id)
    assert (written["options"]["vocabulary"], written["options"]["words"]) == ("council", True)
    assert written["quality"]["warnings"] == []
    assert alice.get(f"/api/jobs/{job.job_id}").json["options"]["words"] is True


def test_only_uploads_after_a_change_have_the_new_defaults(world: StepWorld) -> None:
    clients = world.store.clients
    found = []
    wanted: list[dict[str, Any]] = [{"words": True}, {"preset": "fast"}, {}]
    for number, defaults in enumerate(wanted):
        clients.set_defaults("alice", defaults)
        found.append(taken(world, f"uploads/alice/{number}.wav").job_id)

    assert [world.job(job_id).options for job_id in found] == wanted
    assert clients.defaults("alice") == {}


def test_the_default_client_has_defaults_of_its_own_and_nobody_elses(world: StepWorld) -> None:
    world.store.clients.register("default")
    world.store.clients.set_defaults("default", {"words": True})
    world.store.clients.set_defaults("alice", {"preset": "fast"})

    assert taken(world, "uploads/a.wav").options == {"words": True}
    assert taken(world, "uploads/stranger/a.wav").options == {"words": True}
    assert taken(world).options == {"preset": "fast"}


def test_another_clients_vocabulary_of_the_same_name_is_not_read(world: StepWorld) -> None:
    keep(world, client_id="mallory")
    world.store.clients.set_defaults("alice", {"vocabulary": "council"})
    job = taken(world)
    assert (job.options, job.vocabulary) == ({}, None)


def test_a_job_of_the_api_has_the_options_that_it_was_given_and_no_defaults(world: StepWorld, alice: Client) -> None:
    keep(world)
    world.store.clients.set_defaults("alice", DEFAULTS)
    made = alice.post("/api/jobs", {"file_name": "a.wav", "options": {"words": True}}).json
    world.upload(made["upload"]["fields"]["key"])
    world.serve_queue()
    job = world.job(made["job_id"])
    assert (job.status, job.options, job.vocabulary) == (JobStatus.QUEUED, {"words": True}, None)


def test_a_vocabulary_that_is_gone_stops_no_upload_and_is_told_in_the_report_and_in_the_log(
    world: StepWorld, alice: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(world)
    world.store.clients.set_defaults("alice", {"vocabulary": "council", "words": True})
    alice.delete("/api/vocabularies/council")
    job = taken(world)
    (line,) = warned(capsys)
    assert (line["level"], line["job_id"]) == ("warning", job.job_id)
    assert (line["option"], line["code"], "council" in json.dumps(line)) == ("vocabulary", "UNKNOWN_VOCABULARY", False)

    world.settle()
    told = alice.get(f"/api/jobs/{job.job_id}").json
    sentence = (
        "Of the client's options for its uploads some were left out. vocabulary: The client has no vocabulary council."
    )
    assert (told["status"], told["options"]["words"], told["options"]["vocabulary"]) == ("completed", True, None)
    assert told["quality"]["warnings"] == ["defaults_left_out"]
    assert told["quality"]["remarks"] == [{"code": "defaults_left_out", "message": sentence}]
    assert transcript(world, job.job_id)["quality"]["warnings"] == ["defaults_left_out"]


def test_a_recording_in_parts_is_told_once_what_it_was_left_without() -> None:
    with step_world(parts=3) as world:
        world.store.clients.register("alice")
        world.store.clients.set_defaults("alice", {"vocabulary": "council"})
        job = taken(world)
        world.settle()
        assert transcript(world, job.job_id)["quality"]["warnings"] == ["defaults_left_out"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"model": "sold"}, "MODEL_UNAVAILABLE"), ({"tempo": "slow"}, "INVALID_OPTION")],
    ids=["a model", "an option"],
)
def test_what_another_release_or_deployment_knew_stops_no_upload(
    wrong: dict[str, Any], code: str, world: StepWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world.store.clients.set_defaults("alice", {"words": True, **wrong})
    job = taken(world)
    world.settle()
    assert [(line["option"], line["code"]) for line in warned(capsys)] == [(*wrong, code)]
    assert (world.job(job.job_id).status, job.options) == (JobStatus.COMPLETED, {"words": True})


def test_a_vocabulary_that_a_newer_release_wrote_stops_no_upload(world: StepWorld) -> None:
    keep(world)
    world.of_another_version(*keys.vocabulary("alice", "council"))
    world.store.clients.set_defaults("alice", {"vocabulary": "council"})
    job = taken(world)
    assert [one["code"] for one in job.left_out or ()] == ["UNKNOWN_VOCABULARY"]


def test_a_failed_job_that_is_uploaded_once_more_keeps_the_options_that_it_had(world: StepWorld) -> None:
    world.store.clients.set_defaults("alice", {"words": True})
    job = taken(world)
    world.cancel(job)
    world.store.clients.set_defaults("alice", {"preset": "fast"})
    world.now += 60_000
    world.upload("uploads/alice/a.wav")
    world.serve_queue()
    assert (world.job(job.job_id).status, world.job(job.job_id).options) == (JobStatus.QUEUED, {"words": True})


def test_an_erased_job_takes_its_copy_of_the_words_along(world: StepWorld) -> None:
    vocabulary = keep(world, ["Kommunfullmäktige"])
    world.store.clients.set_defaults("alice", {"vocabulary": "council"})
    job = taken(world)
    world.store.vocabularies.remove(vocabulary)
    assert "Kommunfullmäktige" in json.dumps(world.all_items(), ensure_ascii=False)
    world.erase(job)
    assert "Kommunfullmäktige" not in json.dumps(world.all_items(), ensure_ascii=False)


@pytest.mark.parametrize(
    ("defaults", "more"),
    [({}, {}), ({"words": True}, {}), ({"vocabulary": "council"}, {"dynamodb.GetItem": 1})],
    ids=["none", "options", "a vocabulary"],
)
def test_an_upload_costs_one_more_read_if_there_is_a_vocabulary_and_none_otherwise(
    defaults: dict[str, Any], more: dict[str, int], world: StepWorld
) -> None:
    keep(world)

    def calls(key: str) -> Counter[str]:
        world.upload(key)
        before = len(world.faults.calls)
        world.serve_queue()
        return Counter(world.faults.calls[before:])

    calls("uploads/alice/first.wav")
    without = calls("uploads/alice/second.wav")
    world.store.clients.set_defaults("alice", defaults)
    assert calls("uploads/alice/third.wav") == without + Counter(more)


def test_a_batch_reads_a_vocabulary_once(world: StepWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(world)
    world.store.clients.set_defaults("alice", {"vocabulary": "council"})
    for number in range(5):
        world.upload(f"uploads/alice/{number}.wav")
    orchestrator = world.orchestrator()
    read: list[tuple[str, str]] = []
    real = orchestrator.store.vocabularies.get

    def get(client_id: str, name: str) -> Vocabulary | None:
        read.append((client_id, name))
        return real(client_id, name)

    monkeypatch.setattr(orchestrator.store.vocabularies, "get", get)
    assert take_batch(orchestrator, world.queue) == []
    assert read == [("alice", "council")]
    assert [job.vocabulary for job in world.jobs("alice")] == [{"words": WORDS, "count": len(WORDS)}] * 5


def test_defaults_lie_with_their_client_and_the_list_says_who_has_some(world: StepWorld) -> None:
    clients = world.store.clients
    clients.register("bob")
    assert clients.set_defaults("alice", DEFAULTS)
    assert lying(world, keys.client("alice"))["defaults"] == DEFAULTS
    assert clients.defaults("alice") == DEFAULTS
    assert [(one.client_id, one.has_defaults) for one in clients.all()] == [("alice", True), ("bob", False)]
    assert clients.set_defaults("alice", {})
    assert "defaults" not in lying(world, keys.client("alice"))
    assert [one.has_defaults for one in clients.all()] == [False, False]


def test_nobody_becomes_a_client_by_defaults(world: StepWorld) -> None:
    assert world.store.clients.set_defaults("bob", DEFAULTS) is False
    assert world.store.clients.defaults("bob") is None
    assert [one.client_id for one in world.store.clients.all()] == ["alice"]
