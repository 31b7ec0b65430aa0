"""A device that gives nonsense, or a model that cannot be had, ends no job wrongly and holds up no other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.common.domain.errors import (
    DamagedModelError,
    DecoderFailedError,
    ModelUnavailableError,
    TranscriberError,
)
from services.common.domain.records import Job
from services.gpu_worker.part import endings
from services.gpu_worker.queue.leaving import Leaving
from services.gpu_worker.queue.worker import Worker
from tests.support.step_engine import StepEngine
from tests.support.step_world import StepWorld, step_world


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world() as made:
        yield made


@pytest.fixture
def without_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given back is taken at once, by the same machine."""
    monkeypatch.setattr(endings, "pause_ms", lambda _, **__: 0)


def settled(world: StepWorld) -> Job:
    world.upload()
    world.settle()
    (job,) = world.jobs()
    return job


def fail_at_clips(world: StepWorld, *failing: int) -> None:
    """The device gives what is no number at these clips, counted over all attempts; without any, at every one."""
    seen: list[int] = []

    def clip(_: Worker) -> None:
        seen.append(1)
        if not failing or len(seen) in failing:
            raise DecoderFailedError("The device gave back probabilities that are no numbers.")

    world.each_clip = clip


@pytest.mark.usefixtures("without_rest")
def test_a_device_that_fails_once_gets_a_fresh_process_and_the_job_completes(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[StepEngine] = []

    def close(engine: StepEngine) -> None:
        closed.append(engine)

    monkeypatch.setattr(StepEngine, "close", close)
    fail_at_clips(world, 2)
    job = settled(world)
    assert (job.status, job.result and job.result["attempt"]) == ("completed", 2)
    assert closed, "the process that failed was used again"


def test_a_device_that_always_fails_ends_the_job_with_its_own_code_after_three_tries(world: StepWorld) -> None:
    fail_at_clips(world)
    job = settled(world)
    assert job.status == "failed"
    assert job.error
    assert (job.error["code"], job.error["retryable"]) == ("DECODER_FAILED", True)
    (part,) = world.store.parts.of_job(job.job_id)
    assert part.attempt == 3


@pytest.mark.usefixtures("without_rest")
def test_a_machine_whose_fresh_process_fails_too_leaves(world: StepWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[str] = []
    real = Leaving.leave

    def leave(leaving: Leaving, why: str) -> None:
        left.append(why)
        real(leaving, why)

    monkeypatch.setattr(Leaving, "leave", leave)
    fail_at_clips(world)
    settled(world)
    assert left == ["the device fails"]


@pytest.mark.parametrize(
    "error", [ModelUnavailableError("model", "It is nowhere."), DamagedModelError("model.bin is another file.")]
)
def test_a_model_that_cannot_be_had_now_leaves_the_job_waiting_and_says_why_until_it_can(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch, error: TranscriberError
) -> None:
    real = StepEngine.wait_until_ready

    def unavailable(_: StepEngine) -> None:
        raise error

    monkeypatch.setattr(StepEngine, "wait_until_ready", unavailable)
    world.upload()
    world.serve_queue()
    world.run_machines()
    (job,) = world.jobs()
    assert (job.status, job.waiting, job.waiting_reason) == ("queued", "image", str(error))
    (part,) = world.store.parts.of_job(job.job_id)
    assert part.not_before > world.now, "another machine would be started for it at once"
    assert (part.deaths, part.losses, part.faults) == (0, 0, 0), "after enough of them it would fail for good"

    monkeypatch.setattr(StepEngine, "wait_until_ready", real)
    world.settle()
    (job,) = world.jobs()
    assert (job.status, job.waiting) == ("completed", None)


def test_a_model_that_is_damaged_here_is_tried_again_elsewhere(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tries = StepEngine.wait_until_ready, list[int]()

    def damaged_at_first(engine: StepEngine) -> object:
        tries.append(1)
        if len(tries) == 1:
            raise DamagedModelError("model.bin of the model is not the file that was recorded (sha256).")
        return real(engine)

    monkeypatch.setattr(StepEngine, "wait_until_ready", damaged_at_first)
    job = settled(world)
    assert (job.status, job.result and job.result["attempt"]) == ("completed", 2)
