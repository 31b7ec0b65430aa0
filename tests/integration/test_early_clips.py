"""Clips that were decoded before it was known of which part they are: nothing is lost, and nothing done twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from services.common.domain.records import part_name
from services.common.domain.states import JobStatus
from services.gpu_worker.engine.processes.device_link import DeviceDiedError
from services.gpu_worker.part.files import Files
from services.gpu_worker.queue.worker import Worker
from tests.crash.invariants import violations
from tests.support.faults import Crash
from tests.support.step_world import StepWorld, step_world
from tests.support.world import BUCKET

EARLY = 5
"""Of six: both clips of the first part and of the second, and one of the third."""


@pytest.fixture
def world() -> Iterator[StepWorld]:
    """A deployment whose recordings have three parts of two clips, and whose workers save each clip as it is done."""
    with step_world(parts=3, early=EARLY) as made:
        made.listen()
        made.worker_settings = made.worker_settings.model_copy(update={"checkpoint_seconds": 0})
        yield made


def decoded(world: StepWorld) -> Counter[int]:
    return Counter(clip for engine in world.engines for clip in engine.decoded)


def once(world: StepWorld) -> Counter[int]:
    return Counter(range(world.parts * 2))


def test_workers_of_later_parts_find_what_was_decoded_before_the_split(world: StepWorld) -> None:
    world.upload()
    world.settle()
    assert decoded(world) == once(world)
    assert violations(world, {"completed"}) == []


def test_what_was_decoded_before_the_split_is_stored_before_anybody_may_take_a_part(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by a worker whose checkpoints are minutes apart."""
    world.worker_settings = world.worker_settings.model_copy(update={"checkpoint_seconds": 600})
    seen: list[set[int]] = []

    def at_a_clip(_: Worker) -> None:
        (job,) = world.jobs()
        if job.parts > 1:
            seen.append(set(Files(world.s3, BUCKET).checkpoints(job.place, part_name(0))))

    world.each_clip = at_a_clip
    world.upload()
    world.settle()
    assert seen[0] == set(range(EARLY))
    assert decoded(world) == once(world)


def test_no_progress_is_told_before_it_is_known_how_long_a_recording_is(world: StepWorld) -> None:
    told: list[float] = []

    def at_a_clip(worker: Worker) -> None:
        (claim,) = worker.held
        told.append(claim.progress)

    world.each_clip = at_a_clip
    world.upload()
    world.settle()
    assert told == [0.0] * EARLY + [0.5], "the last clip is the second of its part"


@pytest.mark.parametrize("at", [2, EARLY, EARLY + 1])
@pytest.mark.parametrize("how", ["killed", "interrupted", "its device dies"])
def test_a_worker_that_ends_at_any_clip_loses_none_that_was_stored(world: StepWorld, at: int, how: str) -> None:
    clips: list[int] = []

    def end(worker: Worker) -> None:
        clips.append(1)
        if len(clips) == at:
            if how == "killed":
                raise Crash
            if how == "interrupted":
                worker.leaving.leave("spot notice")
            else:
                raise DeviceDiedError(1)

    world.each_clip = end
    world.upload()
    world.settle()
    assert [job.status for job in world.jobs()] == [JobStatus.COMPLETED]
    assert violations(world, {"completed"}) == []
    assert decoded(world) == once(world)
