"""Work that runs ahead of whoever takes its results, on a thread of its own and by a bounded number of them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from typing import TypeVar

T = TypeVar("T")
_POLL_SECONDS = 0.1


class _End:
    """After the last item: the error that ended the work, if any."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


@contextmanager
def ahead(items: Iterator[T], most: int, over: threading.Event) -> Iterator[Iterator[T]]:
    """The same items, of which at most `most` are made ahead of whoever takes them.

    Args:
        items: what is to be worked on; an error in it is raised after the items before it.
        most: how many items wait at most.
        over: set when the context ends. The context then waits until the work has ended, so work that may take long
            between two items has to look at it.

    """
    waiting: queue.Queue[T | _End] = queue.Queue(most)

    def give(item: T | _End) -> None:
        given = False
        while not given and not over.is_set():
            with suppress(queue.Full):
                waiting.put(item, timeout=_POLL_SECONDS)
                given = True

    def run() -> None:
        try:
            for item in takewhile(lambda _: not over.is_set(), items):
                give(item)
        except BaseException as error:  # noqa: BLE001 - whoever takes the items gets it
            give(_End(error))
        else:
            give(_End())

    def taken() -> Iterator[T]:
        while not isinstance(item := waiting.get(), _End):
            yield item
        if item.error:
            raise item.error

    thread = threading.Thread(target=run, name="ahead", daemon=True)
    thread.start()
    try:
        yield taken()
    finally:
        over.set()
        thread.join()
