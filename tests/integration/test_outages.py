"""Trouble of AWS's ends no worker and is held against nobody: on a deployment that runs step by step.

`nox -s outages` shows the same of real workers, for each service and each kind of trouble.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from services.common.domain.records import Job, Part, part_name
from services.common.domain.states import JobStatus, PartStatus, SlotStatus
from services.common.domain.times import MINUTE_MS, SECOND_MS
from services.common.store import keys
from services.common.store.endings import Endings
from services.common.store.leases import Leases
from services.common.store.parts import Parts
from services.common.store.slots import Slots
from services.common.webhooks.dispatch import UNSIGNED_PAUSE_MS
from services.gpu_worker.machine import device_check
from services.gpu_worker.machine.self_test import Passed
from services.gpu_worker.part.claim import Claim, StopReason
from services.gpu_worker.part.files import Files
from services.gpu_worker.queue.worker import Worker
from services.orchestrator.sweep import STANDSTILL_BEATS
from tests.support.faults import aws_error
from tests.support.step_engine import StepEngine
from tests.support.step_world import LEASE_SECONDS, SWEEP_SECONDS, StepWorld, step_world

UNREACHABLE = EndpointConnectionError(endpoint_url="https://dynamodb.example.com")


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world() as made:
        made.listen()
        yield made


@pytest.fixture
def long() -> Iterator[StepWorld]:
    """A deployment whose recordings have three parts."""
    with step_world(parts=3) as made:
        yield made


def the_job(world: StepWorld) -> Job:
    (job,) = world.jobs()
    return job


def part_of(world: StepWorld, number: int = 0) -> Part:
    part = world.store.parts.get(the_job(world).job_id, part_name(number))
    assert part
    return part


def the_worker(world: StepWorld, start: Callable[[Callable[[], None]], None] = lambda task: task()) -> Worker:
    """On a machine that came for one recording."""
    world.upload()
    world.serve_queue()
    return world.worker(world.ec2.running[0], start)


def the_claim(worker: Worker) -> Claim:
    (claim,) = worker.held
    return claim


def expire(worker: Worker) -> None:
    """Nobody has heard of what it holds for a whole lease."""
    the_claim(worker).stop_work(StopReason.LEASE_EXPIRED)


def unheld(world: StepWorld) -> None:
    """Nothing is held against the recording."""
    parts = world.store.parts.of_job(the_job(world).job_id)
    assert [(part.deaths, part.losses) for part in parts if part.deaths or part.losses] == []


def refused_once(world: StepWorld, operation: str, error: ClientError) -> list[str]:
    """The worker's first call of this kind, and every seventh one, is refused; the list has all of that kind."""
    seen: list[str] = []

    def refuse(name: str) -> None:
        if name == operation:
            seen.append(name)
            if len(seen) % 7 == 1:
                raise error

    world.faults.refuse = refuse
    return seen


def lost_once(
    monkeypatch: pytest.MonkeyPatch, kind: type, name: str, happen: Callable[[], None] = lambda: None
) -> None:
    """The first such call arrives, its answer does not; then this happens."""
    real, left = getattr(kind, name), [1]

    def call(*arguments: Any, **named: Any) -> Any:
        answer = real(*arguments, **named)
        if left:
            left.pop()
            happen()
            raise UNREACHABLE
        return answer

    monkeypatch.setattr(kind, name, call)


THROTTLED = aws_error("ThrottlingException", "call")
OPERATIONS = {
    "dynamodb.Query": THROTTLED,
    "dynamodb.GetItem": aws_error("InternalServerError", "call", status=500),
    "dynamodb.TransactWriteItems": aws_error("ProvisionedThroughputExceededException", "call"),
    "dynamodb.UpdateItem": THROTTLED,
    "s3.GetObject": aws_error("SlowDown", "call", status=503),
    "s3.PutObject": aws_error("InternalError", "call", status=500),
    "s3.ListObjectsV2": aws_error("ServiceUnavailable", "call", status=503),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_call_that_is_refused_for_a_while_is_made_again(long: StepWorld, operation: str) -> None:
    worker = the_worker(long)
    seen = refused_once(long, operation, OPERATIONS[operation])
    with long.faults.watching():
        worker.work()
    assert seen
    assert the_job(long).status is JobStatus.COMPLETED
    unheld(long)
    assert {part.attempt for part in long.store.parts.of_job(the_job(long).job_id)} == {1}


LOST = [
    *((Leases, "claim"), (Leases, "split"), (Endings, "finish_slice"), (Endings, "finish"), (Slots, "leave")),
    *((Files, "put_plan"), (Files, "put_checkpoint"), (Files, "publish")),
]


@pytest.mark.parametrize(("kind", "name"), LOST, ids=[name for _, name in LOST])
def test_a_call_whose_answer_is_lost_is_made_again_and_has_been_made_once(
    long: StepWorld, monkeypatch: pytest.MonkeyPatch, kind: type, name: str
) -> None:
    worker = the_worker(long)
    lost_once(monkeypatch, kind, name)
    worker.work()
    assert the_job(long).status is JobStatus.COMPLETED
    unheld(long)
    assert {part.attempt for part in long.store.parts.of_job(the_job(long).job_id)} == {1}


# Silence.


def test_who_fell_silent_gives_its_part_back_and_takes_it_up_again(world: StepWorld) -> None:
    seen: list[int] = []

    def silent(worker: Worker) -> None:
        seen.append(1)
        if len(seen) == 2:
            the_claim(worker).stop_work(StopReason.LEASE_EXPIRED)

    world.each_clip = silent
    the_worker(world).work()
    assert (the_job(world).status, part_of(world).attempt) == (JobStatus.COMPLETED, 2)
    assert len(seen) == 3, "what was kept is not decoded again"
    unheld(world)


def test_who_fell_silent_writes_nothing_until_somebody_answers_and_then_only_that(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = the_worker(world)
    calls: list[str] = []

    def silent(worker: Worker) -> None:
        the_claim(worker).stop_work(StopReason.LEASE_EXPIRED)
        world.faults.calls.clear()

    world.each_clip = silent
    real = Leases.give_back

    def give_back(*arguments: Any, **named: Any) -> None:
        calls.extend(world.faults.calls)
        real(*arguments, **named)
        worker.leaving.leave("spot notice")

    monkeypatch.setattr(Leases, "give_back", give_back)
    with world.faults.watching():
        worker.work()
    assert calls == ["dynamodb.Query"], "who wants to hear that it was interrupted"
    assert (part_of(world).status, the_job(world).status) == (PartStatus.QUEUED, JobStatus.QUEUED)


def test_who_fell_silent_tries_to_give_back_for_as_long_as_it_takes(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.each_clip = lambda worker: (
        the_claim(worker).stop_work(StopReason.LEASE_EXPIRED) if part_of(world).attempt == 1 else None
    )
    tries: list[int] = []
    real = Leases.give_back

    def give_back(*arguments: Any, **named: Any) -> None:
        tries.append(1)
        if len(tries) < 30:
            raise UNREACHABLE
        real(*arguments, **named)

    monkeypatch.setattr(Leases, "give_back", give_back)
    the_worker(world).work()
    assert (len(tries), the_job(world).status) == (30, JobStatus.COMPLETED)
    unheld(world)


def test_a_part_that_is_anothers_by_the_time_that_somebody_answers_stays_anothers(world: StepWorld) -> None:
    def taken(worker: Worker) -> None:
        claim = the_claim(worker)
        job, part = the_job(world), part_of(world)
        assert world.store.leases.take_away(part, now=world.now, job=job, interrupted=None)
        assert world.store.leases.claim(
            part_of(world), the_job(world), owner="rival", lease_ends=world.now + MINUTE_MS, started=None, times={}
        )
        claim.stop_work(StopReason.LEASE_EXPIRED)
        worker.leaving.leave("spot notice")

    world.each_clip = taken
    the_worker(world).work()
    assert (part_of(world).owner, part_of(world).attempt) == ("rival", 2)


def test_who_fell_silent_and_must_go_tries_once_and_goes(world: StepWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def give_back(*_: Any, **__: Any) -> None:
        tries.append(1)
        raise UNREACHABLE

    def silent(worker: Worker) -> None:
        the_claim(worker).stop_work(StopReason.LEASE_EXPIRED)
        worker.leaving.leave("spot notice")

    monkeypatch.setattr(Leases, "give_back", give_back)
    world.each_clip = silent
    the_worker(world).work()
    assert (len(tries), part_of(world).status) == (1, PartStatus.RUNNING)


def test_whoever_is_told_to_go_while_it_waits_tries_once_more(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, real, tries = the_worker(world), Leases.give_back, list[int]()

    def give_back(*arguments: Any, **named: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            worker.leaving.leave("spot notice")
            raise UNREACHABLE
        real(*arguments, **named)

    monkeypatch.setattr(Leases, "give_back", give_back)
    world.each_clip = lambda worker: the_claim(worker).stop_work(StopReason.LEASE_EXPIRED)
    worker.work()
    assert (len(tries), part_of(world).status) == (2, PartStatus.QUEUED)


def test_a_recording_that_was_cut_unheard_is_given_back_as_one_of_several_parts(
    long: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker knows of one part, the table of three."""
    worker = the_worker(long)

    def silent() -> None:
        the_claim(worker).stop_work(StopReason.LEASE_EXPIRED)

    lost_once(monkeypatch, Leases, "split", silent)
    worker.work()
    assert (the_job(long).status, part_of(long).attempt) == (JobStatus.COMPLETED, 2)
    unheld(long)


def test_a_part_that_was_finished_unheard_is_no_fence_though_its_job_ends_meanwhile(
    long: StepWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = the_worker(long)
    job_id: list[str] = []

    def others_end_it() -> None:
        job_id.append(the_job(long).job_id)
        long.change(keys.job(job_id[0]), status=JobStatus.COMPLETED)

    lost_once(monkeypatch, Endings, "finish_slice", others_end_it)
    worker.take_one()
    assert part_of(long).status is PartStatus.DONE
    assert "part.fenced" not in capsys.readouterr().err


# A beat that meets the end.


@pytest.mark.parametrize("how", ["finish", "give_back"])
def test_a_beat_that_meets_the_end_of_its_part_logs_no_fence(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    """The write has arrived, its answer has not, and the heart is told of the fence in between."""
    worker = the_worker(world)
    kind: type = Endings if how == "finish" else Leases
    real, reasons = getattr(kind, how), list[StopReason | None]()

    def end(*arguments: Any, **named: Any) -> None:
        claim = the_claim(worker)
        real(*arguments, **named)
        world.beat(worker)
        reasons.append(claim.stop_reason)

    monkeypatch.setattr(kind, how, end)
    if how == "give_back":
        world.each_clip = lambda worker: worker.leaving.leave("spot notice")
    worker.work()
    assert reasons == [None if how == "finish" else StopReason.SHUTDOWN]
    assert "part.fenced" not in capsys.readouterr().err


def test_a_fence_that_the_last_write_meets_is_still_said(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    worker, real = the_worker(world), Endings.finish

    def finish(*arguments: Any, **named: Any) -> None:
        part = part_of(world)
        world.store.leases.take_away(part, now=world.now + MINUTE_MS, job=the_job(world), interrupted=None)
        world.beat(worker)
        real(*arguments, **named)

    monkeypatch.setattr(Endings, "finish", finish)
    assert worker.take_one()
    assert the_job(world).status is JobStatus.QUEUED
    assert capsys.readouterr().err.count("part.fenced") == 1


# The loop.


def test_a_worker_that_waits_for_its_queue_tells_systemd_that_it_is_well(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = the_worker(world)
    beats: list[str] = []
    monkeypatch.setattr(worker.watchdog, "beat", beats.append)
    left = [50]

    def refuse(name: str) -> None:
        if name == "dynamodb.Query" and left[0]:
            left[0] -= 1
            raise THROTTLED

    world.faults.refuse = refuse
    with world.faults.watching():
        assert worker.take_one()
    assert beats.count("loop") > 50


def test_a_worker_that_is_told_to_leave_while_nobody_answers_leaves(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = the_worker(world)
    asked = threading.Event()

    def ready(*_: Any) -> Any:
        asked.set()
        raise UNREACHABLE

    monkeypatch.setattr(Parts, "ready", ready)
    working = threading.Thread(target=worker.work)
    working.start()
    assert asked.wait(10)
    worker.leaving.leave("spot notice")
    working.join(10)
    assert not working.is_alive()
    (slot,) = world.store.slots.all()
    assert (slot.status, slot.note) == (SlotStatus.LEAVING, "spot notice")


def test_a_worker_that_is_told_to_leave_while_it_cannot_report_its_boot_ends_well(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, asked = the_worker(world), threading.Event()

    def report(*_: Any, **__: Any) -> Any:
        asked.set()
        raise UNREACHABLE

    monkeypatch.setattr(Slots, "report", report)
    monkeypatch.setattr(device_check, "judge", lambda *_, **__: Passed(likeness=1.0, speed=60.0, warm_up_seconds=0.0))
    monkeypatch.setattr(StepEngine, "close", lambda *_: None)
    booting = threading.Thread(target=world.lives[worker].run)
    booting.start()
    assert asked.wait(10)
    time.sleep(0.2)
    assert booting.is_alive(), "it waits"
    worker.leaving.leave("spot notice")
    booting.join(10)
    assert not booting.is_alive()
    assert the_job(world).status is JobStatus.QUEUED


def test_a_part_is_not_claimed_anew_before_whoever_gave_it_back_has_ended(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread of the one would forget the claim of the other, and the meter with it."""
    worker, real, taken = the_worker(world), Leases.give_back, list[bool]()

    def give_back(*arguments: Any, **named: Any) -> None:
        real(*arguments, **named)
        taken.append(worker.take_one())

    monkeypatch.setattr(Leases, "give_back", give_back)
    world.each_clip = lambda worker: (
        the_claim(worker).stop_work(StopReason.LEASE_EXPIRED) if part_of(world).attempt == 1 else None
    )
    worker.work()
    assert taken == [False]
    assert the_job(world).status is JobStatus.COMPLETED


def test_the_lease_of_a_claim_that_was_made_again_counts_from_the_try_that_arrived(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments, confirmed = list[float](), list[float]()
    worker = the_worker(world, lambda _: confirmed.extend(one.confirmed for one in worker.held))
    real = Leases.claim

    def claim(leases: Leases, *arguments: Any, **named: Any) -> Any:
        moments.append(time.monotonic())
        world.now += 1
        if len(moments) == 2:
            real(leases, *arguments, **named)
        if len(moments) < 4:
            raise UNREACHABLE
        return real(leases, *arguments, **named)

    monkeypatch.setattr(Leases, "claim", claim)
    assert worker.take_one()
    assert moments[0] < confirmed[0] <= moments[1]


# What the sweep makes of it.


def at_the_end_of_an_outage(world: StepWorld, happen: Callable[[Worker], None]) -> Worker:
    """Two minutes in which nobody could write; the first sweep comes before anybody else, and this while it waits."""
    worker = the_worker(world)

    def outage(worker: Worker) -> None:
        if part_of(world).attempt > 1:
            return
        world.now += 2 * LEASE_SECONDS * SECOND_MS + 1
        orchestrator = world.orchestrator()

        def wait(seconds: float) -> None:
            assert seconds == STANDSTILL_BEATS * orchestrator.settings.heartbeat_seconds
            world.now += round(seconds * SECOND_MS)
            happen(worker)

        orchestrator.sweep = type(orchestrator.sweep)(**{**vars(orchestrator.sweep), "wait": wait})
        orchestrator.sweep.run(lambda: SWEEP_SECONDS)

    world.each_clip = outage
    worker.work()
    return worker


def test_the_first_sweep_after_an_outage_takes_nothing_from_a_worker_that_beats_again(world: StepWorld) -> None:
    at_the_end_of_an_outage(world, world.beat)
    assert (the_job(world).status, part_of(world).attempt) == (JobStatus.COMPLETED, 1)
    unheld(world)
    (slot,) = world.store.slots.all()
    assert not slot.suspected
    assert world.store.fleet.breaker() is None


def test_the_first_sweep_after_an_outage_counts_nothing_against_who_fell_silent_and_gives_back(
    world: StepWorld,
) -> None:
    def give_back(worker: Worker) -> None:
        claim = the_claim(worker)
        claim.stop_work(StopReason.LEASE_EXPIRED)
        worker.attempts.endings.give_back(claim)

    at_the_end_of_an_outage(world, give_back)
    assert (the_job(world).status, part_of(world).attempt) == (JobStatus.COMPLETED, 2)
    unheld(world)


def test_a_machine_that_could_not_report_at_its_boot_is_no_silent_boot(world: StepWorld) -> None:
    """Its time is over when DynamoDB answers again; the sweep only suspects it, and then it is heard of."""
    world.upload()
    world.serve_queue()
    world.now += (world.orchestrator_settings.boot_seconds + 1) * SECOND_MS
    world.sweep()
    (slot,) = world.store.slots.all()
    assert (slot.suspected, slot.status) == (True, SlotStatus.LAUNCHING)
    world.worker(world.ec2.running[0]).work()
    world.now += MINUTE_MS
    world.sweep()
    assert world.store.fleet.breaker() is None
    assert the_job(world).status is JobStatus.COMPLETED


# The key.


def test_without_the_key_jobs_are_done_and_only_their_messages_wait(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = [True]

    class Vault:
        """KMS does not answer."""

        def open(self, *_: Any) -> list[str]:
            if closed:
                raise aws_error("ThrottlingException", "Decrypt")
            return ["whsec_" + "A" * 43 + "="]

    monkeypatch.setattr("tests.support.step_world.NoVault", Vault)
    world.upload()
    world.serve_queue()
    world.run_machines()
    world.sweep()
    assert the_job(world).status is JobStatus.COMPLETED
    deliveries = world.store.deliveries.of_job(the_job(world).job_id)
    assert {(one.status, one.attempts) for one in deliveries} == {("pending", 0)}
    closed.clear()
    world.now += 2 * UNSIGNED_PAUSE_MS
    world.sweep()
    deliveries = world.store.deliveries.of_job(the_job(world).job_id)
    assert {(one.status, one.attempts) for one in deliveries} == {("delivered", 1)}
