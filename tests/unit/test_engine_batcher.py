"""What becomes of a batch when its decoder fails those who wait for it, and who shares one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from services.common.domain.errors import DecoderFailedError
from services.gpu_worker.engine.decode.batcher import Batcher
from services.gpu_worker.engine.decode.decoder import Decoded, Features
from services.gpu_worker.engine.decode.recipe import Recipe

CLIP = Features(np.zeros((80, 3000), np.float32), 3000)
RECIPE = Recipe(language="sv", beams=1)
APART = 9
NOTHING = Decoded(words=(), logprob=0.0, no_speech=1.0)


def test_too_few_answers_are_an_error_and_the_next_batch_is_decoded() -> None:
    answers = iter([[], [NOTHING]])
    batcher = Batcher(lambda _clips, _recipe: list(next(answers)), workers=1, size=2)
    for error in (ValueError, None):
        waiting = batcher.submit(CLIP, RECIPE)
        assert type(waiting.exception(timeout=5)) is (error or type(None))
    batcher.close()


def test_what_one_clip_does_to_a_batch_is_no_fault_of_the_others_in_it() -> None:
    bad = Features(np.ones((80, 3000), np.float32), 3000)

    def decode(clips: Sequence[Features], _: Recipe) -> list[Decoded | DecoderFailedError]:
        if any(clip is bad for clip in clips):
            raise RuntimeError("the device did not like it")
        return [NOTHING] * len(clips)

    batcher = Batcher(decode, workers=1, size=3)
    with batcher.preparing():
        waiting = [batcher.submit(clip, RECIPE) for clip in (CLIP, bad, CLIP)]
        assert [type(future.exception(timeout=5)) for future in waiting] == [type(None), RuntimeError, type(None)]
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


def test_what_is_to_stay_apart_has_the_device_for_itself() -> None:
    at_work: list[bool] = []
    most: dict[bool, int] = {}

    def decode(clips: Sequence[Features], recipe: Recipe) -> list[Decoded | DecoderFailedError]:
        apart = recipe.beams == APART
        at_work.append(apart)
        time.sleep(0.02)
        for kind in set(at_work):
            most[kind] = max(most.get(kind, 0), len(at_work))
        at_work.remove(apart)
        return [NOTHING] * len(clips)

    batcher = Batcher(decode, workers=3, size=1)
    waiting = [
        batcher.submit(CLIP, Recipe(language="sv", beams=APART if number % 4 == 0 else 1), apart=number % 4 == 0)
        for number in range(24)
    ]
    for future in waiting:
        future.result(timeout=5)
    batcher.close()
    assert most[True] == 1
    assert most[False] > 1


def test_a_question_beside_the_queue_keeps_apart_as_clips_do_and_gives_its_error() -> None:
    busy: list[frozenset[int]] = []

    @contextmanager
    def watch(calls: frozenset[int], _: float) -> Iterator[None]:
        busy.append(calls)
        yield

    def fail(_: Features) -> str:
        raise RuntimeError("no")

    batcher = Batcher(lambda clips, _: [NOTHING] * len(clips), workers=1, size=3, watch=watch)
    assert batcher.ask(CLIP, lambda clip: clip.frames, call=7, apart=True).result(timeout=5) == 3000
    assert isinstance(batcher.ask(CLIP, fail).exception(timeout=5), RuntimeError)
    batcher.close()
    assert busy == [frozenset({7}), frozenset({0})]
