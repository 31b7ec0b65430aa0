"""Decides what of an error may be logged or shown: type and place, and the message if it holds nothing private.

The message of a library's error may hold an object's key with a recording's name, a receiver's address, or a secret.
It is not known which messages do, so only those are used that are listed here.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from typing import TYPE_CHECKING, Any

from services.common.domain.errors import InvalidOptionError, TranscriberError

if TYPE_CHECKING:
    from collections.abc import Iterator

OF_MACHINES = frozenset({"CreateFleet", "DescribeInstances", "GetConsoleOutput", "GetParameter", "TerminateInstances"})
"""Operations about machines and images only: AWS's messages about them hold nothing private, and operators need
them."""
MOST_FRAMES, MOST_LINKS = 40, 10
"""Most frames of a traceback, and most errors of a chain or a group."""
_WORD = re.compile(r"[A-Za-z0-9._-]{1,80}")
_LED_TO = "\nThat led to:\n"


def describe(error: BaseException) -> str:
    """Describe an error in a few words, for a log, a note or another error's message. Never raises."""
    try:
        return _words(error) or type(error).__name__
    except Exception:  # noqa: BLE001 - an error that cannot be described must not raise another one
        return type(error).__name__


def traceback_of(error: BaseException) -> str:
    """The traceback of an error and of those that led to it, with only those messages that `describe` gives.

    Never raises.
    """
    try:
        return _LED_TO.join(map(_formatted, reversed(list(_chain(error)))))
    except Exception:  # noqa: BLE001 - as above
        return type(error).__name__


def _words(error: BaseException) -> str | None:
    """What may be said beside the error's type; None if nothing may."""
    if _is_loggable(error):
        return str(error)
    if _is_aws_error(error):
        return _aws_error_text(error)
    kind = type(error)
    # An OSError of another library may have other numbers.
    number = error.errno if isinstance(error, OSError) and kind.__module__ == "builtins" else None
    return f"{kind.__name__}: {os.strerror(number)} ({number})" if number and number in errno.errorcode else None


def _is_loggable(error: BaseException) -> bool:
    """Whether this is an error of ours whose message may be logged.

    Messages about the options of a request may repeat the request, and are not logged. A class can decide otherwise
    by its attribute `loggable`.
    """
    kind = type(error)
    usually = isinstance(error, TranscriberError) and not isinstance(error, InvalidOptionError)
    return kind.__module__.startswith("services.") and bool(getattr(kind, "loggable", usually))


def _is_aws_error(error: BaseException) -> bool:
    """Whether this is an error of AWS. botocore is not imported here: a process with such an error has it."""
    library = sys.modules.get("botocore.exceptions")
    return library is not None and isinstance(error, library.ClientError)


def _aws_error_text(error: Any) -> str:  # noqa: ANN401 - see above
    """The error as in `AccessDenied at GetObject (403)`; AWS's own message could name the object."""
    told, operation = error.response.get("Error", {}), _word(error.operation_name)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    said = f"{_word(told.get('Code'))} at {operation}" + (f" ({status})" if isinstance(status, int) else "")
    return f"{said}: {told.get('Message', '')}" if operation in OF_MACHINES else said


def _word(value: object) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else "unknown"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, then what led to it."""
    link: BaseException | None = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen and len(seen) < MOST_LINKS:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _formatted(error: BaseException) -> str:
    kind, words = type(error), _words(error)
    lines = ["Traceback (most recent call last):"]
    for frame in traceback.extract_tb(error.__traceback__, limit=-MOST_FRAMES):
        lines += [f'  File "{place(frame.filename)}", line {frame.lineno}, in {frame.name}', f"    {frame.line}"]
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    # Some messages begin with the type already.
    lines.append(f"{name}: {words.removeprefix(f'{kind.__name__}: ')}" if words else name)
    if isinstance(error, BaseExceptionGroup):
        for number, one in enumerate(error.exceptions[:MOST_LINKS], start=1):
            lines += [f"  {number}:", *(f"  {line}" for line in traceback_of(one).splitlines())]
    return "\n".join(lines)


def place(file: str) -> str:
    """A source file's path, from its package on."""
    roots = [root for root in sys.path if root and file.startswith(root.rstrip("/") + "/")]
    return file[len(max(roots, key=len).rstrip("/")) + 1 :] if roots else file
