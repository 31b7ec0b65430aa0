"""What the orchestrator does about each state of a slot, an upload and a step, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from services.common.domain.ids import upload_job_id
from services.common.domain.machines import Slot
from services.common.domain.search import Search
from services.common.domain.states import JobStatus, SlotStatus
from services.common.domain.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from services.common.machines.instances import Instances
from services.common.source_object import SourceObjects
from services.common.store.codec import UnknownVersionError
from services.common.store.fleet import FleetItems
from services.common.store.items import item_of
from services.common.store.operations import Put
from services.orchestrator.bulkheads import Bulkheads, SweepFailedError
from services.orchestrator.console_output import Consoles
from services.orchestrator.expiry import Expiry
from services.orchestrator.intake import Intake
from services.orchestrator.reaper import LEAVING_MS, LIFETIME_MARGIN_MS, LOOK_AGAIN_MS, STRAY_MS, Reaper
from services.orchestrator.reconciliation import YOUNG_MS, Reconciliation
from services.orchestrator.recovery import Recovery
from services.orchestrator.s3_events import Upload
from services.orchestrator.scaling import BREAK_MS
from services.orchestrator.settings import OrchestratorSettings
from tests.support.ec2 import FakeEc2
from tests.support.world import BUCKET, TABLE, World, intake_of
from tests.support.written import lying, put_job, put_running, table

SETTINGS = OrchestratorSettings(
    table_name=TABLE,
    bucket_name=BUCKET,
    deployment="test",
    secrets_key_id="key",
    models=("whisper-base",),
    launch_template_id="lt-1",
    spot_launch_template_id="lt-2",
    subnet_ids=("subnet-a",),
    instance_types=("g4dn.xlarge",),
    image_parameter="/image",
    fallback_image_parameter="/fallback",
    max_workers=2,
)
LIFETIME_MS = SETTINGS.max_lifetime_minutes * MINUTE_MS + LIFETIME_MARGIN_MS


class Reaping:
    """One slot and one machine, and a sweep that looks at both."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.launches: list[Slot] = []
        self.ended: list[str] = []
        ec2: Any = FakeEc2(lambda _: nullcontext(), lambda: None)
        self.ec2 = ec2
        ec2.end = self.ended.append
        consoles = Consoles(lambda: ec2, world.aws.logs, "", world.clock)
        instances = Instances(ec2, SETTINGS.deployment)
        self._reaper = Reaper(world.store, instances, consoles, self, SETTINGS)  # type: ignore[arg-type] # as a fleet

    def launch(self, slot: Slot, _: int) -> None:
        self.launches.append(slot)

    def slot(self, **more: Any) -> Slot:
        slot = Slot(
            **{
                "slot": "00",
                "status": SlotStatus.RUNNING,
                "launch_id": "launch_1",
                "request": {},
                "instance_id": "i-1",
                "owner": "worker",
                "taken_at": self.world.clock() - MINUTE_MS,
                "due_at": self.world.clock(),
                **more,
            }
        )
        self.world.store.slots.take(slot)
        return slot

    def machine(self, state: str = "running", launch_id: str = "launch_1", **more: Any) -> None:
        tags = [{"Key": "Name", "Value": "w"}, {"Key": "transcribe-launch-id", "Value": launch_id}]
        self.ec2.machines["i-1"] = {"InstanceId": "i-1", "State": {"Name": state}, "Tags": tags, **more}

    def sweep(self) -> int:
        return sum(see_to() for see_to in self._reaper.due(self.world.clock()))

    @property
    def now(self) -> Slot | None:
        return self.world.store.slots.get("00")


@pytest.fixture
def reaping(world: World) -> Reaping:
    return Reaping(world)


def test_a_slot_that_is_not_due_is_left_alone(reaping: Reaping) -> None:
    slot = reaping.slot(due_at=reaping.world.clock() + 1)
    assert (reaping.sweep(), reaping.now) == (0, slot)


def test_a_silent_machine_is_suspected_first_and_ended_by_the_next_look(reaping: Reaping) -> None:
    slot, now = reaping.slot(), reaping.world.clock()
    reaping.machine()
    assert (reaping.sweep(), reaping.ended) == (0, [])
    beats = 2 * round(SETTINGS.heartbeat_seconds * SECOND_MS)
    assert reaping.now == replace(slot, due_at=now + beats, suspected=True)
    reaping.world.clock.pass_(beats)
    assert (reaping.sweep(), reaping.ended) == (0, ["i-1"])
    note = "ended by the sweep: it fell silent"
    assert reaping.now == replace(slot, due_at=now + beats + LOOK_AGAIN_MS, suspected=True, note=note)


@pytest.mark.parametrize(("since", "ended"), [(LEAVING_MS, []), (LEAVING_MS + 1, ["i-1"])])
def test_a_machine_that_leaves_has_its_time_to_power_off(reaping: Reaping, since: int, ended: list[str]) -> None:
    now = reaping.world.clock()
    reaping.slot(status=SlotStatus.LEAVING, times={"leaving": now - since}, taken_at=now - 2 * LEAVING_MS)
    reaping.machine()
    reaping.sweep()
    assert reaping.ended == ended
    assert reaping.now
    assert reaping.now.due_at == now + LOOK_AGAIN_MS
    assert reaping.now.suspected is bool(ended)


@pytest.mark.parametrize(("age", "ended"), [(LIFETIME_MS, []), (LIFETIME_MS + 1, ["i-1"])])
@pytest.mark.parametrize("status", [SlotStatus.RUNNING, SlotStatus.LEAVING])
def test_a_machine_that_outlives_its_time_is_ended_though_it_is_not_due(
    reaping: Reaping, age: int, ended: list[str], status: SlotStatus
) -> None:
    now = reaping.world.clock()
    reaping.slot(status=status, taken_at=now - age, due_at=now + 1, times={"leaving": now})
    reaping.machine()
    reaping.sweep()
    assert reaping.ended == ended


@pytest.mark.parametrize("state", ["stopping", "stopped"])
def test_a_machine_that_is_ending_is_waited_for(reaping: Reaping, state: str) -> None:
    slot = reaping.slot(suspected=True)
    reaping.machine(state)
    assert (reaping.sweep(), reaping.ended) == (0, [])
    assert reaping.now == replace(slot, due_at=reaping.world.clock() + LOOK_AGAIN_MS, suspected=False)


def test_a_launch_without_an_answer_is_asked_again_and_frees_nothing(reaping: Reaping) -> None:
    slot = reaping.slot(instance_id=None, owner=None, status=SlotStatus.LAUNCHING)
    assert (reaping.sweep(), reaping.launches, reaping.now) == (0, [slot], slot)


def test_a_machine_that_is_gone_frees_its_slot_and_its_report_closes_the_breaker(reaping: Reaping) -> None:
    reaping.world.store.fleet.silent_boot(9)
    reaping.slot()
    reaping.machine("terminated")
    assert (reaping.sweep(), reaping.now) == (1, None)
    breaker = reaping.world.store.fleet.breaker()
    assert breaker
    assert breaker.silent_boots == 0


def test_a_machine_that_began_before_one_that_never_reported_says_nothing_of_the_image(reaping: Reaping) -> None:
    now = reaping.world.clock()
    reaping.world.store.fleet.silent_boot(now + BREAK_MS, reason="A key.")
    reaping.slot(taken_at=now - 1)
    reaping.machine("terminated")
    assert (reaping.sweep(), reaping.now) == (1, None)
    breaker = reaping.world.store.fleet.breaker()
    assert breaker
    assert (breaker.silent_boots, breaker.reason) == (1, "A key.")


@pytest.mark.parametrize("forgotten", [True, False])
def test_a_machine_that_never_reported_counts_against_the_image(reaping: Reaping, *, forgotten: bool) -> None:
    reaping.slot(owner=None)
    if not forgotten:
        reaping.machine("terminated", StateReason={"Code": "Client.InstanceInitiatedShutdown"})
    assert (reaping.sweep(), reaping.now) == (1, None)
    breaker = reaping.world.store.fleet.breaker()
    assert breaker
    assert (breaker.silent_boots, breaker.open_until) == (1, reaping.world.clock() + 30 * MINUTE_MS)


def test_a_machine_that_ec2_took_back_says_nothing_of_the_image(reaping: Reaping) -> None:
    reaping.slot(owner=None)
    reaping.machine("terminated", StateReason={"Code": "Server.SpotInstanceTermination"})
    assert (reaping.sweep(), reaping.now) == (1, None)
    assert reaping.world.store.fleet.breaker() is None


def test_a_slot_that_another_sweep_has_freed_counts_nothing_twice(
    reaping: Reaping, monkeypatch: pytest.MonkeyPatch
) -> None:
    reaping.slot(owner=None)
    monkeypatch.setattr(reaping.world.store.slots, "free", lambda _: False)
    assert reaping.sweep() == 0
    assert reaping.world.store.fleet.breaker() is None


@pytest.mark.parametrize("suspected", [True, False])
def test_a_machine_that_is_heard_of_since_is_not_ended(
    reaping: Reaping, monkeypatch: pytest.MonkeyPatch, *, suspected: bool
) -> None:
    reaping.slot(suspected=suspected)
    reaping.machine()
    monkeypatch.setattr(reaping.world.store.slots, "look_again_at", lambda *_, **__: False)
    assert (reaping.sweep(), reaping.ended) == (0, [])


@pytest.mark.parametrize("state", ["pending", "running"])
def test_a_machine_without_a_slot_is_marked_and_ended_a_minute_later(reaping: Reaping, state: str) -> None:
    reaping.slot(due_at=reaping.world.clock() + MINUTE_MS + 1)
    reaping.machine(state, "another")
    for passed, ended in ((0, []), (STRAY_MS - 1, []), (1, ["i-1"])):
        reaping.world.clock.pass_(passed)
        assert (reaping.sweep(), reaping.ended) == (0, ended)


@pytest.mark.parametrize(("state", "launch_id"), [("shutting-down", "another"), ("running", "launch_1")])
def test_a_machine_that_ends_or_has_its_slot_is_no_stray(reaping: Reaping, state: str, launch_id: str) -> None:
    reaping.slot(due_at=reaping.world.clock() + 5 * MINUTE_MS)
    reaping.machine(state, launch_id)
    for _ in range(3):
        reaping.sweep()
        reaping.world.clock.pass_(MINUTE_MS)
    assert reaping.ended == []
    assert lying(reaping.world, ("FLEET", "STRAY#i-1")) == {}


def failing(error: Exception) -> Callable[[Any], bool]:
    def fail(_: Any) -> bool:
        raise error

    return fail


def test_a_sweep_tells_at_its_end_which_steps_failed_each_once() -> None:
    walls = Bulkheads()
    assert walls.step("one", lambda: 1) == 1
    walls.close()
    assert walls.step("two", lambda: failing(RuntimeError())(1)) is None
    walls.step("three", lambda: walls.each([1, 2], failing(RuntimeError())))
    with pytest.raises(SweepFailedError, match=r"^two, three$"):
        walls.close()


def test_an_item_that_fails_or_is_not_ours_keeps_no_other_from_being_done() -> None:
    walls = Bulkheads()
    assert walls.each([False, True, True], lambda item: item) == 2
    assert walls.each([1], failing(UnknownVersionError("newer"))) == 0
    walls.close()


def intake(world: World) -> Intake:
    return intake_of(world)


def upload(key: str, etag: str = "etag") -> Upload:
    return Upload(key=key, etag=etag, size=16_000, uploaded=3, modified=3_000)


def test_an_upload_is_its_clients_if_that_is_known_and_the_defaults_otherwise(world: World) -> None:
    world.store.clients.register("alice")
    known, unknown = intake(world).take([upload("uploads/alice/a.mp3"), upload("uploads/bob/a.mp3")], world.clock())
    assert known.job
    assert unknown.job
    assert (known.job.client_id, unknown.job.client_id) == ("alice", "default")
    assert (known.job.file_name, known.job.source_bytes, known.job.times["uploaded"]) == ("a.mp3", 16_000, 3)
    assert known.job.job_id == upload_job_id(BUCKET, "uploads/alice/a.mp3", "etag")
    (again,) = intake(world).take([upload("uploads/alice/a.mp3")], world.clock())
    assert (again.job, again.error) == (None, None)


def test_uploads_of_one_client_wait_one_behind_the_other(world: World) -> None:
    taken = intake(world).take([upload(f"uploads/{number}.mp3") for number in range(3)], world.clock())
    due = sorted(part.due_at for one in taken if one.job for part in world.store.parts.of_job(one.job.job_id))
    assert due[0] == world.clock()
    assert due[1] - due[0] == due[2] - due[1] > 0


@pytest.mark.parametrize("status", [JobStatus.AWAITING_UPLOAD, JobStatus.EXPIRED])
def test_an_awaited_upload_queues_the_job_that_waits_for_it(world: World, status: JobStatus) -> None:
    job = put_job(world, status=status, source_etag="", upload_expires_at=5)
    (taken,) = intake(world).take([upload(job.source_key, "new")], world.clock())
    assert taken.job
    assert (taken.job.job_id, taken.job.status, taken.job.source_etag) == ("job_1", "queued", "new")


@pytest.mark.parametrize("etag", ["etag", ""])
def test_an_upload_whose_job_is_there_or_was_canceled_makes_no_other(world: World, etag: str) -> None:
    job = put_job(world, status=JobStatus.CANCELED, source_etag=etag, source_modified=3_000)
    (taken,) = intake(world).take([upload(job.source_key)], world.clock())
    assert (taken.job, taken.error) == (None, None)


def test_another_object_under_a_jobs_key_is_a_job_of_its_own(world: World) -> None:
    job = put_job(world)
    (taken,) = intake(world).take([upload(job.source_key, "new")], world.clock())
    assert taken.job
    assert taken.job.job_id != "job_1"
    (elsewhere,) = intake(world).take([upload("uploads/alice/job_1/b.mp3")], world.clock())
    assert elsewhere.job


def test_what_goes_wrong_for_one_client_is_told_of_its_uploads_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.store.clients.register("alice")
    take, broken = world.store.turns.take, RuntimeError("throttled")

    def sometimes(client_id: str, *rest: int) -> int:
        if client_id == "alice":
            raise broken
        return take(client_id, *rest)

    monkeypatch.setattr(world.store.turns, "take", sometimes)
    taken = intake(world).take([upload("uploads/alice/a.mp3"), upload("uploads/b.mp3")], world.clock())
    assert {one.upload.key: (one.job is None, one.error) for one in taken} == {
        "uploads/alice/a.mp3": (True, broken),
        "uploads/b.mp3": (False, None),
    }


def test_only_a_job_that_still_waits_for_its_upload_expires(world: World) -> None:
    expiry = Expiry(world.store, world.announcer, SourceObjects(world.s3, BUCKET))
    job = put_job(world, status=JobStatus.AWAITING_UPLOAD, upload_expires_at=world.clock())
    table(world).write(Put(item=item_of(job)))
    assert expiry.overdue(world.clock()) == ["job_1"]
    assert expiry.overdue(world.clock() - 1) == []
    assert expiry.expire("job_1", world.clock() - 1) is False, "the index may show it as it was before a renewal"
    assert expiry.expire("job_1", world.clock()) is True
    assert expiry.expire("job_1", world.clock()) is False
    assert expiry.expire("job_2", world.clock()) is False


def test_a_suspect_is_a_running_part_whose_lease_has_ended_by_the_table(world: World) -> None:
    _, part = put_running(world)
    recovery = Recovery(world.store, world.announcer)
    assert recovery.suspects(part.due_at) == [part]
    assert recovery.suspects(part.due_at - 1) == []


@pytest.mark.parametrize(("on_device", "deaths", "losses"), [(True, 2, 1), (False, 1, 2)])
def test_a_part_whose_worker_fell_silent_goes_back_with_its_job(
    world: World, *, on_device: bool, deaths: int, losses: int
) -> None:
    _, part = put_running(world)
    part = replace(part, on_device=on_device)
    assert Recovery(world.store, world.announcer).take_away(part, 99) is True
    found = world.store.parts.get("job_1", part.part_id)
    assert found
    assert (found.status, found.due_at, found.deaths, found.losses) == ("queued", 99, deaths, losses)
    assert lying(world, ("JOB#job_1", "JOB"))["status"] == "queued"
    assert Recovery(world.store, world.announcer).take_away(part, 99) is False


def test_a_part_that_was_silent_too_often_fails_its_job_and_a_part_of_none_is_closed(world: World) -> None:
    recovery = Recovery(world.store, world.announcer)
    _, part = put_running(world)
    assert recovery.take_away(replace(part, deaths=2), 99) is True
    item = lying(world, ("JOB#job_1", "JOB"))
    assert (item["status"], item["error"]["code"], item["times"]["failed"]) == ("failed", "REPEATED_CRASH", 99)
    _, left = put_running(world, "job_2")
    put_job(world, "job_2", status=JobStatus.CANCELED)
    assert recovery.take_away(left, 99) is True
    assert [one.status for one in world.store.parts.of_job("job_2")] == ["canceled"]


def test_the_search_takes_in_what_has_no_job_and_leaves_the_rest_alone(world: World) -> None:
    def put(key: str, content: bytes = b"sound") -> str:
        return world.s3.put_object(Bucket=BUCKET, Key=key, Body=content)["ETag"].strip('"')

    put("uploads/folder/")
    key = "uploads/alice/job_known/a.mp3"
    known = put_job(world, "job_known", source_key=key, source_etag=put(key), source_modified=world.clock())
    put("uploads/new.mp3")
    world.clock.pass_(YOUNG_MS)
    search = Reconciliation(world.store, world.s3, BUCKET, intake(world), 30)
    assert search.run(world.clock() - world.clock() % HOUR_MS, lambda: True) == 0
    assert search.run(world.clock() - world.clock() % HOUR_MS + HOUR_MS, lambda: True) == 1
    assert [job.source_key for job in world.jobs()] == ["uploads/new.mp3"]
    assert world.job(known.job_id) == known
    assert search.run(world.clock() - world.clock() % HOUR_MS + 2 * HOUR_MS, lambda: True) == 0


@pytest.mark.parametrize(
    ("age", "found"), [(YOUNG_MS - 1, 0), (YOUNG_MS, 1), (30 * DAY_MS - 1, 1), (30 * DAY_MS, 0), (31 * DAY_MS, 0)]
)
def test_the_search_takes_what_is_neither_young_nor_older_than_its_job_would_be(
    world: World, age: int, found: int
) -> None:
    world.now = world.now // HOUR_MS * HOUR_MS
    world.s3.put_object(Bucket=BUCKET, Key="uploads/a.mp3", Body=b"sound")
    search = Reconciliation(world.store, world.s3, BUCKET, intake(world), 30)
    with patch.object(FleetItems, "search", lambda _: Search(cursor="uploads/")):
        assert search.run(world.now + age, lambda: True) == found


def test_the_search_tells_of_what_could_not_be_taken_in_but_not_of_what_is_not_ours(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("broken", "newer"):
        world.s3.put_object(Bucket=BUCKET, Key=f"uploads/{name}.mp3", Body=b"sound")
    taking = intake(world)

    def judged(upload: Upload, *_: object) -> None:
        raise UnknownVersionError if "newer" in upload.key else RuntimeError

    search = Reconciliation(world.store, world.s3, BUCKET, taking, 30)
    with patch.object(taking, "_judged", judged):
        assert search.run((world.now + YOUNG_MS) // HOUR_MS * HOUR_MS + HOUR_MS, lambda: True) == 0
    assert capsys.readouterr().err.count("search.failed") == 1
