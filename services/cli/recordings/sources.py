"""What is to be transcribed, as the words of a command line name it: files, folders, addresses, standard input."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


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


def find(words: Sequence[str], *, recursive: bool = False) -> list[Source]:
    """The recordings that the words name, each once, checked as far as possible before anything is sent.

    Raises:
        UsageError: there is no such file, or a word cannot be meant.
        RefusedError: a file is empty or cannot be read, or a folder has no recordings.

    """
    raise NotImplementedError
