"""The fallback: a clip is decoded again, with the next recipe, until its text can be trusted or no recipe is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace

from services.gpu_worker.engine.decode.acceptance import Attempt, judge, settle
from services.gpu_worker.engine.decode.decoder import Decoded
from services.gpu_worker.engine.decode.recipe import Recipe
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.spool import Sound


@dataclass(slots=True)
class PendingClip:
    """A clip that has no accepted text yet, with its attempts so far."""

    sound: Sound
    recipes: tuple[Recipe, ...]
    unsure_below: float
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def recipe(self) -> Recipe:
        """The recipe of the next attempt."""
        return self.recipes[len(self.attempts)]


class PendingClips:
    """The clips of one call that the device has not finished."""

    def __init__(self, submit: Callable[[PendingClip], Future[Decoded]]) -> None:
        """`submit` queues the next attempt at a clip."""
        self._submit = submit
        self._running: dict[Future[Decoded], PendingClip] = {}

    def __len__(self) -> int:
        return len(self._running)

    def begin(self, pending: PendingClip) -> None:
        """Queue the next attempt at a clip."""
        self._running[self._submit(pending)] = pending

    def collect(self, seconds: float) -> Iterator[ClipResult]:
        """Wait for at most `seconds` until an attempt ends; yield accepted clips, queue the others' next recipe."""
        done, _ = wait(self._running, timeout=seconds, return_when=FIRST_COMPLETED)
        for future in done:
            pending = self._running.pop(future)
            decoded = future.result()
            flags = judge(decoded, pending.sound.seconds, pending.unsure_below)
            pending.attempts.append(Attempt(decoded.words, decoded.logprob, decoded.no_speech, flags))
            if flags and len(pending.attempts) < len(pending.recipes):
                self.begin(pending)
            else:
                yield _result(pending)

    def cancel(self) -> None:
        """Cancel the attempts that are still queued."""
        for future in self._running:
            future.cancel()


def _result(pending: PendingClip) -> ClipResult:
    """The result of a clip's best attempt, with times in seconds of the clip's audio."""
    settled = settle(pending.attempts)
    return ClipResult(
        index=pending.sound.index,
        words=tuple(replace(word, probability=round(word.probability, 4)) for word in settled.words),
        logprob=round(settled.logprob, 4),
        no_speech=round(settled.no_speech, 4),
        decodes=len(pending.attempts),
        flags=settled.flags,
        dropped=settled.dropped,
    )
