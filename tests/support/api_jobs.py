"""Jobs made over the API, brought as far as a test needs them."""

from __future__ import annotations

from typing import Any

from services.common.domain.lifecycle.job_changes import Outcome
from services.common.domain.records import Job
from tests.support.gateway import Client
from tests.support.world import World


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


FAILED = Outcome(error={"code": "INTERNAL", "message": "The device broke.", "retryable": True})


def completed(world: World, client: Client, **more: Any) -> Job:
    def file(form: str) -> dict[str, Any]:
        return {"key": f"results/x/1/transcript.{form}", "bytes": 5, "sha256": "0" * 64}

    files = {form: file(form) for form in ("txt", "json")}
    result = {"attempt": 1, "prefix": "results/x/1/", "files": files, "language": "sv", "duration_seconds": 1.5}
    return finished(world, client, Outcome(result=result, cost={"dollars": 0.01}), **more)
