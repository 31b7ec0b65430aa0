"""Who speaks is found out over the whole recording, or it is said that it is not known."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from services.common.domain.speakers import ExpectedSpeakers
from services.common.transcript.attribution import SpokenTurn
from services.gpu_worker.engine.speakers.grid import windows_between
from services.gpu_worker.engine.speakers.windows import ObservedWindow
from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.part.observing import TRIES
from services.gpu_worker.part.who_speaks import who_speaks
from tests.support.step_engine import CLIP_SECONDS, make_plan
from tests.support.step_speakers import NOTHING_HEARD, StepSpeakers

PLAN = make_plan(1)
WANTED = windows_between(0, PLAN.samples)


ANY = ExpectedSpeakers()


def claim(expected: ExpectedSpeakers | None = ANY) -> Any:
    return SimpleNamespace(
        options=SimpleNamespace(speakers=expected),
        part=SimpleNamespace(job_id="job_1", part_id="PART#0000"),
        stop=threading.Event(),
    )


def windows(*left_out: int) -> dict[int, ObservedWindow]:
    return {index: ObservedWindow(index, (NOTHING_HEARD,)) for index in WANTED if index not in left_out}


def test_turns_are_told_in_seconds() -> None:
    expected = [SpokenTurn(0.0, CLIP_SECONDS, 0), SpokenTurn(CLIP_SECONDS, 2 * CLIP_SECONDS, 1)]
    assert who_speaks(claim(), StepSpeakers(0), PLAN, windows()) == [tuple(expected)]


def test_nothing_is_asked_for_a_job_that_does_not_want_speakers() -> None:
    speakers = StepSpeakers(0)
    assert who_speaks(claim(None), speakers, PLAN, {}) is None
    assert speakers.told == []


@pytest.mark.parametrize("missing", list(WANTED[:-1]))
def test_a_window_that_is_missing_leaves_the_speakers_unknown(missing: int) -> None:
    assert who_speaks(claim(), StepSpeakers(0), PLAN, windows(missing)) is None


def test_the_last_window_may_be_missing() -> None:
    """The recording was read again, and was a little shorter."""
    speakers = StepSpeakers(0)
    assert who_speaks(claim(), speakers, PLAN, windows(WANTED[-1])) is not None
    assert speakers.told == [list(WANTED)]


class Failing(StepSpeakers):
    def __init__(self, times: int) -> None:
        super().__init__(0)
        self.left = times

    def turns(self, *given: Any, **more: Any) -> Any:
        if self.left:
            self.left -= 1
            raise MemoryError
        return super().turns(*given, **more)


def test_a_process_that_ends_is_begun_once_more() -> None:
    assert who_speaks(claim(), Failing(TRIES - 1), PLAN, windows()) is not None
    assert who_speaks(claim(), Failing(TRIES), PLAN, windows()) is None


def test_a_stop_is_no_failure() -> None:
    stopped = claim()
    stopped.stop.set()
    with pytest.raises(StoppedError):
        who_speaks(stopped, StepSpeakers(0), PLAN, windows())
