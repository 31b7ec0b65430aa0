"""What the engine needs to tell speakers apart. It needs no model of words and no device."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Protocol

from services.common.domain.speakers import ExpectedSpeakers
from services.gpu_worker.engine.audio.sound import Span
from services.gpu_worker.engine.speakers.spoken_turns import SpeakerTurn
from services.gpu_worker.engine.speakers.windows import ObservedWindow
from services.gpu_worker.engine.stopping import StopFlag


class Speakers(Protocol):
    """Works in processes of its own (`services/gpu_worker/engine/processes/speaker_processes.py`)."""

    def observe(
        self, spool: Path, *, first: int, last: int | None = None, offset: int = 0, stop: StopFlag
    ) -> Generator[ObservedWindow, None, None]:
        """Observe the windows of a recording in order, each soon after its sound is in the spool; see `follow`.

        Args:
            spool: the folder of the spool, which may still be written.
            first: the index of the first window.
            last: the index of the window before which this ends; None: at the end of the spool.
            offset: where the spool begins in the recording, in samples.
            stop: once it is set, the work stops.

        Raises:
            StoppedError: `stop` is set.

        """

    def turns(
        self,
        windows: Sequence[ObservedWindow],
        speech: Sequence[Sequence[Span]],
        expected: ExpectedSpeakers,
        *,
        stop: StopFlag,
    ) -> list[tuple[SpeakerTurn, ...]]:
        """Who speaks when, for each voice of a recording.

        Args:
            windows: all windows of the recording, in order.
            speech: where somebody speaks, for each voice.
            expected: how many speakers each voice is expected to have.
            stop: once it is set, the work stops.

        Raises:
            StoppedError: `stop` is set.

        """
