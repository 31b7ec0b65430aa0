"""TEMPORARY: everything at the end; the branch `packing` brings the real one."""

from __future__ import annotations

from collections.abc import Sequence

from services.gpu_worker.engine.plan.packing import arrange, union
from services.gpu_worker.engine.plan.plan import Clip
from services.gpu_worker.engine.plan.spans import Thresholds, speech_spans


class ClipFinder:
    def __init__(self, voices: int) -> None:
        self._all: list[list[float]] = [[] for _ in range(voices)]
        self.speech = 0

    def push(self, probabilities: Sequence[Sequence[float]]) -> list[Clip]:
        for mine, new in zip(self._all, probabilities, strict=True):
            mine.extend(new)
        return []

    def finish(self, samples: int) -> list[Clip]:
        speech = [speech_spans(mine, samples, Thresholds()) for mine in self._all]
        self.speech = sum(end - start for start, end in union(speech))
        return list(arrange(speech, [0, samples])[0])
