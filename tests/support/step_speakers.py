"""Speakers whose windows and turns are a function of the recording's length, for tests of a job's states."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from itertools import count
from pathlib import Path

from services.common.domain.speakers import ExpectedSpeakers
from services.gpu_worker.engine.audio.sound import Span
from services.gpu_worker.engine.speakers.observations import Observation
from services.gpu_worker.engine.speakers.spoken_turns import SpeakerTurn
from services.gpu_worker.engine.speakers.windows import ObservedWindow
from services.gpu_worker.engine.stopping import StopFlag, StoppedError

NOTHING_HEARD = Observation()


class StepSpeakers:
    """Has the methods of `Speakers`; `each_window` is called with the index of every window before it is observed."""

    def __init__(self, windows: int, each_window: Callable[[int], None] = lambda _: None) -> None:
        """`windows`: of a recording, if nobody asks for less of them."""
        self._windows = windows
        self._each_window = each_window
        self.observed: list[int] = []
        """The windows that were observed, in order."""
        self.told: list[list[int]] = []
        """The windows by which speakers were told apart, for each time that they were."""

    def observe(
        self, spool: Path, *, first: int, last: int | None = None, offset: int = 0, stop: StopFlag
    ) -> Generator[ObservedWindow, None, None]:
        for index in count(first):
            if index >= (self._windows if last is None else last):
                return
            if stop.is_set():
                raise StoppedError
            self._each_window(index)
            self.observed.append(index)
            yield ObservedWindow(index, (NOTHING_HEARD,))

    def turns(
        self,
        windows: Sequence[ObservedWindow],
        speech: Sequence[Sequence[Span]],
        expected: ExpectedSpeakers,
        *,
        stop: StopFlag,
    ) -> list[tuple[SpeakerTurn, ...]]:
        """Two speakers, who take turns with every span of speech."""
        if stop.is_set():
            raise StoppedError
        self.told.append([window.index for window in windows])
        return [
            tuple(SpeakerTurn(start, end, number % 2) for number, (start, end) in enumerate(spans)) for spans in speech
        ]
