"""How many speakers are expected, as people type it and read it: `auto`, `3` for at most three, `2-4`, `2-`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from services.cli.errors import UsageError
from services.common.domain.speakers import AUTO, MOST_SPEAKERS, OFF

if TYPE_CHECKING:
    from collections.abc import Iterable

FORMS = f"{AUTO}|N|A-B"
_BOUNDS = re.compile(r"(\d{1,9})-(\d{0,9})", re.ASCII)


def typed(text: str) -> Any:  # noqa: ANN401 - a word, a number or an object
    """The option as the API takes it.

    Raises:
        UsageError: it is none of the forms, or no recording is expected to have so many speakers.

    """
    text = text.strip().lower()
    if text in {OFF, AUTO}:
        return text
    if re.fullmatch(r"\d{1,9}", text, re.ASCII):
        return _number(text)
    if found := _BOUNDS.fullmatch(text):
        least, most = found.groups()
        bounds = {"at_least": _number(least)} | ({"at_most": _number(most)} if most else {})
        if bounds["at_least"] > bounds.get("at_most", MOST_SPEAKERS):
            raise UsageError(f"--speakers: {text} begins with the larger number: give {most}-{least}.")
        return bounds
    raise UsageError(
        f"--speakers: {text or 'nothing'} is no number of speakers: give {AUTO}, 3 for at most three, 2-4, or 2- for "
        "two or more."
    )


def _number(text: str) -> int:
    if not 1 <= int(text) <= MOST_SPEAKERS:
        raise UsageError(f"--speakers: {text} is too few or too many: give a number from 1 to {MOST_SPEAKERS}.")
    return int(text)


def told(speakers: Any) -> str:  # noqa: ANN401 - as the API shows it
    """The same of what the API shows; any other value is told as it is."""
    if not isinstance(speakers, dict):
        return str(speakers)
    return f"{speakers.get('at_least', 1)}-{speakers.get('at_most', '')}"


def names(words: Iterable[str]) -> list[str | None]:
    """Names as the API takes them; an empty word leaves a speaker without one."""
    return [word or None for word in words]
