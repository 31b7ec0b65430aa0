"""What is done is kept where the next attempt finds it, once, and nothing of it is overwritten."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from services.common.domain.records import Part
from services.common.domain.states import PartStatus
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.plan import Clip
from services.gpu_worker.engine.speakers.windows import ObservedWindow
from services.gpu_worker.part.checkpoints import Checkpoints
from tests.support.faults import aws_error
from tests.support.scripted_engine import plan
from tests.support.step_speakers import NOTHING_HEARD


class Files:
    """A bucket that holds what an earlier attempt has done."""

    def __init__(self, *earlier: ClipResult) -> None:
        self._earlier = {result.index: result for result in earlier}
        self.asked = 0
        self.kept: list[tuple[int, list[int]]] = []
        self.kept_windows: list[tuple[int, list[int]]] = []

    def windows(self, place: str, part_id: str) -> dict[int, ObservedWindow]:
        return {7: window(7)}

    def put_windows(self, place: str, part: Part, serial: int, windows: list[ObservedWindow]) -> None:
        self.kept_windows.append((serial, [one.index for one in windows]))

    def checkpoints(self, place: str, part_id: str) -> dict[int, ClipResult]:
        self.asked += 1
        return dict(self._earlier)

    def put_checkpoint(self, place: str, part: Part, serial: int, results: list[ClipResult]) -> None:
        self.kept.append((serial, [result.index for result in results]))


def clip(index: int) -> ClipResult:
    return ClipResult(index=index, words=(), logprob=0.0, no_speech=0.0)


def window(index: int) -> ObservedWindow:
    return ObservedWindow(index, (NOTHING_HEARD,))


def checkpoints(files: Any, *, attempt: int = 1, interval: float = 1_000.0, speakers: bool = False) -> Checkpoints:
    part = Part(
        job_id="job", part_id="PART#0000", status=PartStatus.RUNNING, client_id="a", created_at=0, attempt=attempt
    )
    return Checkpoints(files, "job", part, interval, speakers=speakers)


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


def test_observed_windows_are_kept_with_the_clips_and_under_names_of_their_own() -> None:
    files = Files()
    made = checkpoints(files, speakers=True)
    made.observe(window(0))
    made.add(clip(0))
    made.save()
    made.observe(window(1))
    made.save()
    made.save()
    assert files.kept == [(1, [0])]
    assert files.kept_windows == [(2, [0]), (3, [1])]


def test_a_later_attempt_finds_the_windows_that_earlier_ones_have_observed() -> None:
    assert list(checkpoints(Files(), attempt=2, speakers=True).windows) == [7]
    assert list(checkpoints(Files(), attempt=2).windows) == []


class Unreachable(Files):
    """A bucket that does not answer for a while."""

    def __init__(self, error: Exception, times: int) -> None:
        super().__init__()
        self._error, self._times = error, times
        self.tried: list[int] = []

    def put_checkpoint(self, place: str, part: Part, serial: int, results: list[ClipResult]) -> None:
        self.tried.append(serial)
        if len(self.tried) <= self._times:
            raise self._error
        super().put_checkpoint(place, part, serial, results)


SLOW_DOWN = aws_error("SlowDown", "PutObject", status=503)


def test_an_outage_keeps_nobody_from_decoding_and_what_was_not_kept_is_kept_later() -> None:
    files = Unreachable(SLOW_DOWN, times=2)
    made = checkpoints(files, interval=0)
    for index in range(3):
        made.add(clip(index))
    assert files.kept == [(3, [0, 1, 2])]
    assert files.tried == [1, 2, 3], "one that was lost may lie there under its name"


def test_during_an_outage_it_is_tried_once_in_an_interval() -> None:
    files = Unreachable(SLOW_DOWN, times=10)
    made = checkpoints(files, interval=1_000)
    made._saved_at -= 2_000
    made.add(clip(0))
    made.add(clip(1))
    assert files.tried == [1]


def test_what_must_be_kept_says_that_it_is_not() -> None:
    made = checkpoints(Unreachable(SLOW_DOWN, times=1))
    made.add(clip(0))
    with pytest.raises(ClientError):
        made.save()


def test_a_bucket_that_refuses_is_no_outage() -> None:
    made = checkpoints(Unreachable(aws_error("AccessDenied", "PutObject", status=403), times=1), interval=0)
    with pytest.raises(ClientError):
        made.add(clip(0))


def test_a_result_counts_only_for_the_very_clip_that_was_decoded() -> None:
    now = plan(4)
    others = Clip(1, 0, ((0, 1),)), Clip(9, 0, ((0, 1),))
    earlier = [replace(clip(one.index), clip=one) for one in (now.clips[0], *others)]
    made = checkpoints(Files(*earlier, clip(2)), attempt=2)
    assert made.clips == {now.clips[0], *others}
    made.keep(now)
    assert sorted(made.results) == [0, 2], "an earlier release did not name the clip, but had the same plan"
