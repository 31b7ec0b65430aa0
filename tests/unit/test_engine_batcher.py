"""Which clips share a batch, when it is taken, and what becomes of it when its decoder fails those who wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import pytest

from services.common.domain.errors import DecoderFailedError
from services.gpu_worker.engine.decode.batcher import FIRST_CLIPS, Batcher, Caller
from services.gpu_worker.engine.decode.decoder import Decoded
from services.gpu_worker.engine.decode.features import Features
from services.gpu_worker.engine.decode.recipe import Recipe

CLIP = Features(np.zeros((80, 3000), np.float32), 3000)
RECIPE = Recipe(language="sv", beams=1)
ANOTHER_RECIPE = Recipe(language="en", beams=1)
APART = Recipe(language="sv", beams=9)
NOTHING = Decoded(words=(), logprob=0.0, no_speech=1.0)
PATIENCE = 5
"""Seconds."""
SIZE = 6
Turn = AbstractContextManager[None]
Answers = list[Decoded | DecoderFailedError]


class Device:
    """A decoder that computes a batch when the test lets it, and notes the batches by their clips' frames."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self._may_end = threading.Semaphore(0)
        self._began = threading.Semaphore(0)

    def __call__(self, clips: Sequence[Features], _: Recipe, turn: Turn) -> Answers:
        with turn:
            self.batches.append([clip.frames for clip in clips])
            self._began.release()
            assert self._may_end.acquire(timeout=PATIENCE)
        return [NOTHING] * len(clips)

    def begins(self) -> list[int]:
        """Wait for the next batch to begin."""
        assert self._began.acquire(timeout=PATIENCE), "no batch began"
        return self.batches[-1]

    def ends(self, batches: int = 1) -> None:
        self._may_end.release(batches)


Submit = Callable[..., list[Future[Decoded]]]


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def submit(device: Device) -> Iterator[Submit]:
    """Submits clips of these frames to a batcher with one worker and two batches in flight."""
    batcher = Batcher(device, workers=1, in_flight=2, size=SIZE)

    def clips(caller: Caller, *frames: int, recipe: Recipe = RECIPE) -> list[Future[Decoded]]:
        return [batcher.submit(Features(CLIP.mel, one), recipe, caller) for one in frames]

    yield clips
    device.ends(1_000)
    batcher.close()


def occupied(device: Device, submit: Submit) -> None:
    """Let the device be busy with a clip of somebody else."""
    submit(Caller(), 0)
    assert device.begins() == [0]


def after(device: Device) -> list[int]:
    """The batch that begins when the one on the device ends."""
    device.ends()
    return device.begins()


def test_an_idle_device_begins_with_what_is_there(device: Device, submit: Submit) -> None:
    submit(Caller(), 1)
    assert device.begins() == [1]


def test_a_batch_is_taken_when_the_device_has_nothing_to_do_so_it_holds_all_that_has_come_by_then(
    device: Device, submit: Submit
) -> None:
    occupied(device, submit)
    caller = Caller(begun=True)
    for frames in (1, 2, 3):
        submit(caller, frames)
    assert after(device) == [1, 2, 3]


def test_the_first_batch_of_a_caller_holds_few_of_its_clips_and_the_next_is_full(
    device: Device, submit: Submit
) -> None:
    occupied(device, submit)
    submit(Caller(), *range(1, 20))
    assert after(device) == [*range(1, FIRST_CLIPS + 1)]
    assert after(device) == [*range(FIRST_CLIPS + 1, FIRST_CLIPS + 1 + SIZE)]


def test_callers_share_their_first_batches(device: Device, submit: Submit) -> None:
    occupied(device, submit)
    submit(Caller(), *range(10, 19))
    submit(Caller(), *range(20, 29))
    assert after(device) == [10, 11, 12, 13, 20, 21]
    assert after(device) == [14, 15, 16, 17, 18, 22]


def test_the_first_clips_of_a_caller_go_before_others_but_never_before_the_one_that_waited_longest(
    device: Device, submit: Submit
) -> None:
    occupied(device, submit)
    submit(Caller(begun=True), *range(10, 25))
    submit(Caller(), 1, 2)
    assert after(device) == [10, 1, 2, 11, 12, 13]


def test_clips_with_other_settings_wait_for_a_batch_of_their_own(device: Device, submit: Submit) -> None:
    occupied(device, submit)
    caller = Caller(begun=True)
    submit(caller, 1)
    submit(caller, 2, recipe=ANOTHER_RECIPE)
    submit(caller, 3)
    assert after(device) == [1, 3]
    assert after(device) == [2]


def test_a_clip_that_was_cancelled_takes_no_place(device: Device, submit: Submit) -> None:
    occupied(device, submit)
    first, *_ = submit(Caller(begun=True), *range(1, SIZE + 2))
    first.cancel()
    assert after(device) == [*range(2, SIZE + 2)]


def test_words_are_made_while_the_device_computes_the_next_batch() -> None:
    """The first batch, after its turn, waits for the second to begin."""
    began = threading.Event()

    def decode(clips: Sequence[Features], _: Recipe, turn: Turn) -> Answers:
        with turn:
            if clips[0].frames == 2:
                began.set()
        assert clips[0].frames == 2 or began.wait(PATIENCE), "the second batch waits for the words of the first"
        return [NOTHING]

    batcher = Batcher(decode, workers=1, in_flight=2, size=1)
    waiting = [batcher.submit(Features(CLIP.mel, frames), RECIPE, Caller()) for frames in (1, 2)]
    assert [future.result(PATIENCE) for future in waiting] == [NOTHING, NOTHING]
    batcher.close()


def test_no_batch_is_reported_before_it_is_on_the_device_nor_when_it_has_left_it() -> None:
    reports: list[tuple[str, frozenset[int]]] = []
    left, seen = threading.Event(), threading.Event()

    @contextmanager
    def watch(calls: frozenset[int], _: float) -> Iterator[None]:
        reports.append(("begins", calls))
        yield
        reports.append(("ends", calls))

    def decode(clips: Sequence[Features], _: Recipe, turn: Turn) -> Answers:
        with turn:
            pass
        left.set()
        assert seen.wait(PATIENCE)
        return [NOTHING] * len(clips)

    batcher = Batcher(decode, workers=1, size=1, watch=watch)
    waiting = batcher.submit(CLIP, RECIPE, Caller(3))
    assert left.wait(PATIENCE)
    assert reports == [("begins", frozenset({3})), ("ends", frozenset({3}))]
    seen.set()
    waiting.result(PATIENCE)
    batcher.close()


def test_a_batch_that_fails_before_its_turn_leaves_the_device_to_the_next() -> None:
    def decode(clips: Sequence[Features], _: Recipe, turn: Turn) -> Answers:
        if clips[0].frames == 1:
            raise MemoryError
        with turn:
            return [NOTHING]

    batcher = Batcher(decode, workers=1, in_flight=2, size=1)
    waiting = [batcher.submit(Features(CLIP.mel, frames), RECIPE, Caller()) for frames in (1, 2)]
    assert [type(future.exception(PATIENCE)) for future in waiting] == [MemoryError, type(None)]
    batcher.close()


def test_too_few_answers_are_an_error_and_the_next_batch_is_decoded() -> None:
    answers: Iterator[Answers] = iter([[], [NOTHING]])

    def decode(_clips: Sequence[Features], _recipe: Recipe, turn: Turn) -> Answers:
        with turn:
            return next(answers)

    batcher = Batcher(decode, workers=1, size=2)
    for error in (ValueError, None):
        waiting = batcher.submit(CLIP, RECIPE, Caller())
        assert type(waiting.exception(PATIENCE)) is (error or type(None))
    batcher.close()


def together(batcher: Batcher, *clips: Features, callers: Sequence[Caller] = ()) -> list[Decoded | BaseException]:
    """What becomes of clips that come while the device is busy with a question."""
    free = threading.Event()
    occupying = batcher.ask(CLIP, lambda _: free.wait(PATIENCE), Caller())
    caller = Caller()
    waiting = [batcher.submit(clip, RECIPE, callers[n] if callers else caller) for n, clip in enumerate(clips)]
    free.set()
    assert occupying.result(PATIENCE)
    return [future.exception(PATIENCE) or future.result() for future in waiting]


def test_what_one_clip_does_to_a_batch_is_no_fault_of_the_others_in_it() -> None:
    bad = Features(np.ones((80, 3000), np.float32), 3000)
    shared: list[int] = []

    def decode(clips: Sequence[Features], _: Recipe, turn: Turn) -> Answers:
        with turn:
            shared.append(len(clips))
            if any(clip is bad for clip in clips):
                raise RuntimeError("the device did not like it")
        return [NOTHING] * len(clips)

    batcher = Batcher(decode, workers=1, in_flight=2, size=3)
    first, failed, last = together(batcher, CLIP, bad, CLIP)
    assert (first, type(failed), last) == (NOTHING, RuntimeError, NOTHING)
    assert shared == [3, 1, 1, 1]
    batcher.close()


def test_a_clip_that_comes_out_as_no_number_fails_alone() -> None:
    failed = DecoderFailedError("no number")

    def decode(_clips: Sequence[Features], _recipe: Recipe, turn: Turn) -> Answers:
        with turn:
            return [NOTHING, failed]

    batcher = Batcher(decode, workers=1, size=2)
    assert together(batcher, CLIP, CLIP) == [NOTHING, failed]
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

    def decode(clips: Sequence[Features], _: Recipe, turn: Turn) -> Answers:
        with turn:
            assert at_work
        return [NOTHING] * len(clips)

    batcher = Batcher(decode, workers=1, in_flight=2, size=3, watch=watch)
    one, two, three = Caller(1), Caller(2, apart=True), Caller(3)
    assert together(batcher, *[CLIP] * 5, callers=[one, two, three, two, one]) == [NOTHING] * 5
    batcher.close()
    assert busy[1:] == [(frozenset({1, 3}), 90.0), (frozenset({2}), 60.0)]


@pytest.mark.parametrize(("workers", "in_flight"), [(1, 2), (3, 3), (3, 5)])
def test_what_is_to_stay_apart_has_the_device_for_itself(workers: int, in_flight: int) -> None:
    at_work: list[bool] = []
    most: dict[bool, int] = {}

    def decode(clips: Sequence[Features], recipe: Recipe, turn: Turn) -> Answers:
        apart = recipe is APART
        with turn:
            at_work.append(apart)
            time.sleep(0.01)  # long enough for others to begin, if they may
            for kind in set(at_work):
                most[kind] = max(most.get(kind, 0), len(at_work))
            at_work.remove(apart)
        return [NOTHING] * len(clips)

    batcher = Batcher(decode, workers=workers, in_flight=in_flight, size=1)
    callers = [Caller(number, apart=number % 4 == 0) for number in range(24)]
    waiting = [batcher.submit(CLIP, APART if caller.apart else RECIPE, caller) for caller in callers]
    for future in waiting:
        future.result(PATIENCE)
    batcher.close()
    assert most[True] == 1
    assert 1 < most[False] <= workers or most[False] == workers == 1


def test_a_question_beside_the_queue_keeps_apart_as_clips_do_and_gives_its_error() -> None:
    busy: list[frozenset[int]] = []

    @contextmanager
    def watch(calls: frozenset[int], _: float) -> Iterator[None]:
        busy.append(calls)
        yield

    def fail(_: Features) -> str:
        raise RuntimeError("no")

    batcher = Batcher(Device(), workers=1, size=3, watch=watch)
    assert batcher.ask(CLIP, lambda clip: clip.frames, Caller(7, apart=True)).result(PATIENCE) == 3000
    assert isinstance(batcher.ask(CLIP, fail, Caller()).exception(PATIENCE), RuntimeError)
    batcher.close()
    assert busy == [frozenset({7}), frozenset({0})]


def test_a_question_waits_for_no_more_than_what_is_on_the_device(device: Device) -> None:
    batcher = Batcher(device, workers=1, in_flight=2, size=1)
    waiting = [batcher.submit(CLIP, RECIPE, Caller()) for _ in range(3)]
    device.begins()
    asked = batcher.ask(CLIP, lambda _: len(device.batches), Caller())
    device.ends(3)
    assert asked.result(PATIENCE) == 1
    for future in waiting:
        future.result(PATIENCE)
    batcher.close()
