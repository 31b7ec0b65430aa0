"""Logs: one JSON object a line, events as dotted names with key-values, never a transcript, file name or secret.

Errors are told by `described` alone: as `exc_info`, as a value (`error=error`), by a library, or by nobody.
"""

from __future__ import annotations

import logging
import os
import platform
import sys
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog

from services.common.redaction import describe, place, traceback_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping
    from types import TracebackType

log = structlog.get_logger()


class InvocationFailedError(Exception):
    """Leaves a function instead of what went wrong in it: Lambda writes down whatever an error says."""

    loggable = True


class _LineLogger:
    """Writes each line to standard error, and hands it to whoever else wants it."""

    def __init__(self, also: Callable[[str], None] | None) -> None:
        self._printer = structlog.PrintLogger(sys.stderr)
        self._also = also

    def msg(self, line: str) -> None:
        self._printer.msg(line)
        if self._also:
            self._also(line)

    debug = info = warning = error = critical = exception = msg


class _LibraryHandler(logging.Handler):
    """What libraries log, without their words: those of the client of S3, for one, hold keys."""

    def emit(self, record: logging.LogRecord) -> None:
        failed = record.levelno >= logging.ERROR
        tell = log.error if failed else log.warning
        tell(
            "library.failed" if failed else "library.warned",
            logger=record.name,
            place=f"{place(record.pathname)}:{record.lineno}",
            exc_info=record.exc_info[1] if record.exc_info else None,
        )


def begin(service: str, also: Callable[[str], None] | None = None) -> None:
    """Log from a program's first line on, before its settings are known or known to be right."""
    told = {"deployment": name} if (name := os.environ.get("DEPLOYMENT")) else {}
    configure(os.environ.get("LOG_LEVEL") or "info", also, service=service, **told)


def begin_function(service: str) -> None:
    """The same for a function, whose first line says what Lambda's runtime brought: AWS renews it when it likes."""
    # A function has them already; other programs that log have no use for them.
    import boto3  # noqa: PLC0415
    import botocore  # noqa: PLC0415

    begin(service)
    log.info(
        "function.started", python=platform.python_version(), boto3=boto3.__version__, botocore=botocore.__version__
    )


def configure(level: str, also: Callable[[str], None] | None = None, **bound: str) -> None:
    """Log to standard error from `level` on, and to `also`; `bound` joins every line. An unknown level is `info`."""

    def bind(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        # Not through context variables: a thread starts without those of the one that started it.
        return {**bound, **event}

    known = logging.getLevelNamesMapping().get(level.upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            bind,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(_traceback),
            structlog.processors.JSONRenderer(default=_as_text, ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(known or logging.INFO),
        logger_factory=lambda *_: _LineLogger(also),
        # Whoever logged before this was called must not stay with what was bound then.
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    _capture_library_logs()
    _capture_uncaught_errors()
    if known is None:
        log.warning("log.level_unknown", using="info")


@contextmanager
def invocation(*known: type[Exception]) -> Iterator[None]:
    """Around a function's work: what goes wrong is logged, and leaves as an error that tells nothing private.

    `known` errors of ours leave as they are: whoever raises them has logged what is behind them.
    """
    try:
        yield
    except known:
        raise
    except Exception as error:
        log.exception("invocation.failed")
        raise InvocationFailedError(describe(error)) from None


@contextmanager
def process() -> Iterator[None]:
    """Around a process's life: `multiprocessing` would print what leaves it, with its words."""
    try:
        yield
    except Exception:
        log.exception("process.failed")
        raise SystemExit(1) from None


def _traceback(exc_info: Any) -> str:  # noqa: ANN401 - as structlog gives it
    return traceback_of(exc_info[1])


def _as_text(value: object) -> str:
    """A value that is no JSON. What any other would show of itself is not known."""
    return describe(value) if isinstance(value, BaseException) else f"<{type(value).__name__}>"


def _capture_library_logs() -> None:
    root = logging.getLogger()
    libraries = _LibraryHandler(logging.WARNING)
    # Lambda's runtime has put one there that would print every word.
    root.handlers[:] = [libraries]
    root.setLevel(logging.WARNING)
    # A handler that fails would print what it was given.
    logging.raiseExceptions = False
    warnings.showwarning = _warned  # type: ignore[assignment] # its last two arguments are of no use here


def _capture_uncaught_errors() -> None:
    """Unless somebody else does already: a debugger, or who runs tests."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _uncaught_in_a_thread
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _unraisable


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        log.critical("process.failed", exc_info=error)


def _uncaught_in_a_thread(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None and not isinstance(told.exc_value, SystemExit):
        log.error("thread.failed", thread=told.thread.name if told.thread else None, exc_info=told.exc_value)


def _unraisable(told: sys.UnraisableHookArgs) -> None:
    log.error("cleanup.failed", exc_info=told.exc_value)


def _warned(_message: object, category: type[Warning], filename: str, lineno: int, *_: object, **__: object) -> None:
    log.warning("library.warned", logger="py.warnings", kind=category.__name__, place=f"{place(filename)}:{lineno}")
