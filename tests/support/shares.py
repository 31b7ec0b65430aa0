"""Shares for tests: whoever a route is for, with a token or a key."""

from __future__ import annotations

from typing import Any

from services.common.domain.records import Job
from tests.support.api_jobs import completed
from tests.support.gateway import Client
from tests.support.world import World

SHARED = "/api/shared"
"""How the addresses begin that a share's token opens."""


def share(client: Client, job: Job, **wanted: Any) -> dict[str, Any]:
    """A new share of a completed job, with its token."""
    reply = client.post(f"/api/jobs/{job.job_id}/shares", wanted)
    assert reply.status == 201, reply.body
    made: dict[str, Any] = reply.json
    return made


def editor(world: World, client: Client) -> Client:
    """Who holds a share, to correct, of a completed job of the client's."""
    return Client(client.gateway, share(client, completed(world, client), right="correct")["token"])


def who_may(path: str, world: World, client: Client) -> Client:
    """Who may use an address: the client, or who holds a share of one of its jobs."""
    return editor(world, client) if path.startswith(SHARED) else client
