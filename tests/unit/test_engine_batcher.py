"""What becomes of a batch when its decoder fails those who wait for it, and who shares one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from services.common.domain.errors import DecoderFailedError
from services.gpu_worker.engine.batcher import Batcher
from services.gpu_worker.engine.decoder import Decoded, Features
from services.gpu_worker.engine.recipe import Recipe

CLIP = Features(np.zeros((80, 3000), np.float32), 3000)
RECIPE = Recipe(language="sv", beams=1)
NOTHING = Decoded(words=(), logprob=0.0, no_speech=1.0)


def test_too_few_answers_are_an_error_for_all_who_wait_and_the_next_batch_is_decoded() -> None:
    answers = iter([[NOTHING], [NOTHING, NOTHING]])
    batcher = Batcher(lambda _clips, _recipe: list(next(answers)), workers=1, size=2)
    for error in (ValueError, None):
        with batcher.preparing():
            waiting = [batcher.submit(CLIP, RECIPE) for _ in range(2)]
            assert [type(future.exception(timeout=5)) for future in waiting] == [error or type(None)] * 2
    batcher.close()


def test_a_clip_that_comes_out_as_no_number_fails_alone() -> None:
    failed = DecoderFailedError("no number")
    batcher = Batcher(lambda _clips, _recipe: [NOTHING, failed], workers=1, size=2)
    with batcher.preparing():
        waiting = [batcher.submit(CLIP, RECIPE) for _ in range(2)]
        assert [future.exception(timeout=5) for future in waiting] == [None, failed]
    batcher.close()


def test_what_the_device_is_busy_with_is_told_while_it_is_and_what_is_to_stay_apart_does() -> None:
    busy: list[tuple[frozenset[int], float]] = []
    at_work: list[int] = []

    @contextmanager
    def watch(calls: frozenset[int], seconds: float) -> Iterator[None]:
        at_work.append(1)
        yield
        at_work.pop()
        busy.append((calls, seconds))

    def decode(clips: Sequence[Features], _: Recipe) -> list[Decoded | DecoderFailedError]:
        assert at_work
        return [NOTHING] * len(clips)

    batcher = Batcher(decode, workers=1, size=3, watch=watch)
    with batcher.preparing():
        waiting = [batcher.submit(CLIP, RECIPE, call=call, apart=call == 2) for call in (1, 2, 3, 2, 1)]
        for future in waiting:
            future.result(timeout=5)
    batcher.close()
    assert busy == [(frozenset({1, 3}), 90.0), (frozenset({2}), 60.0)]
