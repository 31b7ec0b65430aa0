"""Items as they lie in the table, and what a write has changed about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.common.domain.records import FIRST_PART, Job, Part
from services.common.domain.states import JobStatus, PartStatus
from services.common.store import keys
from services.common.store.codec import to_item
from services.common.store.items import item_of
from services.common.store.keys import Key
from services.common.store.operations import Put
from services.common.store.table import Table
from tests.support.world import TABLE, World

NEVER = "no such attribute"


def table(world: World) -> Table:
    return Table(world.dynamodb, TABLE)


def lying(world: World, key: Key) -> dict[str, Any]:
    """An item without the name of its last write; empty if there is none."""
    item = table(world).get(key) or {}
    return {name: value for name, value in item.items() if name != "write_id"}


def of_job(world: World, name: str = "job_1") -> dict[str, dict[str, Any]]:
    """All items of a job."""
    return {item["sk"]: lying(world, (item["pk"], item["sk"])) for item in table(world).items(f"JOB#{name}")}


def changed(world: World, key: Key, write: Callable[[], object]) -> Mapping[str, Any]:
    """What a write has made of an item: every attribute that is another now; `NEVER` where it is gone."""
    before = lying(world, key)
    write()
    after = lying(world, key)
    return {name: after.get(name, NEVER) for name in before | after if before.get(name) != after.get(name)}


def put_job(world: World, name: str = "job_1", **more: Any) -> Job:
    """A queued job of Alice's, without its part, as `more` says."""
    job = Job(
        **{
            "job_id": name,
            "client_id": "alice",
            "status": JobStatus.QUEUED,
            "created_at": world.clock(),
            "source_key": f"uploads/alice/{name}/a.mp3",
            "source_etag": "etag",
            "file_name": "a.mp3",
            "times": {"queued": world.clock()},
            **more,
        }
    )
    pk, sk = keys.job(name)
    sort = f"JOB#{job.created_at:013d}#{name}"
    table(world).write(Put(item=to_item(job, pk=pk, sk=sk, sort=sort)))
    return job


def put_part(world: World, name: str = "job_1", part_id: str = FIRST_PART, **more: Any) -> Part:
    """A queued part, as `more` says: with every count and note that an earlier attempt may have left."""
    part = Part(
        **{
            "job_id": name,
            "part_id": part_id,
            "client_id": "alice",
            "status": PartStatus.QUEUED,
            "created_at": world.clock() - 5,
            "seconds": 60,
            "attempt": 2,
            "beat": 7,
            "on_device": True,
            "deaths": 1,
            "losses": 1,
            "progress": 0.25,
            "due_at": world.clock() - 1,
            "not_before": 3,
            "expires_at": 2_000_000_000,
            **more,
        }
    )
    table(world).write(Put(item=item_of(part)))
    return part


def put_running(world: World, name: str = "job_1", **of_job: Any) -> tuple[Job, Part]:
    """A running job of one part."""
    job = put_job(world, name, **({"status": JobStatus.RUNNING} | of_job))
    return job, put_part(world, name, status=PartStatus.RUNNING, owner="worker", parts=job.parts)


def key_of(part: Part) -> Key:
    return keys.part(part.job_id, part.part_id)
