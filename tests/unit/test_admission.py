from __future__ import annotations

from services.common.domain.options import Options
from services.common.domain.records import Job, Part
from services.common.domain.states import JobStatus, PartStatus
from services.gpu_worker.admission import LEAST_AHEAD_SECONDS as AHEAD
from services.gpu_worker.admission import MAX_HELD, ahead_seconds, has_room, joins
from services.gpu_worker.claim import Claim

MODEL = Options().model_key


def part(*, attempt: int = 0, seconds: float = 10.0) -> Part:
    return Part(
        job_id="job",
        part_id="PART#0000",
        status=PartStatus.QUEUED,
        client_id="acme",
        created_at=0,
        attempt=attempt,
        seconds=seconds,
    )


def held(**more: float) -> Claim:
    attempt = int(more.pop("attempt", 1))
    job = Job(job_id="job", client_id="acme", status=JobStatus.RUNNING, created_at=0, source_key="k", file_name="a")
    return Claim(job, part(attempt=attempt, **more), Options(), confirmed=0.0)


def test_a_worker_with_little_left_claims_the_next_part_before_it_is_idle() -> None:
    assert has_room([], AHEAD)
    assert has_room([held(seconds=AHEAD - 1)], AHEAD)
    assert not has_room([held(seconds=AHEAD)], AHEAD)


def test_a_fast_device_has_more_in_hand_for_as_long_as_the_next_recording_takes_to_prepare() -> None:
    assert ahead_seconds(1.0) == AHEAD
    assert ahead_seconds(60.0) == 1_200


def test_short_recordings_keep_each_other_company_up_to_a_limit() -> None:
    assert has_room([held(seconds=5.0)] * (MAX_HELD - 1), AHEAD)
    assert not has_room([held(seconds=5.0)] * MAX_HELD, AHEAD)


def test_from_the_second_attempt_on_a_part_is_alone() -> None:
    assert not has_room([held(attempt=2)], AHEAD)
    assert not joins(part(attempt=1), MODEL, [held()])
    assert joins(part(attempt=1), MODEL, [])


def test_what_is_worked_on_together_shares_one_model() -> None:
    assert joins(part(), MODEL, [held()])
    assert not joins(part(), "another", [held()])
    assert joins(part(), "another", [])


def test_heart_and_work_each_change_their_own_fields_of_a_claim() -> None:
    claim = held()
    stale = claim.part
    claim.update(parts=3)
    claim.update(beat=stale.beat + 1)
    assert (claim.part.parts, claim.part.beat) == (3, 1)
