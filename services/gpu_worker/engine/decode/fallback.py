"""Clips on their way up the ladder: each is decoded again, by another recipe, until its text can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field

from services.common.transcript.words import Word
from services.gpu_worker.engine.decode.acceptance import Attempt, judge, settle
from services.gpu_worker.engine.decode.decoder import Decoded
from services.gpu_worker.engine.decode.recipe import Recipe
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.plan import Clip, Plan


@dataclass(slots=True)
class Redecoding:
    """One clip."""

    clip: Clip
    sound: bytes
    rungs: tuple[Recipe, ...]
    unsure_below: float
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def recipe(self) -> Recipe:
        """Of the next attempt."""
        return self.rungs[len(self.attempts)]


class Fallback:
    """All clips of one call that wait for the device."""

    def __init__(self, plan: Plan, submit: Callable[[Redecoding], Future[Decoded]]) -> None:
        """`submit` queues the next attempt at a clip."""
        self._plan = plan
        self._submit = submit
        self._running: dict[Future[Decoded], Redecoding] = {}

    def __len__(self) -> int:
        return len(self._running)

    def begin(self, climb: Redecoding) -> None:
        """Queue an attempt at this clip."""
        self._running[self._submit(climb)] = climb

    def collect(self, seconds: float) -> Iterator[ClipResult]:
        """Wait so long for decodes; yield the clips that are settled, send the doubtful ones up the ladder."""
        done, _ = wait(self._running, timeout=seconds, return_when=FIRST_COMPLETED)
        for future in done:
            climb = self._running.pop(future)
            decoded = future.result()
            flags = judge(decoded, climb.clip, climb.unsure_below)
            climb.attempts.append(Attempt(decoded.words, decoded.logprob, decoded.no_speech, flags))
            if flags and len(climb.attempts) < len(climb.rungs):
                self.begin(climb)
            else:
                yield _placed(climb, self._plan)

    def cancel(self) -> None:
        """Nobody wants what is still queued."""
        for future in self._running:
            future.cancel()


def _placed(climb: Redecoding, plan: Plan) -> ClipResult:
    """The best attempt, its times moved from the clip to the clock that a player shows."""
    settled = settle(climb.attempts)
    clip = climb.clip
    words = []
    for word in settled.words:
        start, end = clip.place(word.start, word.end)
        shown = plan.clock(start)
        words.append(Word(word.text, round(shown, 3), round(shown + end - start, 3), round(word.probability, 4)))
    return ClipResult(
        index=clip.index,
        words=tuple(words),
        logprob=round(settled.logprob, 4),
        no_speech=round(settled.no_speech, 4),
        decodes=len(climb.attempts),
        flags=settled.flags,
        dropped=settled.dropped,
    )
