from __future__ import annotations

from typing import Any

import pytest

from services.common.domain.options import Options
from services.common.domain.records import Job, Part
from services.common.domain.retry_policy import MAX_DEATHS
from services.common.domain.states import JobStatus, PartStatus
from services.gpu_worker.part.claim import BEGINNING_SECONDS, Claim
from services.gpu_worker.queue.admission import LEAST_AHEAD_SECONDS as AHEAD
from services.gpu_worker.queue.admission import MAX_HELD, MAX_LABELLING, ahead_seconds, has_room, joins

MODEL = Options().model_key


def part(**more: Any) -> Part:
    return Part(
        **{"seconds": 10.0, **more},
        job_id="job",
        part_id="PART#0000",
        status=PartStatus.QUEUED,
        client_id="acme",
        created_at=0,
    )


def held(**more: Any) -> Claim:
    job = Job(job_id="job", client_id="acme", status=JobStatus.RUNNING, created_at=0, source_key="k", file_name="a")
    return Claim(job, part(**{"attempt": 1, **more}), Options(), confirmed=0.0)


def test_a_worker_with_little_left_claims_the_next_part_before_it_is_idle() -> None:
    assert has_room([], AHEAD, 0.0)
    assert has_room([held(seconds=AHEAD - 1)], AHEAD, 0.0)
    assert not has_room([held(seconds=AHEAD)], AHEAD, 0.0)


def test_a_fast_device_has_more_in_hand_for_as_long_as_the_next_recording_takes_to_prepare() -> None:
    assert ahead_seconds(1.0) == AHEAD
    assert ahead_seconds(60.0) == 1_200


def test_short_recordings_keep_each_other_company_up_to_a_limit() -> None:
    assert has_room([held(seconds=5.0)] * (MAX_HELD - 1), AHEAD, 0.0)
    assert not has_room([held(seconds=5.0)] * MAX_HELD, AHEAD, 0.0)


def test_recordings_whose_speakers_are_still_observed_leave_the_device_to_others_up_to_a_limit() -> None:
    labelling = held(seconds=0.0)
    labelling.labelling = True
    assert has_room([labelling] * MAX_HELD, AHEAD, 0.0)
    assert has_room([labelling] * MAX_LABELLING + [held(seconds=5.0)] * (MAX_HELD - 1), AHEAD, 0.0)
    assert not has_room([labelling] * (MAX_LABELLING + 1) + [held(seconds=5.0)] * (MAX_HELD - 1), AHEAD, 0.0)


@pytest.mark.parametrize("past", [{"deaths": 1}, {"losses": MAX_DEATHS}])
def test_a_part_over_which_a_process_died_or_that_was_lost_often_is_alone(past: dict[str, int]) -> None:
    assert not has_room([held(**past)], AHEAD, 0.0)
    assert not joins(part(**past), MODEL, [held()])
    assert joins(part(**past), MODEL, [])


@pytest.mark.parametrize("past", [{"attempt": 7}, {"losses": MAX_DEATHS - 1}, {"suspected": True}])
def test_a_part_that_was_interrupted_or_shared_anothers_fate_keeps_company(past: dict[str, int]) -> None:
    assert has_room([held(**past)], AHEAD, 0.0)
    assert joins(part(**past), MODEL, [held()])


def test_a_recording_that_nobody_gets_read_holds_up_no_other() -> None:
    unread = held(seconds=100 * AHEAD)
    assert not has_room([unread], AHEAD, BEGINNING_SECONDS - 1)
    assert has_room([unread], AHEAD, BEGINNING_SECONDS)
    unread.begin()
    assert not has_room([unread], AHEAD, 10 * BEGINNING_SECONDS)


def test_a_recording_that_is_decoded_while_it_is_read_is_work_for_the_device_however_long_that_takes() -> None:
    claimed = held(seconds=100 * AHEAD)
    claimed.begin()
    assert (claimed.seconds_left, claimed.progress) == (100 * AHEAD, 0.0)
    assert not has_room([claimed], AHEAD, 10 * BEGINNING_SECONDS)
    claimed.begin(AHEAD / 2)
    assert claimed.progress == 0.0
    assert has_room([claimed], AHEAD, 10 * BEGINNING_SECONDS)


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
