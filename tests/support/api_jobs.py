"""Jobs made over the API, brought as far as a test needs them."""

from __future__ import annotations

import gzip
import json
from typing import Any

from services.common.domain import object_keys
from services.common.domain.ids import new_id
from services.common.domain.lifecycle.job_changes import Outcome
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.domain.times import SECOND_MS
from services.common.store.codec import encode
from services.common.store.items import item_of
from services.common.transcript import kept_words
from services.common.transcript.transcript import Transcript
from tests.support.gateway import Client
from tests.support.world import BUCKET, TABLE, World

BATCH = 25
"""Most items that DynamoDB takes at a time."""


def create(client: Client, **more: Any) -> dict[str, Any]:
    reply = client.post("/api/jobs", {"file_name": "möte.mp3"} | more)
    assert reply.status == 201, reply.body
    assert reply.headers["location"] == f"/api/jobs/{reply.json['job_id']}"
    found: dict[str, Any] = reply.json
    return found


def uploaded(world: World, client: Client, **more: Any) -> Job:
    """A job whose recording has arrived: it is queued."""
    return world.arrived(create(client, **more)["job_id"])


def finished(world: World, client: Client, outcome: Outcome, **more: Any) -> Job:
    """A job that has ended so."""
    return world.ended(uploaded(world, client, **more), outcome)


def put_many(world: World, count: int, **more: Any) -> list[Job]:
    """As many queued jobs of Alice's, a second apart, newest first; `more`: of each a function of its number."""

    def made(number: int) -> Job:
        usual: dict[str, Any] = {
            "job_id": new_id("job"),
            "client_id": "alice",
            "created_at": world.clock() - number * SECOND_MS,
            "source_key": f"uploads/alice/{number}",
            "status": JobStatus.QUEUED,
            "file_name": f"{number}.mp3",
        }
        return Job(**usual | {field: of(number) for field, of in more.items()})

    jobs = [made(number) for number in range(count)]
    requests: list[Any] = [{"PutRequest": {"Item": encode(item_of(job))}} for job in jobs]
    for first in range(0, count, BATCH):
        world.dynamodb.batch_write_item(RequestItems={TABLE: requests[first : first + BATCH]})
    return jobs


FAILED = Outcome(error={"code": "INTERNAL", "message": "The device broke.", "retryable": True})


def completed(world: World, client: Client, **more: Any) -> Job:
    def file(form: str) -> dict[str, Any]:
        return {"key": f"results/x/1/transcript.{form}", "bytes": 5, "sha256": "0" * 64}

    files = {form: file(form) for form in ("txt", "json")}
    result = {"attempt": 1, "prefix": "results/x/1/", "files": files, "language": "sv", "duration_seconds": 1.5}
    return finished(world, client, Outcome(result=result, cost={"dollars": 0.01}), **more)


def keep_words(world: World, job: Job, words: Transcript | dict[str, Any]) -> None:
    """Keep the words of a completed job, as the worker does; or what another release kept."""
    packed = kept_words.pack(words) if isinstance(words, Transcript) else gzip.compress(json.dumps(words).encode())
    assert job.result
    world.s3.put_object(Bucket=BUCKET, Key=object_keys.words(job.place, job.result["attempt"]), Body=packed)
