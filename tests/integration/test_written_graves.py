"""What lies in the table of a job that was erased."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from services.common.domain.events import EventType
from services.common.domain.records import part_name
from services.common.domain.states import JobStatus
from services.common.domain.times import DAY_MS, SECOND_MS
from services.common.domain.tombstone import Tombstone
from services.common.store import keys
from services.common.store.items import item_of
from services.common.store.operations import Put
from services.common.store.tombstones import TAKEN_OVER_MS
from tests.support.world import World
from tests.support.written import NEVER, changed, lying, of_job, put_job, put_part, table

KEY = keys.job("job_1")
COUNTED = {"recording": 0, "results": 0, "work": 0, "records": 0, "items": 3}
UNDUE = {"due_kind": NEVER, "due_at": NEVER}


def test_under_a_jobs_id_lies_the_job_or_its_tombstone_or_nothing(world: World) -> None:
    job, tombstones = put_job(world), world.store.tombstones
    assert tombstones.job_or_tombstone("job_1") == job
    assert tombstones.job_or_tombstone("job_2") is None
    assert tombstones.put(job, world.clock())
    assert tombstones.job_or_tombstone("job_1") == tombstones.get("job_1")
    assert world.store.jobs.get("job_1") is None


def test_a_grave_holds_what_the_sweep_needs_and_nothing_else(world: World) -> None:
    job = put_job(world, upload_expires_at=7, error={"message": "secret"})
    assert world.store.tombstones.put(job, world.clock())
    assert lying(world, KEY) == {
        "pk": "JOB#job_1",
        "sk": "JOB",
        "schema_version": 1,
        "job_id": "job_1",
        "client_id": "alice",
        "erased_at": world.clock(),
        "source_key": job.source_key,
        "source_etag": "etag",
        "upload_expires_at": 7,
        "receipt": {"recording": 0, "results": 0, "work": 0, "records": 0},
        "due_kind": "erasure",
        "due_at": world.clock() + TAKEN_OVER_MS,
        "until": world.clock() + DAY_MS,
        "expires_at": (world.clock() + 3 * DAY_MS) // SECOND_MS,
    }
    later = world.clock() + TAKEN_OVER_MS
    assert [grave.job_id for grave in world.store.tombstones.overdue(later, 10)] == ["job_1"]
    assert list(world.store.tombstones.overdue(later - 1, 10)) == [], "whoever erases it is still at it"
    assert not world.store.tombstones.put(job, world.clock() + 5), "once"
    assert lying(world, KEY)["erased_at"] == world.clock()


def test_nobody_elses_job_is_erased(world: World) -> None:
    job = put_job(world)
    before = of_job(world)
    assert not world.store.tombstones.put(replace(job, client_id="mallory"), world.clock())
    assert of_job(world) == before


def put_grave(world: World, **more: Any) -> Tombstone:
    world.store.tombstones.put(put_job(world, **more), world.clock())
    grave = world.store.tombstones.get("job_1")
    assert grave
    return grave


def settle(world: World, grave: Tombstone, **more: Any) -> Callable[[], None]:
    return lambda: world.store.tombstones.settle(grave, {"items": 3}, **more)


def test_a_grave_that_is_looked_at_again_is_kept_beyond_that(world: World) -> None:
    later = world.clock() + 5 * DAY_MS
    grave = put_grave(world)
    assert changed(world, KEY, settle(world, grave, look_again_at=later, forget=False)) == {
        "receipt": COUNTED,
        "due_at": later,
        "until": later + DAY_MS,
        "expires_at": (later + 3 * DAY_MS) // SECOND_MS,
    }
    again = world.store.tombstones.get("job_1")
    assert again
    assert not again.final


def test_a_grave_that_nobody_looks_at_again_is_due_to_nobody_and_knows_no_name(world: World) -> None:
    grave = put_grave(world)
    assert changed(world, KEY, settle(world, grave, look_again_at=None, forget=True)) == {
        "receipt": COUNTED,
        "source_key": NEVER,
        "source_etag": NEVER,
        **UNDUE,
    }
    last = world.store.tombstones.get("job_1")
    assert last
    assert last.final


@pytest.mark.parametrize("due", [True, False])
def test_a_late_upload_is_counted_and_lets_the_grave_stand_for_another_day(world: World, *, due: bool) -> None:
    grave = put_grave(world)
    if not due:
        settle(world, grave, look_again_at=None, forget=True)()
    later = world.clock() + 3 * DAY_MS
    before = lying(world, KEY)["receipt"]
    assert changed(world, KEY, lambda: world.store.tombstones.count_late(grave, later)) == {
        "receipt": before | {"recording": before["recording"] + 1},
        "until": later + DAY_MS,
        "expires_at": (later + 3 * DAY_MS) // SECOND_MS,
    }


def test_a_grave_never_stands_shorter_than_it_did(world: World) -> None:
    grave = put_grave(world)
    settle(world, grave, look_again_at=world.clock() + DAY_MS, forget=False)()
    longest = world.store.tombstones.get("job_1")
    assert longest
    world.store.tombstones.count_late(longest, world.clock())
    settle(world, longest, look_again_at=world.clock() + 1, forget=False)()
    assert lying(world, KEY)["until"] == longest.until


def test_a_grave_of_an_earlier_release_gets_a_receipt_and_ends_when_it_would_have(world: World) -> None:
    put_grave(world)
    world.change(KEY, receipt=None, until=None)
    grave = world.store.tombstones.get("job_1")
    assert grave
    assert grave.expires_at
    assert grave.covers(grave.expires_at * SECOND_MS)
    assert not grave.covers((grave.expires_at + 1) * SECOND_MS)
    settle(world, grave, look_again_at=None, forget=True)()
    assert lying(world, KEY)["receipt"] == {"items": 3}


def test_a_job_that_lives_gets_no_grave_by_an_upload_or_a_look(world: World) -> None:
    grave = put_grave(world)
    table(world).write(Put(item=item_of(put_job(world))))
    before = of_job(world)
    world.store.tombstones.count_late(grave, world.clock())
    settle(world, grave, look_again_at=None, forget=True)()
    assert of_job(world) == before
    assert world.store.tombstones.get("job_1") is None


def test_a_look_at_a_grave_that_has_crumbled_makes_no_new_one(world: World) -> None:
    grave = put_grave(world)
    settle(world, replace(grave, job_id="job_2", source_etag=None), look_again_at=None, forget=True)()
    assert of_job(world, "job_2") == {}


def test_everything_filed_under_a_job_goes_but_its_grave(world: World) -> None:
    put_grave(world)
    for number in range(60):
        put_part(world, part_id=part_name(number))
    assert world.store.tombstones.delete_items("job_1") == 60
    assert list(of_job(world)) == ["JOB"]


def test_so_many_graves_are_seen_to_at_once_and_no_more(world: World) -> None:
    for name in ("job_1", "job_2"):
        world.store.tombstones.put(put_job(world, name), world.clock())
    assert len(list(world.store.tombstones.overdue(world.clock() + TAKEN_OVER_MS, 1))) == 1


def take_in(world: World, name: str = "job_1") -> bool:
    job = put_job(world, "job_2", job_id=name)
    return world.store.jobs.take_in(job, world.announced(job, EventType.QUEUED), seconds=60.0, due_at=9)


def test_a_grave_whose_last_search_is_over_makes_room_for_a_new_job_and_one_that_is_due_does_not(world: World) -> None:
    grave = put_grave(world)
    before = of_job(world)
    assert not take_in(world)
    assert of_job(world) == before
    settle(world, grave, look_again_at=None, forget=True)()
    assert take_in(world)
    assert world.job("job_1").status is JobStatus.QUEUED
    assert "erased_at" not in lying(world, KEY)
    assert not take_in(world), "a job that is there makes room for none"
