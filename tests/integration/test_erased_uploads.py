"""What is uploaded for an erased job is erased too, for a day and more; afterwards it is a new recording."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.domain.states import JobStatus
from services.common.domain.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from services.common.domain.tombstone import Tombstone
from services.common.erasure import SECOND_LOOK_MS, Erasure
from services.common.store.tombstones import LINGER_MS, TOMBSTONE_MS
from tests.support.step_world import StepWorld, step_world
from tests.support.uploads import OTHER, PLAIN, registered
from tests.support.world import BUCKET


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world() as made:
        made.listen()
        yield made


@pytest.fixture
def erased(world: StepWorld) -> str:
    """A plain upload was transcribed and erased, the last search is over; its id."""
    world.upload()
    world.settle()
    (job,) = world.jobs()
    world.erase(job)
    world.settle()
    assert grave(world, job.job_id).final
    return job.job_id


def grave(world: StepWorld, job_id: str) -> Tombstone:
    found = world.store.tombstones.get(job_id)
    assert found
    return found


def keys(world: StepWorld) -> list[str]:
    return [entry["Key"] for entry in world.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def removed(world: StepWorld, job_id: str) -> int:
    """Recordings, as the receipt counts them."""
    receipt = grave(world, job_id).receipt
    assert receipt
    return int(receipt["recording"])


def test_a_plain_upload_that_comes_again_is_erased_again_and_counted(world: StepWorld, erased: str) -> None:
    for count in (2, 3):
        world.now += HOUR_MS
        world.upload()
        world.settle()
        assert (keys(world), world.jobs(), removed(world, erased)) == ([], [], count)
    until = grave(world, erased).until
    assert until
    assert until >= world.now + DAY_MS - HOUR_MS, "it stands for a day beyond the last upload"


def test_what_s3_tells_nobody_of_is_found_by_the_search_and_erased(world: StepWorld, erased: str) -> None:
    world.upload()
    world.queue.clear()
    world.age(HOUR_MS)
    world.settle()
    assert (keys(world), world.jobs(), removed(world, erased)) == ([], [], 2)


def test_what_came_in_the_tombstones_last_minute_is_no_job_a_day_later(world: StepWorld, erased: str) -> None:
    until = grave(world, erased).until
    assert until
    world.now = until - MINUTE_MS
    world.upload()
    world.queue.clear()
    world.age(LINGER_MS - 2 * HOUR_MS)  # as late as a search may come that was held up
    world.settle()
    assert (keys(world), world.jobs()) == ([], [])
    for _ in range(3):
        world.age(DAY_MS)
        world.settle()
    assert (keys(world), world.jobs()) == ([], [])


def test_a_slow_upload_in_parts_that_the_daily_search_alone_finds_is_erased_too(world: StepWorld, erased: str) -> None:
    until = grave(world, erased).until
    assert until
    world.now = until + 4 * HOUR_MS
    world.age(0)
    world.settle()
    searched, world.now = world.now, until - MINUTE_MS
    world.upload()  # is dated when it began, and ended after the search
    world.queue.clear()
    world.now = searched
    world.age(DAY_MS - HOUR_MS)
    world.settle()
    assert (keys(world), world.jobs()) == ([], [])


@pytest.mark.parametrize("late", [SECOND_MS, LINGER_MS + DAY_MS])
@pytest.mark.parametrize("told", [True, False])
def test_what_s3_dates_after_the_tombstones_end_is_a_new_recording(
    world: StepWorld, erased: str, *, late: int, told: bool
) -> None:
    """Also while the tombstone still lies there; and its events are not taken for those of the one before."""
    before = set(world.received)
    until = grave(world, erased).until
    assert until
    world.now = until + late
    world.age(0)
    assert (world.store.tombstones.get(erased) is None) is (late > LINGER_MS)
    world.upload()
    if not told:
        world.queue.clear()
        world.age(HOUR_MS)
    world.settle()
    (job,) = world.jobs()
    assert (job.job_id, job.status, job.generation) == (erased, JobStatus.COMPLETED, 0)
    assert keys(world).count(PLAIN) == 1
    new = {event["event_id"] for event in world.events(job)}
    assert len(new) == 3
    assert not new & before


def test_another_recording_under_an_erased_plain_key_is_a_job_of_its_own(world: StepWorld, erased: str) -> None:
    world.upload(PLAIN, OTHER)
    world.settle()
    (job,) = world.jobs()
    assert (job.job_id != erased, job.status) == (True, JobStatus.COMPLETED)
    assert PLAIN in keys(world)


def test_whatever_is_put_into_an_erased_jobs_folder_is_erased(world: StepWorld) -> None:
    job = registered(world)
    world.upload(job.source_key)
    world.settle()
    world.erase(job)
    world.settle()
    world.now += SECOND_MS
    for key, content in ((job.source_key, OTHER), (f"{job.source_key}.part", OTHER)):
        world.upload(key, content)
        world.settle()
    assert (keys(world), world.jobs(), removed(world, job.job_id)) == ([], [], 3)


def test_what_lay_at_an_erased_jobs_key_goes_with_it_unless_it_is_a_job_of_its_own(world: StepWorld) -> None:
    for name, becomes_a_job in (("one", False), ("two", True)):
        job = registered(world, name)
        world.upload(job.source_key)
        world.settle()
        world.upload(job.source_key, OTHER)
        if not becomes_a_job:
            world.queue.clear()
        world.settle()
        world.erase(job)
        world.tell(job.source_key)
        world.settle()
        assert (job.source_key in keys(world)) is becomes_a_job
        assert removed(world, job.job_id) == (0 if becomes_a_job else 1)
    assert [job.status for job in world.jobs()] == [JobStatus.COMPLETED]


def test_what_comes_during_a_search_is_counted_beside_what_the_search_finds(world: StepWorld, erased: str) -> None:
    seen = grave(world, erased)
    world.upload()
    world.serve_queue()
    Erasure(world.store, world.s3, BUCKET).finish(seen, world.now)
    assert (keys(world), removed(world, erased), grave(world, erased).final) == ([], 2, True)


def test_of_several_files_in_an_erased_jobs_folder_none_is_left(world: StepWorld) -> None:
    job = registered(world)
    world.erase(job)
    for number in range(5):
        world.upload(f"{job.source_key}.{number}", OTHER)
    world.settle()
    assert (keys(world), removed(world, job.job_id)) == ([], 5)


def test_a_new_recording_is_not_deleted_by_a_search_that_was_held_up(world: StepWorld) -> None:
    """Longer than the tombstone stands; then the new one has to wait for the end of the search, and no longer."""
    world.upload()
    world.settle()
    (job,) = world.jobs()
    world.erase(job)
    until = grave(world, job.job_id).until
    assert until
    world.now = until + MINUTE_MS
    world.upload()
    world.serve_queue()
    assert (world.jobs(), len(world.queue)) == ([], 1), "S3's message comes again"
    world.settle()
    (new,) = world.jobs()
    assert (new.job_id, new.status) == (job.job_id, JobStatus.COMPLETED)


def test_an_event_that_comes_when_the_tombstone_is_gone_makes_no_job_of_what_was_erased(
    world: StepWorld, erased: str
) -> None:
    world.age(LINGER_MS + 2 * DAY_MS)
    assert world.store.tombstones.get(erased) is None
    world.tell()
    world.settle()
    assert world.jobs() == []


def test_an_event_of_what_was_erased_long_ago_does_not_prolong_the_tombstone(world: StepWorld, erased: str) -> None:
    before = grave(world, erased)
    world.now += HOUR_MS
    world.tell()
    world.settle()
    assert grave(world, erased) == before


def test_the_tombstone_stands_for_a_day_and_is_kept_for_the_search_for_two_more(world: StepWorld) -> None:
    world.upload()
    world.serve_queue()
    (job,) = world.jobs()
    world.erase(job)
    last_search = world.now + SECOND_LOOK_MS
    (item,) = [item for item in world.all_items() if item["pk"] == f"JOB#{job.job_id}"]
    assert item["until"] == last_search + TOMBSTONE_MS
    assert item["expires_at"] == (last_search + TOMBSTONE_MS + LINGER_MS) // SECOND_MS


def test_a_recording_that_a_search_did_not_find_is_looked_for_again_and_erased(world: StepWorld) -> None:
    """Its key is kept until then: this search looked elsewhere."""
    world.upload()
    world.settle()
    (job,) = world.jobs()
    world.s3.create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
    first = Erasure(world.store, world.s3, "elsewhere").erase(job, world.now)
    assert first
    assert (first.final, first.source_key) == (False, job.source_key)
    world.now += SECOND_LOOK_MS
    world.settle()
    assert (keys(world), removed(world, job.job_id), grave(world, job.job_id).final) == ([], 1, True)
    assert grave(world, job.job_id).source_key is None
