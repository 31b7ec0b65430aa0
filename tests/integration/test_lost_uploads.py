"""The hourly search finds every upload whose event was lost, and does not read for ever what is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.domain.ids import upload_job_id
from services.common.domain.states import JobStatus
from services.common.domain.times import DAY_MS, HOUR_MS, MINUTE_MS
from services.orchestrator import reconciliation
from services.orchestrator.reconciliation import YOUNG_MS
from tests.support.api_jobs import put_many
from tests.support.faults import Crash, aws_error
from tests.support.step_world import StepWorld, step_world
from tests.support.world import BUCKET, TABLE, dated_by

KEPT = 250
"""Recordings of past days, more than a page of the search."""
NEW = 3


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world() as made, dated_by(made.clock):
        yield made


def put(world: StepWorld, name: str, *, begun: int = 0) -> None:
    """Put an object whose event is lost; `begun`: milliseconds for which its upload has lasted."""
    world.now -= begun
    world.s3.put_object(Bucket=BUCKET, Key=f"uploads/{name}", Body=name.encode())
    world.now += begun


def search(world: StepWorld, *, pages: int = 1_000) -> int:
    """Search in the next hour; returns how many were found."""
    world.now = (world.now // HOUR_MS + 1) * HOUR_MS
    return go_on(world, pages=pages)


def go_on(world: StepWorld, *, pages: int = 1_000) -> int:
    time_for = iter([True] * pages + [False])
    return world.orchestrator().reconciliation.run(world.now, lambda: next(time_for))


def reads(world: StepWorld, expected: int) -> int:
    """The reads of the table that a search takes which finds so many."""
    start = len(world.faults.calls)
    with world.faults.watching():
        assert search(world) == expected
    return sum(call.startswith("dynamodb.Get") for call in world.faults.calls[start:])


def keep(world: StepWorld, count: int) -> None:
    """Recordings of some days ago, each with its completed job."""

    def key(number: int) -> str:
        return f"uploads/kept-{number:04}"

    etags = [
        world.s3.put_object(Bucket=BUCKET, Key=key(number), Body=b"a")["ETag"].strip('"') for number in range(count)
    ]
    put_many(
        world,
        count,
        job_id=lambda number: upload_job_id(BUCKET, key(number), etags[number]),
        source_key=key,
        source_etag=lambda number: etags[number],
        source_modified=lambda _: world.now,
        status=lambda _: JobStatus.COMPLETED,
    )
    world.now += 3 * DAY_MS


def test_kept_recordings_are_read_once_a_day_and_new_ones_when_they_come(world: StepWorld) -> None:
    keep(world, KEPT)
    assert reads(world, 0) >= KEPT
    for number in range(NEW):
        put(world, f"new-{number}")
    assert reads(world, NEW) < KEPT / 10
    assert reads(world, 0) < KEPT / 10
    for _ in range(3, 23):
        search(world)
    assert reads(world, 0) < KEPT / 10
    assert reads(world, 0) >= KEPT, "a day has passed since the first"


@pytest.mark.parametrize("begun", [0, HOUR_MS - MINUTE_MS])
def test_an_event_that_was_lost_is_made_up_for_within_the_hour_if_its_upload_took_less(
    world: StepWorld, begun: int
) -> None:
    assert search(world) == 0
    world.now += HOUR_MS - YOUNG_MS - 1
    put(world, "late", begun=begun)
    first = search(world)
    assert first + search(world) == 1


def test_an_upload_in_parts_that_took_five_hours_and_whose_event_was_lost_is_found_within_a_day(
    world: StepWorld,
) -> None:
    assert search(world) == 0
    assert search(world) == 0
    put(world, "long", begun=5 * HOUR_MS)
    assert [search(world) for _ in range(23)] == [0] * 22 + [1]


def test_what_could_not_be_taken_in_is_looked_at_again_an_hour_later(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert search(world) == 0
    put(world, "unlucky")
    world.now += 2 * HOUR_MS

    def throttled(*_: object) -> None:
        raise aws_error("ProvisionedThroughputExceededException", "GetItem")

    orchestrator = world.orchestrator()
    monkeypatch.setattr(orchestrator.intake, "_judged", throttled)
    for _ in range(3):
        world.now += HOUR_MS
        assert orchestrator.reconciliation.run(world.now, lambda: True) == 0
    assert search(world) == 1


def test_a_search_without_time_goes_on_where_it_was_and_counts_only_at_its_end(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "PAGE", 2)
    assert search(world) == 0
    for number in range(5):
        put(world, f"{number}")
    world.now += 2 * HOUR_MS
    assert search(world, pages=0) == 0
    assert search(world, pages=1) == 2
    remembered = world.store.fleet.search()
    assert remembered
    assert remembered.last < remembered.began
    world.now += 3 * HOUR_MS + 30 * MINUTE_MS
    assert go_on(world, pages=1) == 2
    put(world, "0-behind-the-cursor", begun=YOUNG_MS)
    assert go_on(world) == 1
    assert search(world) == 1, "what came behind the cursor"


def test_of_two_sweeps_that_begin_a_search_at_once_one_goes_on_and_nothing_is_lost(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "PAGE", 2)
    for number in range(7):
        put(world, f"{number}")
    world.now = (world.now // HOUR_MS + 1) * HOUR_MS
    first, second = world.orchestrator(), world.orchestrator()
    real = first.intake.take
    found: list[int] = []

    def slow(uploads: object, now: int) -> object:
        if not found:
            found.append(0)
            found[0] = second.reconciliation.run(now + 1, lambda: True)
        return real(uploads, now)  # type: ignore[arg-type] # as the real one

    monkeypatch.setattr(first.intake, "take", slow)
    assert first.reconciliation.run(world.now, lambda: True) + found[0] == 7
    remembered = world.store.fleet.search()
    assert remembered
    assert remembered.last == world.now + 1
    assert len(world.jobs()) == 7


def test_a_search_that_dies_is_not_a_completed_one(world: StepWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    assert search(world) == 0
    before = world.store.fleet.search()
    put(world, "lost")
    world.now += HOUR_MS
    orchestrator = world.orchestrator()

    def die(*_: object) -> None:
        raise Crash

    monkeypatch.setattr(orchestrator.intake, "take", die)
    world.now = (world.now // HOUR_MS + 1) * HOUR_MS
    with pytest.raises(Crash):
        orchestrator.reconciliation.run(world.now, lambda: True)
    assert world.store.fleet.search() == before
    assert search(world) == 1


def test_the_cursor_that_version_0_1_0_left_is_gone_on_with_and_a_search_of_everything_follows(
    world: StepWorld,
) -> None:
    for name in ("a", "z"):
        put(world, name, begun=10 * DAY_MS)
    world.dynamodb.put_item(
        TableName=TABLE,
        Item={"pk": {"S": "FLEET"}, "sk": {"S": "SEARCH"}, "cursor": {"S": "uploads/m"}, "schema_version": {"N": "1"}},
    )
    assert go_on(world) == 1
    assert search(world) == 1
    remembered = world.store.fleet.search()
    assert remembered
    assert remembered.last_full == world.now
