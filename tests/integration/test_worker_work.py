"""How work on a part may end, and who is told what of it: on a deployment that runs step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.common.domain import object_keys
from services.common.domain.errors import InvalidMediaError
from services.common.domain.records import FIRST_PART, Job, Part, part_name
from services.common.domain.retry_policy import MAX_DEATHS, MAX_LOSSES
from services.common.domain.states import JobStatus, PartStatus
from services.common.store import keys
from services.common.store.endings import Endings
from services.common.store.leases import Leases
from services.common.webhooks import dispatch
from services.gpu_worker.engine.processes.device_link import DeviceDiedError
from services.gpu_worker.engine.processes.readers import ReaderLostError
from services.gpu_worker.part.claim import Claim, StopReason
from services.gpu_worker.part.files import Files
from services.gpu_worker.queue.worker import Worker
from tests.support.faults import Crash
from tests.support.step_engine import CLIPS_A_PART
from tests.support.step_world import StepWorld, step_world
from tests.support.world import BUCKET

Happen = Callable[[Worker], None]


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world() as made:
        yield made


@pytest.fixture
def long() -> Iterator[StepWorld]:
    """A deployment whose recordings have three parts."""
    with step_world(parts=3) as made:
        yield made


def the_job(world: StepWorld) -> Job:
    (job,) = world.store.jobs.of_client("default", limit=2)
    return job


def part_of(world: StepWorld, number: int = 0) -> Part:
    part = world.store.parts.get(the_job(world).job_id, part_name(number))
    assert part
    return part


def the_claim(worker: Worker) -> Claim:
    (claim,) = worker.held
    return claim


def at_clip(world: StepWorld, number: int, happen: Happen) -> list[int]:
    """This happens at that clip, counted over all attempts; the list grows with every clip that is begun."""
    seen: list[int] = []

    def each(worker: Worker) -> None:
        seen.append(1)
        if len(seen) == number:
            happen(worker)

    world.each_clip = each
    return seen


def before(monkeypatch: pytest.MonkeyPatch, kind: type, name: str, happen: Callable[[], None]) -> None:
    """A moment before each such call, this happens."""
    real = getattr(kind, name)

    def call(*arguments: Any, **named: Any) -> Any:
        happen()
        return real(*arguments, **named)

    monkeypatch.setattr(kind, name, call)


def die(_: Worker) -> None:
    raise DeviceDiedError(1)


def fail(_: Worker) -> None:
    raise InvalidMediaError("This cannot be decoded.")


def leave(worker: Worker) -> None:
    worker.leaving.leave("spot notice")


def one_machine_works(world: StepWorld) -> Worker:
    """On what is uploaded, as long as it is there; no sweep comes by."""
    if not world.ec2.running:
        world.upload()
        world.serve_queue()
    worker = world.worker(world.ec2.running[0])
    worker.work()
    return worker


# Of several parts.


def test_the_first_of_several_parts_is_given_back_at_once_by_whoever_must_go(long: StepWorld) -> None:
    at_clip(long, 1, leave)
    one_machine_works(long)
    assert (part_of(long).status, part_of(long).attempt, part_of(long).parts) == (PartStatus.QUEUED, 1, 3)
    assert the_job(long).status is JobStatus.RUNNING


def test_the_first_of_several_parts_ends_the_job_at_once_if_it_cannot_be_decoded(long: StepWorld) -> None:
    at_clip(long, 1, fail)
    one_machine_works(long)
    assert the_job(long).status is JobStatus.FAILED
    assert [part.status for part in long.store.parts.of_job(the_job(long).job_id)] == ["failed", "canceled", "canceled"]


def test_a_claim_knows_into_how_many_parts_its_recording_was_cut(long: StepWorld) -> None:
    seen: list[tuple[int, int, float]] = []

    def look(worker: Worker) -> None:
        claim = the_claim(worker)
        seen.append((claim.part.parts, claim.job.parts, claim.part.seconds))
        raise Crash

    at_clip(long, 1, look)
    with pytest.raises(Crash):
        one_machine_works(long)
    assert seen == [(3, 3, 20.0)]


def test_plan_and_audio_are_kept_before_anybody_can_claim_a_part_of_them(
    long: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    before(monkeypatch, Leases, "split", lambda: kept.extend(objects_of(long)))
    one_machine_works(long)
    job_id = the_job(long).job_id
    audio = [object_keys.part_audio(job_id, part_name(number)) for number in (1, 2)]
    assert {object_keys.plan(job_id), *audio} <= set(kept)


def objects_of(world: StepWorld) -> list[str]:
    listed = world.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return [entry["Key"] for entry in listed]


def test_a_part_whose_neighbours_finish_all_the_time_is_given_back_when_its_machine_must_go(
    long: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker: list[Worker] = []
    tries: list[int] = []

    def others_were_faster(*_: object, **__: object) -> bool:
        tries.append(1)
        if len(tries) == 3:
            leave(worker[0])
        assert len(tries) < 10, "it goes on for ever"
        return False

    clips = at_clip(long, 1, worker.append)
    monkeypatch.setattr(Endings, "finish_slice", others_were_faster)
    one_machine_works(long)
    assert len(clips) == CLIPS_A_PART
    assert (len(tries), part_of(long).status, part_of(long).losses) == (3, PartStatus.QUEUED, 0)


def test_a_recording_in_parts_has_cost_what_all_its_parts_have_cost(
    long: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here no time passes while a machine works: each part is made to have cost 100 seconds."""
    finish_slice = Endings.finish_slice

    def dear(endings: Endings, *given: Any, cost: dict[str, Any], **more: Any) -> bool:
        assert cost["market"] == "spot"
        return finish_slice(endings, *given, cost={**cost, "machine_seconds": 100.0}, **more)

    monkeypatch.setattr(Endings, "finish_slice", dear)
    one_machine_works(long)
    job = the_job(long)
    assert (job.status, job.parts) == (JobStatus.COMPLETED, 3)
    assert 300 <= job.cost["machine_seconds"] < 400


def test_a_part_of_a_job_that_is_over_is_finished_by_nobody(long: StepWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def finish_slice(*_: object, **__: object) -> bool:
        tries.append(1)
        return True

    monkeypatch.setattr(Endings, "finish_slice", finish_slice)

    def cancel(_: Worker) -> None:
        long.change(keys.job(the_job(long).job_id), status=JobStatus.CANCELED)

    at_clip(long, CLIPS_A_PART, cancel)
    one_machine_works(long)
    assert tries == []


# Leaving.


def test_whoever_must_go_keeps_what_is_done_and_the_next_does_only_the_rest(world: StepWorld) -> None:
    world.worker_settings.checkpoint_seconds = 10_000
    clips = at_clip(world, CLIPS_A_PART, leave)
    one_machine_works(world)
    world.settle()
    assert the_job(world).status is JobStatus.COMPLETED
    assert len(clips) == CLIPS_A_PART + 1, "only the clip that was under way is decoded again"


def test_a_reader_that_is_lost_costs_no_clip_that_is_done(world: StepWorld) -> None:
    """It reads while clips are decoded, so there are some by then."""

    def lose(_: Worker) -> None:
        raise ReaderLostError

    world.worker_settings.checkpoint_seconds = 10_000
    clips = at_clip(world, CLIPS_A_PART, lose)
    one_machine_works(world)
    world.settle()
    assert the_job(world).status is JobStatus.COMPLETED
    assert len(clips) == CLIPS_A_PART + 1, "only the clip that was under way is decoded again"


def test_what_is_done_is_kept_before_the_part_is_given_back(world: StepWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another takes it up at once, and looks for it only once."""
    world.worker_settings.checkpoint_seconds = 10_000
    kept: list[list[str]] = []
    before(monkeypatch, Leases, "give_back", lambda: kept.append(objects_of(world)))
    at_clip(world, CLIPS_A_PART, leave)
    one_machine_works(world)
    assert [key for key in kept[0] if key.startswith(object_keys.checkpoints(the_job(world).job_id, FIRST_PART))]


def test_a_part_that_is_given_back_tells_how_far_it_was(world: StepWorld) -> None:
    at_clip(world, CLIPS_A_PART, leave)
    one_machine_works(world)
    assert part_of(world).progress == 0.5


# Who is to blame.


def test_an_engine_that_dies_over_a_part_is_held_against_it(world: StepWorld) -> None:
    def leave_and_die(worker: Worker) -> None:
        leave(worker)
        die(worker)

    at_clip(world, 1, leave_and_die)
    one_machine_works(world)
    assert (part_of(world).status, part_of(world).deaths, part_of(world).losses) == (PartStatus.QUEUED, 1, 0)


def test_an_engine_that_dies_is_not_held_against_parts_that_were_not_on_the_device(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.upload()
    world.serve_queue()
    worker = world.worker(world.ec2.running[0])

    def neighbour_dies() -> None:
        leave(worker)
        raise DeviceDiedError

    before(monkeypatch, Files, "fetch_source", neighbour_dies)
    worker.work()
    assert (part_of(world).status, part_of(world).deaths, part_of(world).losses) == (PartStatus.QUEUED, 0, 0)


def test_a_part_is_on_the_device_from_its_download_to_its_last_clip(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    workers: list[Worker] = []

    def note() -> None:
        world.beat(workers[0])
        seen.append(part_of(world).on_device)

    world.upload()
    world.serve_queue()
    workers.append(world.worker(world.ec2.running[0]))
    before(monkeypatch, Files, "fetch_source", note)
    before(monkeypatch, Files, "publish", note)
    world.each_clip = lambda _: note()
    workers[0].work()
    assert seen == [False, *[True] * CLIPS_A_PART, False]


def test_the_engines_last_death_over_a_part_ends_its_job_at_once(world: StepWorld) -> None:
    world.each_clip = die
    world.upload()
    world.settle()
    job = the_job(world)
    assert (job.status, part_of(world).attempt) == (JobStatus.FAILED, MAX_DEATHS)
    assert job.error
    assert job.error["code"] == "REPEATED_CRASH"


def test_what_breaks_for_no_fault_of_the_recording_is_a_loss_and_rests(world: StepWorld) -> None:
    def trouble(_: Worker) -> None:
        raise OSError("network is down")

    at_clip(world, 1, trouble)
    one_machine_works(world)
    part = part_of(world)
    assert (part.status, part.deaths, part.losses) == (PartStatus.QUEUED, 0, 1)
    assert part.not_before == part.due_at > world.now


def test_what_breaks_for_ever_ends_its_job(world: StepWorld) -> None:
    def trouble(worker: Worker) -> None:
        the_claim(worker).update(losses=MAX_LOSSES - 1)
        raise OSError("network is down")

    at_clip(world, 1, trouble)
    one_machine_works(world)
    assert the_job(world).status is JobStatus.FAILED


# Whose part it is.


def test_a_zombie_writes_nothing_and_tells_nobody(world: StepWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has fenced itself; that nobody has taken its part yet makes no difference."""
    world.listen()
    workers: list[Worker] = []
    at_clip(world, 1, workers.append)
    before(monkeypatch, Files, "publish", lambda: the_claim(workers[0]).stop_work(StopReason.FENCED))
    one_machine_works(world)
    assert (the_job(world).status, part_of(world).status) == (JobStatus.RUNNING, PartStatus.RUNNING)


def test_a_part_that_is_anothers_is_not_given_back(world: StepWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    given_back: list[int] = []
    before(monkeypatch, Leases, "give_back", lambda: given_back.append(1))
    at_clip(world, 2, lambda worker: the_claim(worker).stop_work(StopReason.FENCED))
    one_machine_works(world)
    assert (given_back, part_of(world).status) == ([], PartStatus.RUNNING)


@pytest.mark.parametrize("happen", [fail, leave, die], ids=["failed", "left", "died"])
def test_a_part_that_has_ended_however_it_did_is_beaten_for_no_more(world: StepWorld, happen: Happen) -> None:
    claims: list[Claim] = []

    def end(worker: Worker) -> None:
        claims.append(the_claim(worker))
        leave(worker)
        happen(worker)

    at_clip(world, 1, end)
    one_machine_works(world)
    assert claims[0].ended


# Who is told.


def test_the_worker_itself_makes_the_first_try_of_what_it_has_to_tell(world: StepWorld) -> None:
    world.listen()
    one_machine_works(world)
    tried = {one.event_type: (one.status, one.attempts) for one in world.store.deliveries.of_job(the_job(world).job_id)}
    assert tried["transcription.completed"] == ("delivered", 1)


def test_no_sweep_sends_what_the_worker_is_trying_at_this_moment(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.listen()
    posts: list[str] = []

    def post(url: str, headers: dict[str, str], body: bytes, **how: Any) -> Any:
        posts.append(headers["webhook-id"])
        if b"transcription.completed" in body and len(posts) == 1:
            world.orchestrator().sweep.run(lambda: 50.0)
        return world.post(url, headers, body, **how)

    monkeypatch.setattr(dispatch, "post", post)
    one_machine_works(world)
    assert posts.count(posts[0]) == 1
    assert len(posts) > 1, "what others have left to the sweep it sends meanwhile"


def test_what_a_worker_dies_of_trying_is_the_sweeps_once_its_lease_is_over(
    world: StepWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.listen()

    def crash(*_: object, **__: object) -> None:
        raise Crash

    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(dispatch, "post", crash)
        with pytest.raises(Crash):
            one_machine_works(world)
    (waiting,) = [
        one
        for one in world.store.deliveries.of_job(the_job(world).job_id)
        if one.event_type == "transcription.completed"
    ]
    assert (waiting.owner, waiting.due_at) == ("worker-1", world.now + dispatch.LEASE_MS)
    world.now += dispatch.LEASE_MS
    world.sweep()
    assert waiting.event_id in world.received
