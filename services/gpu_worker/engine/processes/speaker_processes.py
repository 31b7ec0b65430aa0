"""Telling speakers apart in processes of their own, which have what the device and the readers leave of the cores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from services.common.domain.speakers import ExpectedSpeakers
    from services.gpu_worker.engine.audio.sound import Span
    from services.gpu_worker.engine.processes.readers import ReaderProcesses
    from services.gpu_worker.engine.speakers.spoken_turns import SpeakerTurn
    from services.gpu_worker.engine.speakers.windows import ObservedWindow
    from services.gpu_worker.engine.stopping import StopFlag


@dataclass(frozen=True)
class SpeakerProcesses:
    """`Speakers`, in processes like those that read. Safe to use from several threads."""

    processes: ReaderProcesses
    models: Callable[[], Path]
    """Gets the folder of the speakers' models, or raises."""

    def observe(
        self, spool: Path, *, first: int, last: int | None = None, offset: int = 0, stop: StopFlag
    ) -> Generator[ObservedWindow, None, None]:
        """See `Speakers.observe`."""
        given = {"spool": spool, "models": self.models(), "first": first, "last": last, "offset": offset}
        yield from self.processes.perform("observe", stop, **given)

    def turns(
        self,
        windows: Sequence[ObservedWindow],
        speech: Sequence[Sequence[Span]],
        expected: ExpectedSpeakers,
        *,
        stop: StopFlag,
    ) -> list[tuple[SpeakerTurn, ...]]:
        """See `Speakers.turns`."""
        given = {"windows": windows, "speech": speech, "expected": expected}
        return list(self.processes.perform("speaker_turns", stop, **given))
