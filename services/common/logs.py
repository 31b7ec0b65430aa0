"""Logs: one JSON object a line, events as dotted names with key-values, never a transcript, file name or secret."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping


class _Lines:
    """Writes each line to standard error, and hands it to whoever else wants it."""

    def __init__(self, also: Callable[[str], None] | None) -> None:
        self._printer = structlog.PrintLogger(sys.stderr)
        self._also = also

    def msg(self, line: str) -> None:
        self._printer.msg(line)
        if self._also:
            self._also(line)

    debug = info = warning = error = critical = exception = msg


def configure(level: str, also: Callable[[str], None] | None = None, **bound: str) -> None:
    """Log to standard error from `level` on, and to `also`; `bound` joins every line."""

    def bind(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        # Not through context variables: a thread starts without those of the one that started it.
        return {**bound, **event}

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            bind,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: _Lines(also),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
