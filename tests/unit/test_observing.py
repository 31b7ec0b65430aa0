"""The speakers of a part are observed beside its decoding: what is known is not observed again, and no text is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.common.domain.errors import DamagedModelError
from services.gpu_worker.engine.decode.model_sources import ModelMissingError
from services.gpu_worker.engine.plan.plan import PlannedPart
from services.gpu_worker.engine.speakers.grid import STEP
from services.gpu_worker.engine.speakers.windows import ObservedWindow
from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.part import observing
from services.gpu_worker.part.observing import TRIES, Observing
from tests.support.step_speakers import NOTHING_HEARD, StepSpeakers


class Checkpoints:
    def __init__(self, *known: int) -> None:
        self.windows = {index: ObservedWindow(index, (NOTHING_HEARD,)) for index in known}
        self.saved = 0

    def observe(self, window: ObservedWindow) -> None:
        self.windows[window.index] = window

    def save_if_due(self) -> None:
        self.saved += 1


def part(first: int, last: int) -> PlannedPart:
    return PlannedPart(0, first * STEP, last * STEP, 0, 0)


def observed(
    speakers: StepSpeakers, checkpoints: Any, planned: PlannedPart | None, stop: threading.Event | None = None
) -> Observing:
    claim: Any = SimpleNamespace(
        stop=stop or threading.Event(), part=SimpleNamespace(job_id="job_1", part_id="PART#0000")
    )
    return Observing(claim, speakers, checkpoints, Path(), part=planned)


def test_every_window_of_the_part_is_observed_and_none_of_the_next() -> None:
    checkpoints = Checkpoints()
    with observed(StepSpeakers(100), checkpoints, part(3, 8)) as work:
        work.wait()
    assert list(checkpoints.windows) == [3, 4, 5, 6, 7]


def test_a_part_that_turns_out_to_be_shorter_ends_there() -> None:
    """It is known only once the recording has been read; some windows of the next part may be observed by then."""
    known = threading.Event()
    speakers = StepSpeakers(100, lambda index: (index == 20 and known.wait(20), None)[1])
    checkpoints = Checkpoints()
    with observed(speakers, checkpoints, None) as work:
        work.need(part(0, 12))
        known.set()
        work.wait()
    assert list(range(12)) == sorted(checkpoints.windows)[:12]
    assert max(checkpoints.windows) <= 20


def test_windows_of_an_earlier_attempt_are_not_observed_again() -> None:
    speakers = StepSpeakers(100)
    with observed(speakers, Checkpoints(3, 4), part(3, 8)) as work:
        work.wait()
    assert speakers.observed == [5, 6, 7]


def test_nothing_begins_if_all_are_known() -> None:
    speakers = StepSpeakers(100)
    with observed(speakers, Checkpoints(3, 4), part(3, 5)) as work:
        work.wait()
    assert speakers.observed == []


def failing(at: int, times: int) -> Callable[[int], None]:
    left = [times]

    def fail(index: int) -> None:
        if index == at and left[0]:
            left[0] -= 1
            raise MemoryError

    return fail


def test_a_process_that_ends_is_begun_once_more_where_it_was() -> None:
    speakers, checkpoints = StepSpeakers(100, failing(6, 1)), Checkpoints()
    with observed(speakers, checkpoints, part(3, 8)) as work:
        work.wait()
    assert speakers.observed == [3, 4, 5, 6, 7]
    assert list(checkpoints.windows) == [3, 4, 5, 6, 7]


def test_after_that_the_windows_stay_unknown_and_the_work_goes_on() -> None:
    checkpoints = Checkpoints()
    with observed(StepSpeakers(100, failing(6, TRIES)), checkpoints, part(3, 8)) as work:
        work.wait()
    assert list(checkpoints.windows) == [3, 4, 5]


@pytest.mark.parametrize("error", [ModelMissingError("speakers", "not here"), DamagedModelError("not the one")])
def test_models_that_are_not_there_are_looked_for_once(error: Exception) -> None:
    """It may take minutes to find out that they cannot be had, and the text is complete by then."""
    looked: list[int] = []

    def look(index: int) -> None:
        looked.append(index)
        raise error

    with observed(StepSpeakers(100, look), Checkpoints(), part(3, 8)) as work:
        work.wait()
    assert looked == [3]


def test_nobody_who_has_to_leave_waits_for_models_that_are_being_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "_LEAVING_SECONDS", 0.01)
    fetching, fetched, stop, checkpoints = threading.Event(), threading.Event(), threading.Event(), Checkpoints()

    def fetch(_: int) -> None:
        fetching.set()
        assert fetched.wait(20)
        raise StoppedError

    with observed(StepSpeakers(100, fetch), checkpoints, part(0, 8), stop) as work:
        assert fetching.wait(20)
        stop.set()
        with pytest.raises(StoppedError):
            work.wait()
    fetched.set()
    work._thread.join(20)
    assert not work._thread.is_alive()
    assert checkpoints.windows == {}


def test_who_waits_for_the_last_windows_stores_those_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "_POLL_SECONDS", 0.001)
    checkpoints, enough = Checkpoints(), threading.Event()

    def saving() -> None:
        checkpoints.saved += 1
        if checkpoints.saved == 3:
            enough.set()

    checkpoints.save_if_due = saving  # type: ignore[method-assign] # the test's own
    with observed(StepSpeakers(100, lambda _: (enough.wait(20), None)[1]), checkpoints, part(0, 2)) as work:
        work.wait()
    assert checkpoints.saved >= 3


def test_a_stop_ends_the_waiting_and_the_thread() -> None:
    stop = threading.Event()

    def stopped(index: int) -> None:
        if index == 5:
            stop.set()

    with observed(StepSpeakers(100, stopped), Checkpoints(), part(0, 100), stop) as work, pytest.raises(StoppedError):
        work.wait()
    assert "observing" not in {thread.name for thread in threading.enumerate()}


def test_leaving_ends_the_thread() -> None:
    with observed(StepSpeakers(1_000_000), Checkpoints(), part(0, 1_000_000)):
        pass
    assert "observing" not in {thread.name for thread in threading.enumerate()}
