"""The heart keeps what is held, and lets go of what nobody can have heard of for a whole lease."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from services.common.domain.options import Options
from services.common.domain.records import Job, Part
from services.common.domain.states import JobStatus, PartStatus
from services.common.store.leases import FencedError
from services.gpu_worker.part.claim import Claim, StopReason
from services.gpu_worker.queue import heartbeats as hearts
from services.gpu_worker.queue.heartbeats import Heartbeats
from services.gpu_worker.settings import WorkerSettings

UNREACHABLE = ConnectTimeoutError(endpoint_url="https://dynamodb.example.com")
SETTINGS = WorkerSettings(
    table_name="table",
    bucket_name="bucket",
    deployment="test",
    secrets_key_id="key",
    models=("model",),
    lease_seconds=60,
    heartbeat_seconds=0.01,
)


class Aws:
    """Parts and slot as the heart sees them; what it meets there is for the test to say."""

    def __init__(self) -> None:
        self.leases = self
        self.told: list[str] = []
        self.slot_beats = 0
        self.meets: Callable[[Part], None] = lambda _: None
        self.slot_meets: Callable[[], None] = lambda: None

    def heartbeat(self, part: Part, *, lease_ends: int, **_: Any) -> Part:
        self.told.append(part.job_id)
        self.meets(part)
        return replace(part, beat=part.beat + 1, due_at=lease_ends)

    def beat(self) -> None:
        self.slot_beats += 1
        self.slot_meets()


class Seconds:
    """The monotonic clock, moved by the test."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    made = Seconds()
    monkeypatch.setattr(hearts, "time", SimpleNamespace(monotonic=made.monotonic))
    return made


@pytest.fixture
def aws() -> Aws:
    return Aws()


def held(name: str = "job", confirmed: float = 1_000.0) -> Claim:
    job = Job(job_id=name, client_id="a", status=JobStatus.RUNNING, created_at=0, source_key="k", file_name="f")
    part = Part(job_id=name, part_id="PART#0000", status=PartStatus.RUNNING, client_id="a", created_at=0, attempt=1)
    return Claim(job, part, Options(), confirmed=confirmed)


def heart(
    aws: Any, *claims: Claim, alive: Callable[[], None] = lambda: None, settings: WorkerSettings = SETTINGS
) -> Heartbeats:
    return Heartbeats(aws, aws, settings, held=claims, clock=lambda: 5_000, alive=alive)


def raises(error: Exception) -> Callable[..., None]:
    def raising(*_: object) -> None:
        raise error

    return raising


def test_a_worker_that_nobody_heard_of_for_a_whole_lease_fences_itself(aws: Aws, seconds: Seconds) -> None:
    claim = held()
    seconds.now += SETTINGS.lease_seconds + 1
    heart(aws, claim).stop_expired()
    assert (claim.stop.is_set(), claim.stop_reason) == (True, StopReason.LEASE_EXPIRED)
    assert not claim._give_up.is_set(), "it waits until it can be given back"


def test_a_lease_is_over_for_all_parts_at_once_and_without_a_call(aws: Aws, seconds: Seconds) -> None:
    first, second, fresh = held("first"), held("second"), held("fresh", confirmed=1_001.0)
    seconds.now += SETTINGS.lease_seconds + 0.5
    heart(aws, first, second, fresh).stop_expired()
    assert [claim.stop_reason for claim in (first, second, fresh)] == [
        StopReason.LEASE_EXPIRED,
        StopReason.LEASE_EXPIRED,
        None,
    ]
    assert aws.told == []


@pytest.mark.parametrize("over", [StopReason.FENCED, "ended"])
def test_whoever_has_ended_or_was_fenced_does_not_fall_silent(aws: Aws, seconds: Seconds, over: str) -> None:
    claim = held()
    if over == "ended":
        claim.ended = True
    else:
        claim.stop_work(StopReason.FENCED)
    seconds.now += SETTINGS.lease_seconds + 1
    heart(aws, claim).stop_expired()
    assert claim.stop_reason is (None if over == "ended" else StopReason.FENCED)


def test_beats_that_nobody_hears_do_not_keep_a_lease(aws: Aws, seconds: Seconds) -> None:
    claim = held()
    aws.meets = raises(UNREACHABLE)
    beating = heart(aws, claim)
    for _ in range(7):
        seconds.now += 10
        beating.beat()
        beating.stop_expired()
    assert claim.stop_reason is StopReason.LEASE_EXPIRED


def test_a_number_is_told_once_also_where_nobody_says_that_it_was_heard(aws: Aws, seconds: Seconds) -> None:
    """The sweep believes a counter that stands still, and a beat whose answer was lost has moved it."""
    claim = held()
    aws.meets = raises(UNREACHABLE)
    numbers: list[int] = []
    real = aws.heartbeat

    def heartbeat(part: Part, **how: Any) -> Part:
        numbers.append(part.beat + 1)
        return real(part, **how)

    aws.heartbeat = heartbeat  # type: ignore[method-assign] # this one's alone
    beating = heart(aws, claim)
    beating.beat()
    beating.beat()
    assert numbers == [1, 2]


def test_until_its_lease_is_over_a_worker_that_cannot_be_heard_goes_on(aws: Aws, seconds: Seconds) -> None:
    claim = held()
    aws.meets = raises(UNREACHABLE)
    seconds.now += SETTINGS.lease_seconds
    beating = heart(aws, claim)
    beating.beat()
    beating.stop_expired()
    assert not claim.stop.is_set()


def test_a_lease_counts_from_the_last_beat_that_was_heard(aws: Aws, seconds: Seconds) -> None:
    claim = held()
    seconds.now += SETTINGS.lease_seconds
    heart(aws, claim).beat()
    aws.meets = raises(UNREACHABLE)
    seconds.now += SETTINGS.lease_seconds
    heart(aws, claim).stop_expired()
    assert not claim.stop.is_set()


def test_a_lease_counts_from_when_the_beat_was_sent_and_not_from_its_slow_answer(aws: Aws, seconds: Seconds) -> None:
    claim = held()

    def slowly(_: Part) -> None:
        seconds.now += 50

    aws.meets = slowly
    heart(aws, claim).beat()
    assert claim.confirmed == 1_000.0


def test_the_work_on_a_part_that_is_anothers_stops_at_once(aws: Aws, seconds: Seconds) -> None:
    claim = held()
    aws.meets = raises(FencedError("PART#0000"))
    heart(aws, claim).beat()
    assert (claim.stop.is_set(), claim.stop_reason) == (True, StopReason.FENCED)


@pytest.mark.parametrize("how", ["ending", "ended"])
def test_a_part_that_ended_while_its_beat_was_under_way_was_taken_by_nobody(
    aws: Aws, seconds: Seconds, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    claim = held()

    def end(_: Part) -> None:
        setattr(claim, how, True)
        raise FencedError("PART#0000")

    aws.meets = end
    heart(aws, claim).beat()
    assert not claim.stop.is_set()
    assert "part.fenced" not in capsys.readouterr().err


def test_a_part_whose_last_write_waits_for_its_answer_is_still_beaten_for(aws: Aws, seconds: Seconds) -> None:
    claim = held()
    claim.ending = True
    heart(aws, claim).beat()
    assert aws.told == ["job"]


def test_whoever_has_ended_fell_silent_or_was_fenced_is_beaten_for_no_more(aws: Aws, seconds: Seconds) -> None:
    ended, fenced, silent, leaving = held("ended"), held("fenced"), held("silent"), held("leaving")
    ended.ended = True
    fenced.stop_work(StopReason.FENCED)
    silent.stop_work(StopReason.LEASE_EXPIRED)
    leaving.stop_work(StopReason.SHUTDOWN)
    heart(aws, ended, fenced, silent, leaving).beat()
    assert aws.told == ["leaving"]


@pytest.mark.parametrize("error", [UNREACHABLE, FencedError("PART#0000")])
def test_one_parts_trouble_keeps_no_other_and_not_the_machine_from_being_heard_of(
    aws: Aws, seconds: Seconds, error: Exception
) -> None:
    first, second = held("first"), held("second")

    def trouble(part: Part) -> None:
        if part.job_id == "first":
            raise error

    aws.meets = trouble
    heart(aws, first, second).beat()
    assert (aws.told, aws.slot_beats, second.part.beat) == (["first", "second"], 1, 1)


def test_a_beat_moves_the_counter_and_the_lease_of_the_claim(aws: Aws, seconds: Seconds) -> None:
    claim = held()
    beating = heart(aws, claim)
    beating.beat()
    beating.beat()
    assert (claim.part.beat, claim.part.due_at) == (2, 5_000 + 60_000)


@pytest.fixture
def beating(aws: Aws) -> Iterator[threading.Event]:
    """A heart on its own thread, that was well three times."""
    well, times = threading.Event(), [0]

    def alive() -> None:
        times[0] += 1
        if times[0] == 3:
            well.set()

    aws.slot_meets = raises(UNREACHABLE)
    made = heart(aws, alive=alive)
    made.start()
    yield well
    made.stop(10)


def test_a_heart_beats_on_through_an_outage(aws: Aws, beating: threading.Event) -> None:
    assert beating.wait(20)
    assert aws.slot_beats >= 3


SHORT = SETTINGS.model_copy(update={"lease_seconds": 0.5, "heartbeat_seconds": 0.05})
"""For hearts that beat in earnest."""


@pytest.fixture
def hanging(aws: Aws) -> Iterator[threading.Event]:
    """Beats for the job of this name wait until it is set."""
    answer = threading.Event()

    def hang(part: Part) -> None:
        if part.job_id.startswith("hanging"):
            answer.wait(20)

    aws.meets = hang
    yield answer
    answer.set()


def test_the_work_on_a_part_stops_when_its_lease_is_over_though_all_beats_hang(
    aws: Aws, hanging: threading.Event
) -> None:
    began = time.monotonic()
    first, second = held("hanging 1", confirmed=began), held("hanging 2", confirmed=began)
    beats: list[int] = []
    made = heart(aws, first, second, alive=lambda: beats.append(1), settings=SHORT)
    made.start()
    assert first.stop.wait(10)
    assert second.stop.wait(10)
    took = time.monotonic() - began
    hanging.set()
    made.stop(10)
    assert SHORT.lease_seconds < took < 2 * SHORT.lease_seconds
    assert (first.stop_reason, second.stop_reason) == (StopReason.LEASE_EXPIRED, StopReason.LEASE_EXPIRED)
    assert aws.told == ["hanging 1", "hanging 2"], "one at a time for each"
    assert len(beats) > 3, "nobody takes the heart for hung"


def test_a_beat_that_hangs_keeps_no_other_part_from_being_heard_of(aws: Aws, hanging: threading.Event) -> None:
    began = time.monotonic()
    first, second = held("hanging", confirmed=began), held("well", confirmed=began)
    made = heart(aws, first, second, settings=SHORT)
    made.start()
    assert first.stop.wait(10)
    time.sleep(SHORT.lease_seconds / 2)
    assert not second.stop.is_set()
    assert second.part.beat >= 3
    assert aws.slot_beats >= 3
    hanging.set()
    made.stop(10)


ORDER = [StopReason.SHUTDOWN, StopReason.LEASE_EXPIRED, StopReason.FENCED]


@pytest.mark.parametrize(("weaker", "stronger"), [(ORDER[0], ORDER[1]), (ORDER[0], ORDER[2]), (ORDER[1], ORDER[2])])
def test_a_fence_outranks_an_expired_lease_and_that_a_shutdown_whichever_came_first(
    weaker: StopReason, stronger: StopReason
) -> None:
    one, other = held(), held()
    one.stop_work(stronger)
    one.stop_work(weaker)
    other.stop_work(weaker)
    other.stop_work(stronger)
    assert (one.stop_reason, other.stop_reason) == (stronger, stronger)


def test_whoever_fell_silent_has_time_to_be_heard_until_the_machine_must_go() -> None:
    claim = held()
    claim.stop_work(StopReason.LEASE_EXPIRED)
    assert (claim.stop.is_set(), claim._give_up.is_set()) == (True, False)
    claim.stop_work(StopReason.SHUTDOWN)
    assert (claim.stop_reason, claim._give_up.is_set()) == (StopReason.LEASE_EXPIRED, True)
