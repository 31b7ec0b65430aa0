"""Texts in the columns of a terminal. Pure."""

from __future__ import annotations

import unicodedata

from services.cli.printing import shown

ELLIPSIS = "…"


def cells(text: str) -> int:
    """How many columns a text takes, at most: some terminals draw signs together that others draw side by side."""
    return sum(map(_cells, text))


def cut(text: str, width: int) -> str:
    """A text in exactly so many columns, with `…` at its end if it is longer; control characters are replaced."""
    plain = _plain(text)
    return _filled(plain if cells(plain) <= width else f"{_head(plain, width - 1)}{ELLIPSIS[:width]}", width)


def cut_in_the_middle(text: str, width: int) -> str:
    """The same with `…` in the middle: names often differ at their ends."""
    plain = _plain(text)
    if cells(plain) <= width:
        return _filled(plain, width)
    head = _head(plain, (width - 1) // 2)
    tail = _head(plain[::-1], width - 1 - cells(head))[::-1]
    # Its first mark belongs to a letter that is cut off.
    tail = tail.lstrip("".join(filter(_is_mark, plain)))
    return _filled(f"{head}{ELLIPSIS[:width]}{tail}", width)


def _plain(text: str) -> str:
    # The marks of a letter are one character with it where there is such a character. Of the others, some terminals
    # take the selector of variants to double the width of what is before it.
    return unicodedata.normalize("NFC", shown(text)).replace("\ufe0f", "")


def _head(text: str, width: int) -> str:
    while text and cells(text) > width:
        text = text[:-1]
    return text


def _filled(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def _cells(character: str) -> int:
    if _is_mark(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _is_mark(character: str) -> bool:
    """Whether a character is drawn over the one before it."""
    return unicodedata.category(character) in ("Mn", "Me")
