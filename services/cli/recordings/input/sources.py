"""What is to be transcribed, as the words of a command line name it: files, folders, addresses, standard input."""

from __future__ import annotations

import difflib
import os
import re
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from services.cli.errors import RefusedError, UsageError
from services.cli.printing import shown
from services.cli.streams import STANDARD_INPUT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

STANDARD_INPUT_NAME = "standard-input"
LONGEST_NAME = 255
"""Of a file that is fetched, in characters; the last ones tell its kind."""
EXTENSIONS = (
    *("3g2", "3gp", "aac", "ac3", "aif", "aiff", "amr", "asf", "au", "avi", "caf", "eac3", "flac", "flv", "m2ts"),
    *("m4a", "m4b", "m4v", "mka", "mkv", "mov", "mp2", "mp3", "mp4", "mpeg", "mpg", "mts", "mxf", "oga", "ogg", "ogv"),
    *("opus", "spx", "tta", "vob", "w64", "wav", "weba", "webm", "wma", "wmv", "wv"),
)
"""What is taken of a folder. `ts` is not among them: more often it is a program than a broadcast."""
UNREADABLE = "cannot be read: ask for the permission, or copy it from who has it."
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_Identity = tuple[int, int] | str


@dataclass(frozen=True, kw_only=True)
class Source:
    """One recording: at a path, at a URL, or if it has neither, on standard input."""

    word: str
    """As it was given, for messages; of a URL without user, password, query and fragment."""
    file_name: str
    """What the API is told."""
    beside: Path | None = None
    """The recording's path, if it is a file of this machine."""
    url: str | None = field(default=None, repr=False)
    """Where it is fetched, with whatever secrets the address holds."""
    refused: str | None = None
    """Why it cannot be sent, as what follows its name. One in a folder does not keep the others from being sent."""


def find(words: Sequence[str], *, recursive: bool = False, commands: Collection[str] = ()) -> list[Source]:
    """The recordings that the words name, each once, checked as far as possible before anything is sent.

    Args:
        words: paths of files and folders, URLs, and `-` for standard input.
        recursive: whether folders are searched with those in them.
        commands: names of commands, of which one may be meant by a word that is no file.

    Raises:
        UsageError: a word is meant for a command, or cannot be meant.
        RefusedError: a file that was named is missing, empty or cannot be read, or a folder has no recordings. Of a
            file in a folder, its source says so.

    """
    if list(words).count(STANDARD_INPUT) > 1:
        raise UsageError("There is one standard input: give `-` once.")
    found: dict[_Identity, Source] = {}
    for word in words:
        for identity, source in _named(word, commands, recursive=recursive):
            found.setdefault(identity, source)
    return list(found.values())


def _named(word: str, commands: Collection[str], *, recursive: bool) -> Iterable[tuple[_Identity, Source]]:
    if word == STANDARD_INPUT:
        return [(word, _standard_input())]
    if not word:
        # As a path it would be the folder that one stands in, with all its recordings.
        raise UsageError("A word among the recordings is empty: give a file, a folder, an address or `-`.")
    if _SCHEME.match(word):
        return [(word, _address(word))]
    path = Path(word)
    try:
        about = path.stat()
    except PermissionError:
        raise _not_readable(path) from None
    except OSError:
        raise _no_such(word, commands) from None
    if stat.S_ISDIR(about.st_mode):
        return [_file(one, one.stat()) for one in _inside(path, recursive=recursive)]
    identity, source = _file(path, about)
    if source.refused:
        raise RefusedError(f"{shown(path)} {source.refused}")
    return [(identity, source)]


def _standard_input() -> Source:
    if sys.stdin.isatty():
        raise UsageError("`-` is standard input, which is a terminal: pipe a recording into it, or give a file.")
    return Source(word=STANDARD_INPUT, file_name=STANDARD_INPUT_NAME)


def _address(word: str) -> Source:
    """A URL, whose secrets stay in `url`."""
    try:
        parts = urlsplit(word)
        place = _without_secrets(parts)
    except ValueError:
        raise UsageError("An address among the recordings is none: check its host and its port.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"{place} cannot be fetched: an address begins with http:// or https://, and a file may be piped to `-`."
        )
    name = shown(unquote(parts.path.rsplit("/", 1)[-1]) or parts.hostname)
    return Source(word=place, file_name=name[-LONGEST_NAME:], url=word)


def _without_secrets(parts: SplitResult) -> str:
    """An address as it may be shown: without user, password, query and fragment.

    Raises:
        ValueError: its port is none.

    """
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port is not None else ""
    return shown(f"{parts.scheme}://{host}{port}{parts.path}")


def _file(path: Path, about: os.stat_result) -> tuple[_Identity, Source]:
    if not stat.S_ISREG(about.st_mode):
        raise UsageError(f"{shown(path)} is no file: pipe what comes out of it to `-`.")
    refused = None
    if not about.st_size:
        refused = "is empty: there is nothing to transcribe."
    elif not os.access(path, os.R_OK):
        refused = UNREADABLE
    # Names of other encodings have characters in Python that no text has.
    name = os.fsencode(path.name).decode("utf-8", "replace")
    return (about.st_dev, about.st_ino), Source(word=str(path), file_name=name, beside=path, refused=refused)


def _inside(folder: Path, *, recursive: bool) -> list[Path]:
    """The recordings of a folder, in order."""
    try:
        found = sorted(path for path in _visible(folder, recursive=recursive) if _is_recording(path))
    except OSError as error:
        raise _not_readable(Path(error.filename or folder)) from None
    if not found:
        further = "" if recursive else "; with -r, folders in it are searched too"
        raise RefusedError(
            f"There are no recordings in {shown(folder)}: files are taken that end in "
            f".{', .'.join(EXTENSIONS)}{further}. Name any other file itself."
        )
    return found


def _visible(folder: Path, *, recursive: bool) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        # A folder behind a link may be one that it lies in.
        if path.is_dir() and recursive and not path.is_symlink():
            yield from _visible(path, recursive=True)
        yield path


def _is_recording(path: Path) -> bool:
    return path.suffix[1:].lower() in EXTENSIONS and path.is_file()


def _not_readable(path: Path) -> RefusedError:
    return RefusedError(f"{shown(path)} {UNREADABLE}")


def _no_such(word: str, commands: Collection[str]) -> UsageError | RefusedError:
    if word in commands:
        return UsageError(f"There is no file {shown(word)}: a command comes before its options, `transcribe {word} …`.")
    told = f"There is no file or command {shown(word)}"
    if close := difflib.get_close_matches(word, commands, n=1):
        return UsageError(f"{told}: did you mean the command `{close[0]}`?")
    return RefusedError(f"{told}: {'check the path' if os.sep in word else 'see `transcribe --help`'}.")
