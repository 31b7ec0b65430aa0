"""An object lives as long as its job: what belongs to none any more is deleted, and nothing else ever is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.common.domain.ids import upload_job_id
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.common.domain.times import DAY_MS
from services.common.domain.walk import Walk, jobs_named_by
from services.orchestrator import leftovers
from services.orchestrator.leftovers import Leftovers
from tests.support.api_jobs import put_many
from tests.support.aws_requests import requests_of
from tests.support.faults import Mode, aws_error
from tests.support.measured import measuring
from tests.support.world import BUCKET, TABLE, World, dated_by, emulated

DAYS = 30
PLAIN, OF_THE_API = "uploads/möte.mp3", "uploads/alice/job_a/möte.mp3"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with emulated(monkeypatch) as made, dated_by(made.clock):
        yield made


def put(world: World, *keys: str) -> str:
    """Put objects; returns the ETag of the last one."""
    for key in keys:
        etag = world.s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())["ETag"]
    return etag.strip('"')


def put_job(world: World, job_id: str, key: str = PLAIN) -> Job:
    (job,) = put_many(world, 1, job_id=lambda _: job_id, source_key=lambda _: key, status=lambda _: JobStatus.COMPLETED)
    return job


def lying(world: World) -> set[str]:
    return {entry["Key"] for entry in world.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def walk(world: World, *, pages: int = 1_000) -> int:
    """What a sweep does of the walk; returns how many objects it deleted."""
    time_for = iter([True] * pages + [False])
    return Leftovers(world.store, world.s3, BUCKET, DAYS).run(world.now, lambda: next(time_for))


def pass_days(world: World, days: int) -> None:
    world.clock.pass_(days * DAY_MS)


def test_recordings_and_results_without_a_job_are_deleted_once_they_are_old(world: World) -> None:
    old = {PLAIN, OF_THE_API, "results/job_b/1/transcript.txt", "results/job_b/corrections/1.json"}
    put(world, *old)
    pass_days(world, DAYS)
    assert walk(world) == 0
    assert lying(world) == old
    pass_days(world, 1)
    put(world, "uploads/new.mp3", "models/a/model.bin", "artifacts/worker.zip")
    assert walk(world) == len(old)
    assert lying(world) == {"uploads/new.mp3", "models/a/model.bin", "artifacts/worker.zip"}


def test_whatever_belongs_to_a_job_lives_as_long_as_the_job(world: World) -> None:
    plain = put_job(world, upload_job_id(BUCKET, PLAIN, put(world, PLAIN)))
    put(world, OF_THE_API, f"results/{plain.job_id}/1/words.json.gz", "results/job_a/corrections/7.json")
    put_job(world, "job_a", OF_THE_API)
    kept = lying(world)
    pass_days(world, 5 * DAYS)
    assert walk(world) == 0
    assert lying(world) == kept
    world.dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": "JOB#job_a"}, "sk": {"S": "JOB"}})
    pass_days(world, 1)
    assert walk(world) == 2
    assert lying(world) == {PLAIN, f"results/{plain.job_id}/1/words.json.gz"}


def test_an_upload_in_the_folder_of_a_job_is_kept_with_that_job_under_any_name(world: World) -> None:
    put(world, "uploads/alice/job_a/another name.mp3")
    put_job(world, "job_a", OF_THE_API)
    pass_days(world, 2 * DAYS)
    assert walk(world) == 0


def test_what_another_release_wrote_counts_as_a_job(world: World) -> None:
    put(world, OF_THE_API)
    put_job(world, "job_a", OF_THE_API)
    world.change(("JOB#job_a", "JOB"), schema_version=99)
    pass_days(world, 2 * DAYS)
    assert walk(world) == 0
    assert lying(world) == {OF_THE_API}


def test_a_tombstone_counts_as_a_job_since_its_erasure_looks_after_the_objects(world: World) -> None:
    put(world, "results/job_a/1/transcript.txt")
    assert world.store.tombstones.put(put_job(world, "job_a"), world.now)
    pass_days(world, 2 * DAYS)
    assert walk(world) == 0


@pytest.mark.parametrize("content", [b"new", PLAIN.encode()], ids=["another", "the-same"])
def test_a_recording_that_is_uploaded_again_after_it_was_listed_stays(
    world: World, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """Also before its job is there, and if it is the same bytes, which have the same ETag."""
    put(world, PLAIN)
    pass_days(world, 2 * DAYS)
    found = Leftovers._is_there

    def replaced(self: Leftovers, job_id: str) -> bool:
        there = found(self, job_id)
        world.s3.put_object(Bucket=BUCKET, Key=PLAIN, Body=content)
        return there

    monkeypatch.setattr(Leftovers, "_is_there", replaced)
    assert walk(world) == 0
    assert lying(world) == {PLAIN}


def test_there_is_one_walk_a_day(world: World) -> None:
    put(world, PLAIN)
    pass_days(world, 2 * DAYS)
    assert (walk(world), walk(world)) == (1, 0)
    put(world, PLAIN)
    world.clock.pass_(DAY_MS - world.now % DAY_MS)
    seen = world.store.fleet.walk()
    assert walk(world) == 0
    assert world.store.fleet.walk() != seen


def test_a_walk_that_has_no_time_goes_on_where_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "PAGE", 2)
    put(world, *(f"results/job_{letter}/1/transcript.txt" for letter in "abc"), *(f"uploads/{one}" for one in "abc"))
    pass_days(world, 2 * DAYS)
    assert [walk(world, pages=1) for _ in range(5)] == [2, 1, 2, 1, 0]
    assert lying(world) == set()


@pytest.mark.parametrize("mode", [Mode.BEFORE, Mode.AFTER])
def test_a_walk_that_dies_goes_on_with_the_page_that_it_had_begun(world: World, mode: Mode) -> None:
    for at in itertools.count():
        put(world, PLAIN, "results/job_b/1/transcript.txt")
        pass_days(world, 2 * DAYS)
        with world.faults.dying(at, mode):
            walk(world)
        died = world.faults.happened
        walk(world)
        assert lying(world) == set()
        if not died:
            break
    assert at > 5


def test_what_another_deletes_at_the_same_moment_is_no_failure(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put(world, PLAIN, "uploads/other.mp3")
    pass_days(world, 2 * DAYS)
    found = Leftovers._is_there

    def deleted(self: Leftovers, job_id: str) -> bool:
        world.s3.delete_object(Bucket=BUCKET, Key=PLAIN)
        return found(self, job_id)

    monkeypatch.setattr(Leftovers, "_is_there", deleted)
    with capture_logs() as logs:
        assert walk(world) == 1
    assert logs == [{"event": "leftovers.deleted", "log_level": "info", "objects": 1, "left": 0}]


@pytest.mark.parametrize("failing", ["s3.DeleteObject", "s3.DeleteObjects"])
def test_what_s3_refuses_to_delete_is_tried_the_next_day_and_keeps_nothing_else(world: World, failing: str) -> None:
    put(world, PLAIN, "uploads/other.mp3", "results/job_a/1/transcript.txt", "results/job_b/1/transcript.txt")
    pass_days(world, 2 * DAYS)

    def refuse(call: str) -> None:
        if call == failing:
            raise aws_error("AccessDenied", failing, status=403)

    world.faults.refuse = refuse
    with world.faults.watching(), capture_logs() as logs:
        assert walk(world) == 2
    assert [line["event"] for line in logs].count("leftovers.failed") == 2
    assert [line["left"] for line in logs if line["event"] == "leftovers.deleted"] in ([2, 0], [0, 2])
    pass_days(world, 1)
    assert walk(world) == 2
    assert lying(world) == set()


def test_a_single_result_that_s3_refuses_to_delete_is_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put(world, "results/job_a/1/transcript.json", "results/job_a/1/transcript.txt")
    pass_days(world, 2 * DAYS)
    refused = {"Errors": [{"Key": "results/job_a/1/transcript.json", "Code": "InternalError"}]}
    monkeypatch.setattr(world.s3, "delete_objects", lambda **_: refused)
    with capture_logs() as logs:
        assert walk(world) == 1
    assert [(line["objects"], line["left"]) for line in logs] == [(1, 1)]


def test_the_walk_needs_no_right_to_read_results(world: World) -> None:
    """Nor to write anything: what it asks of S3 is what the orchestrator's role may do (`policy.tf`)."""
    put(world, PLAIN, OF_THE_API, "results/job_a/1/transcript.txt", "results/job_b/1/transcript.txt")
    pass_days(world, 2 * DAYS)
    asked: set[tuple[str, str]] = set()

    def note(params: dict[str, Any], event_name: str, **_: Any) -> None:
        for request in requests_of("s3", event_name.rsplit(".", 1)[-1], params):
            folder = [*request.resource.split("/"), ""][1]
            asked.add((request.action, folder))

    world.s3.meta.events.register("provide-client-params.s3.*", note)
    try:
        assert walk(world) == 4
    finally:
        world.s3.meta.events.unregister("provide-client-params.s3.*", note)
    assert asked == {
        ("s3:ListBucket", ""),
        ("s3:GetObject", "uploads"),
        ("s3:DeleteObject", "uploads"),
        ("s3:DeleteObject", "results"),
    }


def test_two_sweeps_at_once_delete_the_same_and_one_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "PAGE", 2)
    put(world, *(f"results/job_{letter}/1/transcript.txt" for letter in "abc"), *(f"uploads/{one}" for one in "abc"))
    plain = put_job(world, upload_job_id(BUCKET, PLAIN, put(world, PLAIN)))
    pass_days(world, 2 * DAYS)
    found = Leftovers._is_there
    others: list[int] = []

    def overtaken(self: Leftovers, job_id: str) -> bool:
        if not others:
            others.append(0)
            others[0] = walk(world)
        return found(self, job_id)

    monkeypatch.setattr(Leftovers, "_is_there", overtaken)
    walk(world)
    assert others[0] == 6
    assert lying(world) == {plain.source_key}
    after = world.store.fleet.walk()
    assert after
    assert (after.cursor, after.began) == ("", world.now)


def test_what_two_sweeps_at_once_cannot_delete_is_measured_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put(world, "results/job_a/1/transcript.json", "results/job_a/1/transcript.txt")
    pass_days(world, 2 * DAYS)
    others: list[int] = []

    def refuse(*, Delete: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803 - boto3's name
        if not others:
            others.append(0)
            walk(world)
        return {"Errors": Delete["Objects"]}

    monkeypatch.setattr(world.s3, "delete_objects", refuse)
    with measuring() as measured:
        walk(world)
    assert others, "the other sweep came first"
    assert measured.values("Undeleted") == [2]


def test_a_walk_moves_on_only_from_where_it_was_read(world: World) -> None:
    put(world, PLAIN)
    pass_days(world, 2 * DAYS)
    seen = world.store.fleet.walk()
    assert walk(world) == 1
    assert not world.store.fleet.move_walk(seen, Walk(cursor="results/", began=world.now))


@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("uploads/a.mp3", {"job_made"}),
        ("uploads/alice/a.mp3", {"job_made"}),
        ("uploads/alice/job_x/a.mp3", {"job_made", "job_x"}),
        ("results/job_x/1/transcript.txt", {"job_x"}),
        ("results/job_x/upload-2/1/transcript.txt", {"job_x"}),
    ],
)
def test_every_job_that_a_key_may_name_is_looked_for(key: str, named: set[str]) -> None:
    assert jobs_named_by(key, "job_made") == named
