"""Jobs and parts as a test of the store arranges them: `job_1` of alice, as far as it is needed."""

from __future__ import annotations

from services.common.domain import object_keys
from services.common.domain.events import EventType
from services.common.domain.records import Job, Part, part_name
from services.common.domain.states import JobStatus
from services.common.domain.times import MINUTE_MS
from services.common.store.jobs import creation
from tests.support.world import World


def awaited(world: World, job_id: str = "job_1") -> Job:
    """A job whose upload must come within a minute."""
    job = Job(
        job_id=job_id,
        client_id="alice",
        status=JobStatus.AWAITING_UPLOAD,
        created_at=world.clock(),
        source_key=object_keys.upload("alice", job_id, "a.wav"),
        file_name="a.wav",
        upload_expires_at=world.clock() + MINUTE_MS,
        times={"created": world.clock()},
    )
    world.store.commit([creation(job)])
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
    """Claim a part for this worker, for a minute."""
    job = job_of(world, part.job_id)
    lease_ends = world.clock() + MINUTE_MS
    mine = world.store.leases.claim(part, job, owner=owner, lease_ends=lease_ends, started=None, times={})
    assert mine
    return mine


def two_parts(world: World) -> tuple[Part, Part]:
    """A recording that was cut in two, each with a worker of its own."""
    running, first = world.claimed(queued(world))
    mine = world.store.leases.split(first, running, [10.0, 20.0], due_at=world.clock())
    return mine, claim(world, part_of(world, 1), "neighbour")


def told(world: World, kind: EventType, job_id: str = "job_1") -> int:
    """How many events of this type a job has."""
    return sum(item.get("type") == kind.value for item in world.all_items() if item["pk"] == f"JOB#{job_id}")
