"""What may be told of an error: its kind and place, and its words only where they are known to hold nothing private.

The message of a library's error may carry an object's key, and with it a recording's name, a receiver's address or a
secret. Which one does is not known beforehand, so none is told that is not listed here.
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
"""Operations that know of machines and images only: what AWS says of them is what an operator needs."""
MOST_FRAMES, MOST_LINKS = 40, 10
"""Of a traceback, and of the errors that led to one another or came together."""
_WORD = re.compile(r"[A-Za-z0-9._-]{1,80}")
_LED_TO = "\nThat led to:\n"


def describe(error: BaseException) -> str:
    """An error in a few words, for a log, a note or another error's message. Never fails."""
    try:
        return _words(error) or type(error).__name__
    except Exception:  # noqa: BLE001 - an odd error must not become another one
        return type(error).__name__


def traceback_of(error: BaseException) -> str:
    """The frames of an error and of those that led to it, without any message that `describe` does not give."""
    try:
        return _LED_TO.join(map(_formatted, reversed(list(_chain(error)))))
    except Exception:  # noqa: BLE001 - as above
        return type(error).__name__


def _words(error: BaseException) -> str | None:
    """What may be told beside the kind; None if nothing may."""
    if _is_loggable(error):
        return str(error)
    if _is_aws_error(error):
        return _aws_error_text(error)
    kind = type(error)
    # Other libraries' errors of this kind have numbers of their own.
    number = error.errno if isinstance(error, OSError) and kind.__module__ == "builtins" else None
    return f"{kind.__name__}: {os.strerror(number)} ({number})" if number and number in errno.errorcode else None


def _is_loggable(error: BaseException) -> bool:
    """Our own sentences are told, but not those about what one request held, which may repeat it.

    A class that knows better says so: `loggable`.
    """
    kind = type(error)
    usually = isinstance(error, TranscriberError) and not isinstance(error, InvalidOptionError)
    return kind.__module__.startswith("services.") and bool(getattr(kind, "loggable", usually))


def _is_aws_error(error: BaseException) -> bool:
    """Whether AWS said so. Who has such an error has the library; who reads a recording need not load it."""
    library = sys.modules.get("botocore.exceptions")
    return library is not None and isinstance(error, library.ClientError)


def _aws_error_text(error: Any) -> str:  # noqa: ANN401 - see above
    """`AccessDenied at GetObject (403)`; AWS's own words would name the object."""
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
    # Some words begin with the kind already.
    lines.append(f"{name}: {words.removeprefix(f'{kind.__name__}: ')}" if words else name)
    if isinstance(error, BaseExceptionGroup):
        for number, one in enumerate(error.exceptions[:MOST_LINKS], start=1):
            lines += [f"  {number}:", *(f"  {line}" for line in traceback_of(one).splitlines())]
    return "\n".join(lines)


def place(file: str) -> str:
    """A source file's path from its package on."""
    roots = [root for root in sys.path if root and file.startswith(root.rstrip("/") + "/")]
    return file[len(max(roots, key=len).rstrip("/")) + 1 :] if roots else file
