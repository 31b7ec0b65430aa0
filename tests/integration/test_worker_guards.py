"""A worker's way with one part, and its heart's: how each end comes about, and what is written then."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from services.common.domain import object_keys
from services.common.domain.errors import DecoderFailedError, InvalidMediaError
from services.common.domain.machines import Slot
from services.common.domain.options import Options
from services.common.domain.records import FIRST_PART, Delivery, Job, Part, part_name
from services.common.domain.retry_policy import pause_ms
from services.common.domain.speakers import ExpectedSpeakers
from services.common.domain.states import JobStatus, PartStatus, SlotStatus
from services.common.domain.times import MINUTE_MS, SECOND_MS
from services.gpu_worker.engine.speakers.windows import VERSION, ObservedWindow
from services.gpu_worker.machine.identity import Identity
from services.gpu_worker.machine.presence import Presence
from services.gpu_worker.machine.shutdown import Shutdown
from services.gpu_worker.machine.work_folder import WorkFolder
from services.gpu_worker.part.claim import Claim, StopReason
from services.gpu_worker.part.endings import PartEndings
from services.gpu_worker.part.files import Files
from services.gpu_worker.part.runner import PartRunner
from services.gpu_worker.queue.heartbeats import Heartbeats
from services.gpu_worker.settings import WorkerSettings
from tests.support.clock_machine import until
from tests.support.step_engine import StepEngine, make_plan
from tests.support.step_speakers import NOTHING_HEARD, StepSpeakers
from tests.support.world import BUCKET, TABLE, World
from tests.support.written import lying, of_job, put_job, put_part, put_running

SETTINGS = WorkerSettings(
    table_name=TABLE,
    bucket_name=BUCKET,
    deployment="test",
    secrets_key_id="key",
    models=("whisper-base",),
    checkpoint_seconds=0,
)
SLOT = Slot(slot="00", status=SlotStatus.LAUNCHING, launch_id="launch_1", request={}, taken_at=1, times={"launched": 5})

TURN = 17


class Bench:
    """One claimed part, an engine whose every clip the test sees, and whoever would send."""

    name = "sender"

    def __init__(self, world: World, **of_part: Any) -> None:
        self.world = world
        self.sent: list[Delivery] = []
        self.each_clip: Callable[[], None] = lambda: None
        etag = world.s3.put_object(Bucket=BUCKET, Key="uploads/a.mp3", Body=b"sound")["ETag"].strip('"')
        world.callback("https://hooks.example.com/")
        self.job, part = put_running(world, source_key="uploads/a.mp3", source_etag=etag)
        self.claim = Claim(self.job, replace(part, **of_part), Options(), confirmed=0.0, turn=TURN)
        self.engine: Any = StepEngine(1, 1, self._clip)
        self.endings = PartEndings(
            store=world.store,
            announcer=world.announcer,
            sender=self,  # type: ignore[arg-type] # as a sender
            clock=world.clock,
            cost=lambda _: {"dollars": 1},
            engine_failed=lambda engine, _: setattr(engine, "untrusted", True),
        )
        self.work = PartRunner(
            store=world.store,
            files=Files(world.s3, BUCKET),
            settings=SETTINGS,
            folder=WorkFolder(Path(tempfile.gettempdir())),
            clock=world.clock,
            endings=self.endings,
            speakers=StepSpeakers(0),
        )

    def lease_until(self, now: int) -> int:
        return now + 77

    def send(self, deliveries: Any) -> None:
        self.sent += deliveries

    def _clip(self) -> None:
        self.each_clip()

    def do(self) -> None:
        self.work.do(self.claim, self.engine, self.engine.wait_until_ready())

    def stop(self, reason: StopReason) -> None:
        self.claim.stop_work(reason)

    @property
    def part(self) -> Part:
        part = self.world.store.parts.get("job_1", FIRST_PART)
        assert part
        return part

    @property
    def job_now(self) -> Job:
        job = self.world.store.jobs.get("job_1")
        assert job
        return job

    @property
    def status(self) -> str:
        return str(lying(self.world, ("JOB#job_1", "JOB"))["status"])


@pytest.fixture
def bench(world: World) -> Bench:
    return Bench(world)


def raising(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_a_part_that_is_done_ends_its_job_with_everything_that_is_told_of_it(bench: Bench) -> None:
    seen: list[bool] = []
    bench.each_clip = lambda: seen.append(bench.claim.on_device)
    bench.do()
    job = bench.job_now
    assert job.result
    assert (job.status, job.cost, seen, bench.claim.on_device) == ("completed", {"dollars": 1}, [True, True], False)
    assert job.times.keys() >= {"planned", "first_text", "transcribed", "completed"}
    told = {"attempt", "prefix", "files", "language", "duration_seconds", "model", "quality"}
    assert job.result.keys() == told | {"media", "peaks"}
    assert (job.result["attempt"], job.result["prefix"]) == (2, "results/job_1/2/")
    (delivery,) = bench.sent
    assert (delivery.owner, delivery.due_at) == ("sender", bench.world.clock() + 77)
    event = bench.world.store.deliveries.event(delivery)
    assert event
    assert '"text":"Ord0.' in event.body
    assert (bench.claim.progress, bench.claim.seconds_left) == (1.0, 0)


def test_a_recording_whose_labels_lag_behind_its_text_is_not_on_the_device(bench: Bench) -> None:
    """A machine that dies meanwhile, does not die of it."""
    seen: list[float] = []

    def lagging(_: int) -> None:
        until(lambda: not bench.claim.on_device)
        seen.append(bench.claim.progress)

    bench.claim.options = Options(speakers=ExpectedSpeakers())
    bench.work._speakers = StepSpeakers(1, lagging)
    bench.do()
    assert (bench.status, seen) == ("completed", [1.0])


def test_a_recording_that_cannot_be_had_fails_its_job_with_a_code(bench: Bench) -> None:
    bench.each_clip = raising(InvalidMediaError("No sound."))
    bench.do()
    job = bench.job_now
    assert job.error
    assert (job.status, job.error["code"], job.cost) == ("failed", "INVALID_MEDIA", {"dollars": 1})
    assert job.times["failed"] == bench.world.clock()
    assert [delivery.event_type for delivery in bench.sent] == ["transcription.failed"]


def test_a_job_that_is_refused_is_over(bench: Bench) -> None:
    bench.endings.fail(bench.claim, InvalidMediaError("No."))
    assert bench.status == "failed"


def test_who_leaves_gives_back_what_it_holds_with_its_results(bench: Bench) -> None:
    bench.each_clip = lambda: bench.stop(StopReason.SHUTDOWN) if bench.claim.progress else None
    bench.do()
    part = bench.part
    assert (bench.status, part.status, part.owner) == ("queued", "queued", None)
    assert (part.deaths, part.losses, part.not_before) == (1, 1, 0), "nothing is held against it"
    assert (part.due_at, part.progress) == (TURN, 0.5), "it keeps its turn"
    assert [item["type"] for item in of_job(bench.world).values() if "type" in item] == ["transcription.interrupted"]
    claimed = bench.world.store.leases.claim(part, bench.job_now, owner="w2", lease_ends=9, started=None, times={})
    assert claimed
    decoded: list[int] = []
    bench.each_clip = lambda: decoded.append(1)
    bench.claim = Claim(bench.job_now, claimed, Options(), confirmed=0.0)
    bench.do()
    assert (bench.status, len(decoded)) == ("completed", 1), "the other clip is not decoded again"


def test_one_of_several_parts_is_done_from_its_own_sound_and_kept_for_the_merge(world: World) -> None:
    name, files = part_name(1), Files(world.s3, BUCKET)
    bench = Bench(world, part_id=name, parts=2)
    put_job(world, status=JobStatus.RUNNING, parts=2)
    put_part(world, part_id=name, status=PartStatus.RUNNING, owner="worker", parts=2)
    files.put_plan("job_1", make_plan(2))
    world.s3.put_object(Bucket=BUCKET, Key=object_keys.part_audio("job_1", name), Body=b"its own")
    decode, heard = bench.engine.decode, []

    def hear(path: Path, *arguments: Any, **more: Any) -> Any:
        heard.append(path.read_bytes())
        return decode(path, *arguments, **more)

    bench.engine.decode = hear
    bench.do()
    assert heard == [b"its own"]
    assert files.checkpoints("job_1", name).keys() == {2, 3}
    assert (bench.job_now.parts_done, bench.status, bench.sent) == (1, "running", [])


def test_windows_that_another_release_observed_are_left_aside(world: World) -> None:
    files, part = Files(world.s3, BUCKET), Bench(world).claim.part
    own = ObservedWindow(1, (NOTHING_HEARD,))
    files.put_windows("job_1", part, 1, [own])
    key = object_keys.observed("job_1", part.part_id, part.attempt + 1, 1)
    theirs = [{"version": VERSION + 1, "index": index, "heard": "otherwise"} for index in (0, 1)]
    world.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(theirs).encode())
    assert files.windows("job_1", part.part_id) == {1: own}


def test_who_leaves_one_of_several_parts_leaves_its_job_to_the_others(world: World) -> None:
    bench = Bench(world, parts=2)
    bench.claim.job = put_job(world, status=JobStatus.RUNNING, parts=2)
    bench.endings.give_back(bench.claim)
    assert (bench.status, bench.part.status) == ("running", "queued")
    assert not any("type" in item for item in of_job(world).values())


def test_who_is_fenced_writes_nothing_and_tells_nobody(bench: Bench) -> None:
    bench.each_clip = lambda: bench.stop(StopReason.FENCED)
    bench.do()
    assert (bench.status, bench.part.status, bench.sent) == ("running", "running", [])


def test_who_is_fenced_at_the_last_moment_ends_no_job(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    publish = Files.publish

    def late(files: Files, *arguments: Any) -> Any:
        bench.claim.stop_work(StopReason.FENCED)
        return publish(files, *arguments)

    monkeypatch.setattr(Files, "publish", late)
    bench.do()
    assert (bench.status, bench.sent) == ("running", [])


@pytest.mark.parametrize("how", ["refused", "failed"])
def test_a_failure_of_a_part_that_is_anothers_is_not_told(bench: Bench, how: str) -> None:
    bench.claim.part = replace(bench.claim.part, attempt=1)
    if how == "failed":
        bench.each_clip = raising(InvalidMediaError("No."))
        bench.do()
    else:
        bench.endings.fail(bench.claim, InvalidMediaError("No."))
    assert (bench.status, bench.sent) == ("running", [])


def test_what_breaks_is_tried_again_later_and_counts_as_a_loss(bench: Bench) -> None:
    bench.each_clip = raising(RuntimeError("ours"))
    bench.do()
    part, later = bench.part, bench.world.clock() + pause_ms(1)
    assert (part.status, part.losses, part.deaths) == ("queued", 2, 1)
    assert (part.due_at, part.not_before) == (later, later)
    assert not bench.engine.untrusted


def test_what_breaks_too_often_fails_its_job(world: World) -> None:
    bench = Bench(world, losses=50)
    bench.each_clip = raising(RuntimeError("ours"))
    bench.do()
    assert (bench.status, bench.part.status) == ("failed", "failed")


@pytest.mark.parametrize(("faults", "status"), [(1, "queued"), (2, "failed")])
def test_a_device_that_fails_is_distrusted_and_after_three_tries_it_is_said(
    world: World, faults: int, status: str
) -> None:
    bench = Bench(world, faults=faults)
    bench.each_clip = raising(DecoderFailedError("Only noise."))
    bench.do()
    assert (bench.status, bench.engine.untrusted) == (status, True)


def test_a_fence_outranks_a_departure_and_is_never_taken_back(bench: Bench) -> None:
    claim = bench.claim
    claim.stop_work(StopReason.SHUTDOWN)
    assert (claim.stop_reason, claim.stop.is_set()) == (StopReason.SHUTDOWN, True)
    claim.stop_work(StopReason.FENCED)
    claim.stop_work(StopReason.SHUTDOWN)
    assert claim.stop_reason is StopReason.FENCED


def test_a_claim_knows_how_far_it_is(bench: Bench) -> None:
    claim = bench.claim
    assert (claim.seconds_left, claim.progress) == (45.0, 0.25)
    claim.advance(30.0, 120.0)
    assert (claim.seconds_left, claim.progress) == (30.0, 0.75)
    claim.advance(0.0, 0.0)
    assert claim.progress == 1.0


def presence_of(world: World, slot: str | None = "00", launch_id: str | None = "launch_1") -> Presence:
    identity = Identity(owner="worker", machine=None, slot=slot, launch_id=launch_id, market="spot")
    return Presence(world.store, identity, SETTINGS, world.clock)


def heart_of(world: World, *claims: Claim) -> Heartbeats:
    world.store.slots.take(SLOT)
    return Heartbeats(world.store, presence_of(world), SETTINGS, held=claims, clock=world.clock, alive=lambda: None)


def test_a_heartbeat_tells_of_every_part_and_of_the_machine(bench: Bench) -> None:
    world, claim = bench.world, bench.claim
    claim.on_device, claim.progress = False, 0.5
    heart_of(world, claim).beat()
    part, lease_ends = bench.part, world.clock() + round(SETTINGS.lease_seconds * SECOND_MS)
    assert (part.beat, part.due_at, part.on_device, part.progress) == (8, lease_ends, False, 0.5)
    assert (claim.part.beat, claim.part.due_at, claim.confirmed > 0) == (8, lease_ends, True)
    slot = world.store.slots.get("00")
    assert slot
    assert (slot.status, slot.due_at) == (SlotStatus.RUNNING, world.clock() + round(2 * 1000 * SETTINGS.lease_seconds))


def test_who_leaves_keeps_its_lease_until_it_has_given_back(bench: Bench) -> None:
    bench.stop(StopReason.SHUTDOWN)
    heart_of(bench.world, bench.claim).beat()
    assert bench.part.beat == 8


@pytest.mark.parametrize("over", ["ended", "fenced"])
def test_nothing_is_told_of_a_part_that_is_over(bench: Bench, over: str) -> None:
    if over == "ended":
        bench.claim.ended = True
    else:
        bench.stop(StopReason.FENCED)
    heart_of(bench.world, bench.claim).beat()
    assert bench.part.beat == 7


def test_who_finds_its_part_anothers_lets_go_and_keeps_the_others(bench: Bench) -> None:
    world = bench.world
    job, part = put_running(world, "job_2")
    other = Claim(job, part, Options(), confirmed=0.0)
    bench.claim.part = replace(bench.claim.part, owner="gone")
    heart_of(world, bench.claim, other).beat()
    assert (bench.claim.stop_reason, bench.claim.stop.is_set()) == (StopReason.FENCED, True)
    assert (other.stop_reason, other.part.beat) == (None, 8)


def test_a_part_that_ends_while_its_heart_beats_is_not_fenced(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.claim.part = replace(bench.claim.part, owner="gone")
    heart = heart_of(bench.world, bench.claim)
    beat = bench.world.store.leases.heartbeat

    def late(*arguments: Any, **more: Any) -> Part:
        bench.claim.ended = True
        return beat(*arguments, **more)

    monkeypatch.setattr(bench.world.store.leases, "heartbeat", late)
    heart.beat()
    assert bench.claim.stop_reason is None


def test_an_outage_shorter_than_a_lease_takes_nothing_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.claim.confirmed = float("inf")
    heart = heart_of(bench.world, bench.claim)
    monkeypatch.setattr(
        bench.world.store.leases, "heartbeat", lambda *_, **__: raising(EndpointConnectionError(endpoint_url="x"))()
    )
    heart.beat()
    assert bench.claim.stop_reason is None


def test_a_slot_that_is_anothers_is_lost(world: World) -> None:
    world.store.slots.take(replace(SLOT, launch_id="launch_2"))
    presence = presence_of(world)
    assert not presence.lost
    presence.beat()
    assert presence.lost


def test_the_machine_tells_how_far_it_is_and_learns_when_it_was_launched(world: World) -> None:
    world.store.slots.take(SLOT)
    presence = presence_of(world)
    presence.reached("loaded")
    presence.note = "warm"
    presence.beat()
    slot = world.store.slots.get("00")
    assert slot
    assert (slot.times, slot.beat, slot.note) == ({"launched": 5, "loaded": world.clock()}, 1, "warm")
    assert presence.machine_times() == {"launched": 5, "loaded": world.clock()}
    assert not presence.lost


def test_a_machine_that_stays_after_all_is_looked_for_again(world: World) -> None:
    world.store.slots.take(SLOT)
    presence = presence_of(world)
    presence.leave("nothing to do")
    slot = world.store.slots.get("00")
    assert slot
    assert (slot.status, slot.note, slot.due_at) == (SlotStatus.LEAVING, "nothing to do", world.clock())
    presence.stay()
    slot = world.store.slots.get("00")
    assert slot
    assert (slot.status, slot.beat) == (SlotStatus.RUNNING, 1)


@pytest.mark.parametrize(("slot", "launch_id"), [(None, None), ("00", None), (None, "launch_1")])
def test_who_has_no_slot_of_its_own_is_an_own_box(world: World, slot: str | None, launch_id: str | None) -> None:
    world.store.slots.take(SLOT)
    presence = presence_of(world, slot, launch_id)
    presence.beat()
    assert [box["sk"] for box in world.store.fleet.own_boxes(world.clock())] == ["OWN#worker"]
    assert world.store.fleet.own_boxes(world.clock() + 3 * MINUTE_MS) == []
    presence.leave("done")
    assert world.store.fleet.own_boxes(world.clock()) == []
    assert world.store.slots.all() == [SLOT]


def test_whoever_must_go_goes_even_if_nobody_can_be_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    presence = presence_of(world)
    monkeypatch.setattr(
        world.store.slots, "leave", lambda *_, **__: raising(EndpointConnectionError(endpoint_url="x"))()
    )
    presence.try_to_leave("spot notice")
    presence.beat()
    assert world.store.slots.all() == []


def test_a_departure_waits_until_it_is_told_and_is_marked_once_the_slot_says_so() -> None:
    shutdown = Shutdown()
    assert (shutdown.told, shutdown.marked) == (False, True)
    threading.Timer(0.05, shutdown.begin).start()
    shutdown.wait(20)
    assert (shutdown.told, shutdown.marked) == (True, False)
    shutdown.mark()
    assert shutdown.marked
