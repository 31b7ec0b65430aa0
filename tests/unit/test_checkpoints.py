"""What is done is kept where the next attempt finds it, once, and nothing of it is overwritten."""

from __future__ import annotations

from typing import Any

from services.common.domain.records import Part
from services.common.domain.states import PartStatus
from services.gpu_worker.checkpoints import Checkpoints
from services.gpu_worker.engine.results import ClipResult


class Files:
    """A bucket that holds what an earlier attempt has done."""

    def __init__(self, *earlier: ClipResult) -> None:
        self._earlier = {result.index: result for result in earlier}
        self.asked = 0
        self.kept: list[tuple[int, list[int]]] = []

    def checkpoints(self, job_id: str, part_id: str) -> dict[int, ClipResult]:
        self.asked += 1
        return dict(self._earlier)

    def put_checkpoint(self, part: Part, serial: int, results: list[ClipResult]) -> None:
        self.kept.append((serial, [result.index for result in results]))


def clip(index: int) -> ClipResult:
    return ClipResult(index=index, words=(), logprob=0.0, no_speech=0.0)


def checkpoints(files: Any, *, attempt: int = 1, interval: float = 1_000.0) -> Checkpoints:
    part = Part(
        job_id="job", part_id="PART#0000", status=PartStatus.RUNNING, client_id="a", created_at=0, attempt=attempt
    )
    return Checkpoints(files, part, interval)


def test_a_later_attempt_finds_what_earlier_ones_have_done() -> None:
    made = checkpoints(Files(clip(0), clip(1)), attempt=2)
    made.add(clip(2))
    assert sorted(made.results) == [0, 1, 2]


def test_a_first_attempt_looks_for_nothing() -> None:
    files = Files(clip(0))
    assert checkpoints(files).results == {}
    assert files.asked == 0


def test_clips_are_kept_together_once_the_interval_is_over() -> None:
    files = Files()
    patient = checkpoints(files)
    patient.add(clip(0))
    assert files.kept == []
    hasty = checkpoints(files, interval=0)
    hasty.add(clip(0))
    assert files.kept == [(1, [0])]


def test_what_is_kept_is_kept_once_and_under_a_name_of_its_own() -> None:
    files = Files()
    made = checkpoints(files)
    made.add(clip(0))
    made.add(clip(1))
    made.save()
    made.save()
    made.add(clip(2))
    made.save()
    assert files.kept == [(1, [0, 1]), (2, [2])]


def test_the_interval_begins_anew_with_every_time_that_something_is_kept() -> None:
    files = Files()
    made = checkpoints(files, interval=1_000)
    made._saved_at -= 2_000
    made.add(clip(0))
    made.add(clip(1))
    assert files.kept == [(1, [0])]
