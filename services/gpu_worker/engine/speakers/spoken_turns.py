"""Stand-in until the real one is merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.gpu_worker.engine.audio.sound import Span
from services.gpu_worker.engine.speakers.observations import Observation


@dataclass(frozen=True, slots=True)
class SpeakerTurn:
    start: int
    end: int
    speaker: int


def speaker_turns(
    observations: Sequence[Observation], speech: Sequence[Span], *, at_least: int, at_most: int | None
) -> tuple[SpeakerTurn, ...]:
    raise NotImplementedError
