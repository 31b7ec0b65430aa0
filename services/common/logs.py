"""Logs: one JSON object a line. Events are dotted names with key-values, and hold no transcript, file name or secret.

Every error goes through `services/common/redaction.py`: one that is logged as `exc_info` or as a value
(`error=error`), one that a library logs, and one that nothing catches.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import sys
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog
from structlog import BoundLoggerBase

from services.common.redaction import describe, place, traceback_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, MutableMapping
    from types import TracebackType

log = structlog.get_logger()
_bound: Mapping[str, str] = {}
"""The key-values that every line of this process has."""
_FIELDS = frozenset({"event", "level", "timestamp"})
"""Every line has these."""


class InvocationFailedError(Exception):
    """Raised by a function instead of the error itself: Lambda logs the message of every error that it gets."""

    loggable = True


class _LineLogger:
    """Writes each line to standard error, and passes it to `also` if that is given."""

    def __init__(self, also: Callable[[str], None] | None) -> None:
        self._printer = structlog.PrintLogger(sys.stderr)
        self._also = also

    def msg(self, line: str) -> None:
        self._printer.msg(line)
        if self._also:
            self._also(line)

    debug = info = warning = error = critical = exception = msg


class _LibraryHandler(logging.Handler):
    """Logs that a library has logged something, without its message: those of S3's client, for one, hold keys."""

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
    """Begin to log in a program, before its settings are read: they may be wrong, and that must be logged too."""
    told = {"deployment": name} if (name := os.environ.get("DEPLOYMENT")) else {}
    configure(os.environ.get("LOG_LEVEL") or "info", also, service=service, **told)


def begin_function(service: str) -> None:
    """Begin to log in a Lambda function.

    Its first line has the versions of the runtime, which AWS renews at any time.
    """
    # A function has imported these already. Other programs that log do not need them.
    import boto3  # noqa: PLC0415
    import botocore  # noqa: PLC0415

    begin(service)
    log.info(
        "function.started", python=platform.python_version(), boto3=boto3.__version__, botocore=botocore.__version__
    )


def configure(level: str, also: Callable[[str], None] | None = None, **bound: str) -> None:
    """Configure logging to standard error.

    Args:
        level: the lowest level that is logged; an unknown one is taken as `info`.
        also: is called with each line.
        bound: key-values that every line has.

    """

    def bind(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        # Not by context variables: a new thread does not have those of the thread that started it.
        return {**bound, **event}

    global _bound  # noqa: PLW0603 - as structlog, logging is configured for the whole process
    _bound = bound
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
        wrapper_class=_wrapper(known or logging.INFO),
        logger_factory=lambda *_: _LineLogger(also),
        # A logger that was used before must take the key-values that are bound now.
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    _capture_library_logs()
    _capture_uncaught_errors()
    if known is None:
        log.warning("log.level_unknown", using="info")


def deployment() -> str:
    """The deployment of which this process is a service; empty if it is none."""
    return _bound.get("deployment", "")


def write(event: str, **values: object) -> None:
    """Write a line of level `info`, whatever the lowest level is: for what is read by programs, such as metrics.

    Nothing is written before `configure`.
    """
    logger = log.bind()
    if isinstance(logger, _Unfiltered):
        logger.write(event, **values)


class _Unfiltered(BoundLoggerBase):
    """A logger with a further method, to which no lowest level applies."""

    def write(self, event: str, **values: object) -> None:
        self._proxy_to_logger("info", event, **values)


def _wrapper(level: int) -> type[BoundLoggerBase]:
    return type("_Logger", (structlog.make_filtering_bound_logger(level), _Unfiltered), {})


def is_log_line(text: str) -> bool:
    """Whether a text is a line of our log. Such a line holds nothing private; what other programs write may."""
    try:
        content = json.loads(text)
    except ValueError:
        return False
    return isinstance(content, dict) and content.keys() >= _FIELDS


@contextmanager
def invocation(*known: type[Exception]) -> Iterator[None]:
    """Run the work of a Lambda function: an error is logged, and another one is raised that holds nothing private.

    Errors of the types `known` are raised as they are: they hold nothing private, and their causes were logged before.

    Raises:
        InvocationFailedError: instead of any other error.

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
    """Run the work of a process: an error is logged, and ends the process.

    `multiprocessing` would print its message.
    """
    try:
        yield
    except Exception:
        log.exception("process.failed")
        raise SystemExit(1) from None


def _traceback(exc_info: Any) -> str:  # noqa: ANN401 - as structlog gives it
    return traceback_of(exc_info[1])


def _as_text(value: object) -> str:
    """The text of a value that is not JSON: of anything but an error only the type, since its text is unknown."""
    return describe(value) if isinstance(value, BaseException) else f"<{type(value).__name__}>"


def _capture_library_logs() -> None:
    root = logging.getLogger()
    libraries = _LibraryHandler(logging.WARNING)
    # Lambda's runtime has added a handler that would print every message.
    root.handlers[:] = [libraries]
    root.setLevel(logging.WARNING)
    # Otherwise a handler that fails would print the message.
    logging.raiseExceptions = False
    warnings.showwarning = _warned  # type: ignore[assignment] # its last two arguments are not used


def _capture_uncaught_errors() -> None:
    """Log errors that nothing catches, unless a debugger or a test runner has set these hooks already."""
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
