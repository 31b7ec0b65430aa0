"""From probabilities of speech to the clips of all voices, as they come. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from services.gpu_worker.engine.audio.sound import Span
from services.gpu_worker.engine.plan.packing import Packer
from services.gpu_worker.engine.plan.plan import Clip
from services.gpu_worker.engine.plan.spans import SpanFinder


class ClipFinder:
    """The clips of a recording, numbered in the order of their spans, then of their voices.

    A clip is given as soon as no voice can still bring an earlier one. So a voice holds the others up while speech of
    it waits for a decision, but not while it is silent.
    """

    def __init__(self, voices: int) -> None:
        self._finders = [SpanFinder() for _ in range(voices)]
        self._packers = [Packer() for _ in range(voices)]
        self._spans: list[Span] = []
        """A heap: the spans of all voices that are not counted as speech yet."""
        self._heard = 0
        """The sample up to which speech is counted."""
        self._clips: list[tuple[tuple[Span, ...], int]] = []
        """A heap: the clips that are not given yet, as spans and voice."""
        self._given = 0
        self.speech = 0
        """Samples with speech in any voice, so far."""

    def push(self, probabilities: Sequence[Sequence[float]]) -> list[Clip]:
        """The clips that are known with each voice's next probabilities, which may be of different number."""
        for voice, (finder, known) in enumerate(zip(self._finders, probabilities, strict=True)):
            spans = finder.push(known)
            self._keep(voice, spans, self._packers[voice].push(spans, finder.settled))
        self._count(min((finder.settled for finder in self._finders), default=0))
        return self._numbered(min((packer.settled for packer in self._packers), default=0))

    def finish(self, samples: int) -> list[Clip]:
        """The clips that are left at the end of a recording of so many samples."""
        for voice, (finder, packer) in enumerate(zip(self._finders, self._packers, strict=True)):
            spans = finder.finish(samples)
            self._keep(voice, spans, [*packer.push(spans, samples), *packer.finish(samples)])
        self._count(samples)
        return self._numbered(samples)

    def _keep(self, voice: int, spans: Sequence[Span], clips: Sequence[tuple[Span, ...]]) -> None:
        for span in spans:
            heapq.heappush(self._spans, span)
        for clip in clips:
            heapq.heappush(self._clips, (clip, voice))

    def _count(self, settled: int) -> None:
        """Count the speech before a sample before which no further span can begin."""
        while self._spans and self._spans[0][0] < settled:
            start, end = heapq.heappop(self._spans)
            self.speech += max(end - max(start, self._heard), 0)
            self._heard = max(end, self._heard)

    def _numbered(self, settled: int) -> list[Clip]:
        """Number the clips that begin before a sample before which no further clip can begin."""
        clips = []
        while self._clips and self._clips[0][0][0][0] < settled:
            spans, voice = heapq.heappop(self._clips)
            clips.append(Clip(self._given, voice, spans))
            self._given += 1
        return clips
