"""Pools and threads that run in the calling thread, so that calls have an order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, Self


class InlineExecutor:
    """A pool that runs each task at once, in the calling thread."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Nothing to start."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to wait for."""

    def submit(self, task: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(task(*arguments))
        return future

    def map(self, task: Callable[..., Any], *each: Iterable[Any]) -> Iterator[Any]:
        return iter([task(*arguments) for arguments in zip(*each, strict=True)])

    def shutdown(self, **_: Any) -> None:
        """Nothing was started."""


class InlineThread:
    """A thread that has ended when it has begun."""

    def __init__(self, *, target: Callable[[], object], **_: Any) -> None:
        self.start = target

    def is_alive(self) -> bool:
        return False

    def join(self, _: float = 0) -> None:
        """It has ended."""
