"""The judge of the mixture notices every promise that is not kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.common.domain.records import Job, Part
from services.common.domain.states import JobStatus, PartStatus
from tests.mixture.alone import Alone
from tests.mixture.bad import bad
from tests.mixture.collection import Made, mixture
from tests.mixture.judge import gaps, violations
from tests.mixture.recording import Recording, Sort
from tests.mixture.together import Together

REFUSED = {"code": "INVALID_MEDIA", "message": "", "retryable": False}
DIGESTS = {"txt": "d1", "json": "d2"}


def made(name: str, sort: Sort, code: str | None = None) -> Made:
    return Made(Recording(name=name, sort=sort, make=Path.touch, code=code), Path(name))


MADE = (made("good.wav", Sort.GOOD), made("bad.wav", Sort.BAD, "INVALID_MEDIA"), made("next.wav", Sort.FUZZED))
BY_ITSELF = {
    Path("good.wav"): Alone(digests=DIGESTS),
    Path("bad.wav"): Alone(code="INVALID_MEDIA"),
    Path("next.wav"): Alone(code="INVALID_MEDIA"),
}


def job(name: str, **more: Any) -> Job:
    known: dict[str, Any] = {"client_id": "alfa", "created_at": 1, "source_key": name, "file_name": name}
    return Job(job_id=f"job_{name}", **known | {"status": JobStatus.FAILED, "error": REFUSED} | more)


def completed(name: str, digests: dict[str, str]) -> Job:
    files = {form: {"sha256": digest} for form, digest in digests.items()}
    return job(name, status=JobStatus.COMPLETED, error=None, result={"files": files})


def part(name: str, **more: Any) -> Part:
    known: dict[str, Any] = {"status": PartStatus.DONE, "client_id": "alfa", "created_at": 1, "attempt": 1}
    return Part(job_id=f"job_{name}", part_id="PART#0000", **known | more)


def line(second: float, event: str, name: str = "", level: str = "info") -> dict[str, Any]:
    return {
        "timestamp": f"2027-01-01T00:00:{second:09.6f}Z",
        "event": event,
        "level": level,
        "job_id": f"job_{name}",
    }


LINES = [
    line(1, "engine.ready"),
    line(2, "part.claimed", "bad.wav"),
    line(3, "job.failed", "bad.wav"),
    line(3.5, "part.claimed", "next.wav"),
]
KEPT = Together(
    jobs={"good.wav": [completed("good.wav", DIGESTS)], "bad.wav": [job("bad.wav")], "next.wav": [job("next.wav")]},
    parts={f"job_{name}": [part(name)] for name in ("good.wav", "bad.wav", "next.wav")},
    logs={"worker-1": LINES},
    needed=1,
    seconds=1.0,
)


def told(seen: Together) -> str:
    return "\n".join(violations(MADE, BY_ITSELF, seen))


def jobs_with(name: str, *jobs: Job) -> Together:
    return replace(KEPT, jobs={**KEPT.jobs, name: list(jobs)})


def test_a_mixture_in_which_all_promises_were_kept_has_no_violation() -> None:
    assert told(KEPT) == ""


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (jobs_with("good.wav"), "good.wav: 0 jobs"),
        (jobs_with("good.wav", *[completed("good.wav", DIGESTS)] * 2), "good.wav: 2 jobs"),
        (jobs_with("good.wav", completed("good.wav", DIGESTS | {"txt": "d9"})), "its words are not those"),
        (jobs_with("good.wav", job("good.wav")), "is failed (INVALID_MEDIA) instead of completed"),
        (jobs_with("good.wav", job("good.wav", status=JobStatus.QUEUED, error=None)), "is queued (None)"),
        (jobs_with("bad.wav", completed("bad.wav", DIGESTS)), "is completed (None) instead of refused"),
        (jobs_with("bad.wav", job("bad.wav", error=REFUSED | {"code": "DECODER_FAILED"})), "(DECODER_FAILED)"),
        (jobs_with("bad.wav", job("bad.wav", error=REFUSED | {"code": "NO_AUDIO_TRACK"})), "(NO_AUDIO_TRACK)"),
        (jobs_with("bad.wav", job("bad.wav", error=REFUSED | {"retryable": True})), "bad.wav: may be retried"),
        (jobs_with("next.wav", completed("next.wav", DIGESTS)), "next.wav: is completed"),
        (replace(KEPT, parts=KEPT.parts | {"job_bad.wav": [part("bad.wav", attempt=2)]}), "bad.wav: 2 attempts"),
        (replace(KEPT, parts=KEPT.parts | {"job_good.wav": [part("good.wav", deaths=1)]}), "good.wav: 1 attempts, 1"),
        (replace(KEPT, parts=KEPT.parts | {"job_good.wav": [part("good.wav", losses=1)]}), "0 deaths, 1 losses"),
        (replace(KEPT, logs={"a": LINES, "b": LINES[:1]}), "2 machines were launched, 1 needed"),
        (replace(KEPT, needed=2), "1 machines were launched, 2 needed"),
        (replace(KEPT, logs={"a": [*LINES, line(9, "engine.ready")]}), "a: the engine was started 2 times"),
        (replace(KEPT, logs={"a": [*LINES, line(9, "part.lost", "x", "error")]}), "a: part.lost job_x"),
        (replace(KEPT, logs={"a": [*LINES[:3], line(4.1, "part.claimed", "next.wav")]}), "came 1.1 s after"),
        (replace(KEPT, trouble="the system broke down"), "the system broke down"),
    ],
)
def test_whatever_promise_is_broken_is_told(seen: Together, says: str) -> None:
    assert says in told(seen)


def test_a_time_that_is_rounded_otherwise_is_no_other_word() -> None:
    assert told(jobs_with("good.wav", completed("good.wav", DIGESTS | {"json": "d9"}))) == ""
    assert "its words" in told(jobs_with("good.wav", completed("good.wav", {"json": "d2"})))


def test_a_good_file_that_is_refused_alone_is_told_even_if_it_is_refused_together_too() -> None:
    by_itself = {**BY_ITSELF, Path("good.wav"): Alone(code="INVALID_MEDIA")}
    found = list(violations(MADE, by_itself, jobs_with("good.wav", job("good.wav"))))
    assert found == ["good.wav: is refused with INVALID_MEDIA alone, and should not be"]


def test_a_process_that_dies_on_a_file_alone_is_told() -> None:
    by_itself = {**BY_ITSELF, Path("next.wav"): Alone(trouble="died: SIGSEGV")}
    assert "next.wav: alone: died: SIGSEGV" in violations(MADE, by_itself, KEPT)


def test_no_gap_is_held_against_a_worker_that_had_nothing_to_claim() -> None:
    late = job("next.wav", times={"queued": 1_798_761_608_000})  # at second 8
    seen = replace(jobs_with("next.wav", late), logs={"a": [*LINES[:3], line(8.25, "part.claimed", "next.wav")]})
    assert [gap.seconds for gap in gaps(MADE, seen)] == [0.25]
    assert gaps(MADE, replace(KEPT, logs={"a": LINES[:3]})) == []


def test_of_two_hundred_every_tenth_is_bad_each_in_a_way_of_its_own() -> None:
    files = mixture(200)
    assert [one.sort is Sort.BAD for one in files] == [number % 10 == 9 for number in range(200)]
    assert {one.name for one in files if one.sort is Sort.BAD} == {one.name for one in bad()}
    assert len({one.name for one in files}) == 200
