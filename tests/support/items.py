"""The table's items as they lie there, and changed behind the store's back: what somebody else may have done."""

from __future__ import annotations

from typing import Any, Protocol

from services.common.aws import Aws
from services.common.domain import objects
from services.common.domain.clock import MINUTE
from services.common.domain.events import EventType
from services.common.domain.records import Job, Part, part_name
from services.common.domain.states import JobStatus
from services.common.store.codec import attribute, decode
from services.common.store.table import Key
from services.local import resources
from tests.support.world import World


class Deployment(Protocol):
    """Any that a test makes."""

    @property
    def aws(self) -> Aws: ...


def alter(world: Deployment, key: Key, **changes: object) -> None:
    """Set these attributes of an item, and no others; None takes one away."""
    pk, sk = key
    names = {f"#{number}": name for number, name in enumerate(changes)}
    values = {f":{number}": attribute(value) for number, value in enumerate(changes.values()) if value is not None}
    setting = [f"#{number} = :{number}" for number, value in enumerate(changes.values()) if value is not None]
    removing = [f"#{number}" for number, value in enumerate(changes.values()) if value is None]
    clauses = [("SET", setting), ("REMOVE", removing)]
    how: dict[str, Any] = {
        "UpdateExpression": " ".join(f"{verb} {', '.join(entries)}" for verb, entries in clauses if entries),
        "ExpressionAttributeNames": names,
    }
    if values:
        how["ExpressionAttributeValues"] = values
    world.aws.dynamodb().update_item(TableName=resources.TABLE, Key={"pk": {"S": pk}, "sk": {"S": sk}}, **how)


def everything(world: Deployment) -> list[dict[str, Any]]:
    """All items, in an order of their own."""
    items = [decode(item) for item in world.aws.dynamodb().scan(TableName=resources.TABLE)["Items"]]
    return sorted(items, key=lambda item: (item["pk"], item["sk"]))


def awaited(world: World, job_id: str = "job_1") -> Job:
    """A job whose upload must come within a minute."""
    job = Job(
        job_id=job_id,
        client_id="alice",
        status=JobStatus.AWAITING_UPLOAD,
        created_at=world.clock(),
        source_key=objects.upload("alice", job_id, "a.wav"),
        file_name="a.wav",
        upload_expires_at=world.clock() + MINUTE,
        times={"created": world.clock()},
    )
    world.store.jobs.await_upload(job)
    return job


def queued(world: World, job_id: str = "job_1") -> Job:
    """A job whose recording has arrived."""
    return world.arrived(awaited(world, job_id).job_id)


def job_of(world: World, job_id: str = "job_1") -> Job:
    job = world.store.jobs.get(job_id)
    assert job
    return job


def part_of(world: World, number: int = 0, job_id: str = "job_1") -> Part:
    part = world.store.parts.get(job_id, part_name(number))
    assert part
    return part


def claim(world: World, part: Part, owner: str = "worker") -> Part:
    """The part is this worker's for a minute."""
    job = job_of(world, part.job_id)
    lease_ends = world.clock() + MINUTE
    mine = world.store.parts.claim(part, job, owner=owner, lease_ends=lease_ends, started=None, times={})
    assert mine
    return mine


def two_parts(world: World) -> tuple[Part, Part]:
    """A recording that was cut in two, each with a worker of its own."""
    running, first = world.claimed(queued(world))
    mine = world.store.parts.split(first, running, [10.0, 20.0], due_at=world.clock())
    return mine, claim(world, part_of(world, 1), "neighbour")


def told(world: World, kind: EventType, job_id: str = "job_1") -> int:
    """How often this has been announced of a job."""
    return sum(item.get("type") == kind.value for item in everything(world) if item["pk"] == f"JOB#{job_id}")
