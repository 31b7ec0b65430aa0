"""Word lists: text files with a word or a term on each line, read and checked before anything is sent."""

from __future__ import annotations

import re
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from services.cli.errors import RefusedError
from services.cli.printing import note, shown
from services.cli.streams import STANDARD_INPUT
from services.common.domain.annotations import PRINTABLE_WORDS
from services.common.domain.vocabularies import MAX_VOCABULARY_BYTES, MAX_WORD_CHARACTERS, MAX_WORDS, WORD

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 1_000_000
"""Of a file: a longer one is no word list, whatever its comments are."""
_WORD = re.compile(WORD)


def read(file: str) -> list[str]:
    """The words of a file in its order, each once.

    Args:
        file: its path, or `-` for standard input.

    Raises:
        RefusedError: it cannot be read, is no word list, or is too long for a vocabulary.

    """
    name = "Standard input" if file == STANDARD_INPUT else shown(file)
    found = list(_words(_text(file, name), name))
    words = list(dict.fromkeys(found))
    if repeated := len(found) - len(words):
        note(f"{name}: words that stand there twice are sent once ({repeated} left out).")
    size = sum(len(word.encode()) for word in words)
    if not words:
        raise RefusedError(f"{name} holds no words: write one word or one term on each line.")
    if len(words) > MAX_WORDS or size > MAX_VOCABULARY_BYTES:
        raise RefusedError(
            f"{name} holds {len(words):,} words of {size:,} bytes together: a vocabulary has at most "
            f"{MAX_WORDS:,} words and {MAX_VOCABULARY_BYTES:,} bytes."
        )
    return words


def _text(file: str, name: str) -> str:
    try:
        with nullcontext(sys.stdin.buffer) if file == STANDARD_INPUT else Path(file).open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise RefusedError(f"{name} cannot be read ({error.strerror}): check the path.") from None
    if len(content) > MOST_BYTES:
        raise RefusedError(f"{name} has more than {MOST_BYTES:,} bytes, so it is no word list.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RefusedError(f"{name} is not text in UTF-8: save it in that encoding.") from None


def _words(text: str, name: str) -> Iterator[str]:
    """The words; a line that is empty, or begins with `#` and a space, is none: `#metoo` is one."""
    for number, line in enumerate(text.split("\n"), start=1):
        word = line.strip()
        if not word or word.split(maxsplit=1)[0] == "#":
            continue
        if len(word) > MAX_WORD_CHARACTERS or not _WORD.fullmatch(word):
            raise RefusedError(
                f"{name}, line {number}: a word or a term has at most {MAX_WORD_CHARACTERS} characters, "
                f"{PRINTABLE_WORDS}."
            )
        yield word
