"""Work in threads, and what came of it in the thread that asked for it."""

from __future__ import annotations

import threading
import time

from services.cli.recordings.side_by_side import Errands, Inbox
from tests.support.scripted_service import PATIENCE_SECONDS


def test_few_are_under_way_at_once_and_the_giver_takes_what_each_found_or_what_went_wrong() -> None:
    inbox, together, lock = Inbox(), threading.Barrier(2), threading.Lock()
    running, most = 0, 0
    taken: dict[int, object] = {}
    takers = set()

    def work(number: int) -> float:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(PATIENCE_SECONDS)
        with lock:
            running -= 1
        return 1 / number

    def took(number: int, found: float | Exception) -> None:
        takers.add(threading.current_thread())
        taken[number] = found

    errands = Errands(work, took, most=2, inbox=inbox)
    for number in range(6):
        errands.give(number)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(taken) < 6 and time.monotonic() < deadline:
        inbox.take_in(PATIENCE_SECONDS)
    assert isinstance(taken.pop(0), ZeroDivisionError)
    assert taken == {number: 1 / number for number in range(1, 6)}
    assert (most, takers) == (2, {threading.current_thread()})
