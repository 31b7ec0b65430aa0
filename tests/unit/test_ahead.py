"""Work ahead of whoever takes its results: in order, bounded, and over when nobody takes any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from services.gpu_worker.engine.ahead import ahead

PATIENCE = 10.0
MOST = 3


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    assert "ahead" not in {thread.name for thread in threading.enumerate()}


def test_items_come_in_order_and_all_of_them() -> None:
    with ahead(iter(range(100)), MOST, threading.Event()) as items:
        assert list(items) == list(range(100))


def test_an_error_comes_after_the_items_before_it() -> None:
    def work() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("third")

    taken: list[int] = []
    with ahead(work(), MOST, threading.Event()) as items, pytest.raises(ValueError, match="third"):
        taken.extend(items)
    assert taken == [1, 2]


def test_no_more_items_wait_than_they_may() -> None:
    made: list[int] = []

    def work() -> Iterator[int]:
        for number in range(50):
            made.append(number)
            yield number

    with ahead(work(), MOST, threading.Event()) as items:
        for taken in items:
            # One more is in the hands of the thread, which waits for room.
            assert len(made) <= taken + 1 + MOST + 1
    assert len(made) == 50


def test_whoever_leaves_ends_the_work_though_nobody_makes_room_for_it() -> None:
    over = threading.Event()

    def work() -> Iterator[int]:
        while True:
            yield 1

    with ahead(work(), MOST, over) as items:
        next(items)
    assert over.is_set()


def test_whoever_leaves_ends_work_that_waits_for_something_else() -> None:
    over = threading.Event()

    def work() -> Iterator[int]:
        yield 1
        over.wait(PATIENCE)

    began = time.monotonic()
    with ahead(work(), MOST, over) as items:
        next(items)
    assert time.monotonic() - began < PATIENCE / 2


def test_an_error_of_whoever_takes_the_items_is_not_hidden_by_one_of_the_work() -> None:
    def work() -> Iterator[int]:
        yield 1
        raise ValueError("of the work")

    def take() -> None:
        with ahead(work(), MOST, threading.Event()) as items:
            next(items)
            raise KeyError

    with pytest.raises(KeyError):
        take()
