"""The pure parts of the domain."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.domain import object_keys
from services.common.domain.fair_queue import MIN_TURN_MS, estimated_seconds, turn
from services.common.domain.ids import event_id, new_api_key, new_id, upload_job_id
from services.common.domain.retry_policy import MAX_DEATHS, MAX_LOSSES, exhausted, exhaustion_error
from services.common.domain.states import TERMINAL, JobStatus, JobTransition
from services.gpu_worker.queue.meter import Meter
from tests.support.file_names import HOSTILE

HARMFUL = st.sampled_from([*HOSTILE, *"$/\\.\r\n\0\x7f \u202e\u2028\ufeff", "${", "filename", "}"])


def test_the_job_of_an_upload_is_a_function_of_bucket_key_and_etag() -> None:
    assert upload_job_id("b", "k", "e") == upload_job_id("b", "k", "e")
    assert len({upload_job_id("b", "k", "e"), upload_job_id("b", "ke", ""), upload_job_id("bk", "", "e")}) == 3


def test_repeated_events_are_told_apart_by_their_serial() -> None:
    assert event_id("job", "transcription.started", "0", 7) != event_id("job", "transcription.started", "1", 7)


def test_new_ids_are_new() -> None:
    assert len({new_id("job") for _ in range(1_000)}) == 1_000


def test_an_api_key_has_256_random_bits() -> None:
    key = new_api_key()
    assert key.startswith("key_")
    assert len(base64.urlsafe_b64decode(key.removeprefix("key_") + "=")) == 32
    assert new_api_key() != key


def test_nothing_leads_out_of_a_text() -> None:
    assert not [way for way in JobTransition if way.allows(JobStatus.COMPLETED) and way.target]
    assert JobStatus.COMPLETED in TERMINAL


@given(st.lists(HARMFUL | st.text(max_size=8), max_size=12).map("".join) | st.text(max_size=400))
def test_any_file_name_becomes_one_segment_of_a_key_and_nothing_that_s3_expands(name: str) -> None:
    segment = object_keys.file_name(name)
    assert segment.strip(".")
    assert not set("/\\$\r\n\0") & set(segment)
    assert len(segment.encode()) <= 255
    assert object_keys.upload("acme", "job_1", name) == f"uploads/acme/job_1/{segment}"
    assert object_keys.upload_job(object_keys.upload("acme", "job_1", name)) == ("acme", "job_1")


@pytest.mark.parametrize(("name", "segment"), HOSTILE.items())
def test_hostile_file_names_become_harmless_ones(name: str, segment: str) -> None:
    assert object_keys.file_name(name) == segment


@pytest.mark.parametrize("name", ["möte å+ä ö.mp3", "a b.wav", "100%.mp3"])
def test_ordinary_file_names_stay_as_they_are(name: str) -> None:
    assert object_keys.file_name(name) == name


def test_two_attempts_never_share_a_key() -> None:
    assert object_keys.result("j", 1, "txt") != object_keys.result("j", 2, "txt")
    assert object_keys.words("j", 1) != object_keys.words("j", 2)
    assert object_keys.checkpoint("j", "PART#0000", 1, 1) != object_keys.checkpoint("j", "PART#0000", 2, 1)


@given(st.integers(0, 10**12))
def test_every_recording_takes_some_of_the_queue(size: int) -> None:
    assert turn(estimated_seconds(size)) >= MIN_TURN_MS


def test_three_deaths_end_a_part_and_lost_machines_count_apart() -> None:
    assert not exhausted(MAX_DEATHS - 1, MAX_LOSSES - 1)
    assert exhausted(MAX_DEATHS, 0)
    assert exhausted(0, MAX_LOSSES)


def test_the_first_job_pays_for_the_boot_and_company_shares() -> None:
    meter = Meter(since=0.0)
    meter.enter("a", 40.0)
    meter.enter("b", 50.0)
    assert meter.leave("a", 70.0) == pytest.approx(40 + 10 + 10)
    assert meter.leave("b", 80.0) == pytest.approx(10 + 10)


def test_the_time_in_which_a_machine_waited_for_an_upload_is_in_the_cost_of_the_next_job_and_in_no_other() -> None:
    meter = Meter(since=0.0)
    meter.enter("first", 300.0)
    assert meter.leave("first", 310.0) == pytest.approx(310)
    meter.enter("next", 400.0)
    assert meter.leave("next", 405.0) == pytest.approx(405 - 310)


def test_a_recording_is_blamed_for_deaths_alone_and_not_for_lost_machines() -> None:
    assert (exhaustion_error(3).code, exhaustion_error(3).retryable) == ("REPEATED_CRASH", False)
    for deaths in (0, 1, 2):
        assert (exhaustion_error(deaths).code, exhaustion_error(deaths).retryable) == ("LOST_TOO_OFTEN", True)
