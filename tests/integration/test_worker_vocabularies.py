"""A job's vocabulary on its way through a worker: from the record into every part's plan, and into the report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.gpu_worker.engine.plan.plan import Plan
from tests.support.gateway import Client, Gateway
from tests.support.step_engine import WORDS_READ, StepEngine
from tests.support.step_world import StepWorld, step_world
from tests.support.world import BUCKET

WORDS = ["Umeå", "Sävar", "Holmön", "Vännäs", "Åsele", "Lycksele"]


@pytest.fixture(params=[1, 3], ids=["whole", "in parts"])
def world(request: pytest.FixtureRequest) -> Iterator[StepWorld]:
    with step_world(parts=request.param) as made:
        yield made


@pytest.fixture
def client(world: StepWorld) -> Client:
    return Gateway(world, models=("whisper-base",)).client("alice")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The words of the vocabulary with which each part was decoded, in order."""
    found: list[Sequence[str]] = []
    real = StepEngine.decode

    def decode(engine: StepEngine, path: Any, plan: Plan, clips: Any, *arguments: Any, **named: Any) -> Any:
        if clips and path.name == "recording":
            found.append(plan.vocabulary)
        return real(engine, path, plan, clips, *arguments, **named)

    monkeypatch.setattr(StepEngine, "decode", decode)
    return found


def done(world: StepWorld, client: Client, words: list[str]) -> Job:
    """A job that names a vocabulary of these words, which is gone before its recording comes."""
    client.post("/api/vocabularies", {"name": "council", "words": words})
    made = client.post("/api/jobs", {"file_name": "a.wav", "options": {"vocabulary": "council"}}).json
    client.delete("/api/vocabularies/council")
    world.upload(made["upload"]["fields"]["key"])
    world.settle()
    job = world.job(made["job_id"])
    assert job.status is JobStatus.COMPLETED
    return job


def transcript(world: StepWorld, job: Job) -> dict[str, Any]:
    assert job.result
    content = world.s3.get_object(Bucket=BUCKET, Key=job.result["files"]["json"]["key"])["Body"].read()
    found: dict[str, Any] = json.loads(content)
    return found


def test_every_part_is_decoded_with_the_same_words_although_the_vocabulary_is_gone(
    world: StepWorld, client: Client, decoded: list[Sequence[str]]
) -> None:
    done(world, client, WORDS)
    assert decoded == [tuple(WORDS[:WORDS_READ])] * world.parts


def test_what_was_left_out_is_told_once_in_the_job_and_in_the_json(world: StepWorld, client: Client) -> None:
    job = done(world, client, WORDS)
    sentence = "Of the vocabulary's 6 words the model reads the first 2. Left out: Holmön, Vännäs, Åsele, 1 more."
    told = client.get(f"/api/jobs/{job.job_id}").json["quality"]
    written = transcript(world, job)
    assert told["warnings"] == written["quality"]["warnings"] == ["vocabulary_cut"]
    assert told["remarks"] == [{"code": "vocabulary_cut", "message": sentence}]
    assert (written["options"]["vocabulary"], "Lycksele" in json.dumps(written)) == ("council", False)


def test_nothing_is_told_of_a_vocabulary_that_is_read_whole(world: StepWorld, client: Client) -> None:
    assert transcript(world, done(world, client, WORDS[:WORDS_READ]))["quality"]["warnings"] == []
