"""Annotations: a client's own words on a job, which the system keeps and repeats, and decides nothing by. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from services.common.domain.errors import InvalidAnnotationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.common.domain.records import Job

MAX_REFERENCE_CHARACTERS = 80
MAX_KEY_CHARACTERS = 40
MAX_METADATA_BYTES = 2_048
"""Of the whole metadata as compact JSON in UTF-8. A message has it beside a text of up to 20 kB."""
MAX_NAME_CHARACTERS = 80
MAX_NAMES = 50
MAX_NAMES_BYTES = 4_096
"""Of all names as compact JSON in UTF-8. A message has them too."""
UNPRINTABLE = r"\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""Unicode's control characters (Cc), its separators of lines and paragraphs (Zl, Zp), and what turns the direction in
which a text is read: a screen would show another text than the one that is there."""
PRINTABLE = f"^[^{UNPRINTABLE}]*$"
"""The texts without these, as a pattern for schemas."""
PRINTABLE_WORDS = "without control characters, line breaks and marks of direction"
SPACES = r" \u00a0\u00ad\u1680\u2000-\u200d\u202f\u205f-\u2064\u3000\ufeff"
"""The printable characters that leave no ink, wide ones and those without width. Each dialect of patterns has a list of
its own behind `\\s`."""
NAME = f"^[^{UNPRINTABLE}]*[^{SPACES}{UNPRINTABLE}][^{UNPRINTABLE}]*$"
"""The printable texts that are more than spaces, as a pattern for schemas."""
NAME_WORDS = f"Give a name of 1 to {MAX_NAME_CHARACTERS} characters {PRINTABLE_WORDS}."
_REFUSED = re.compile(rf"[{UNPRINTABLE}\ud800-\udfff]")
_NAME = re.compile(NAME)


def check_annotations(annotations: Mapping[str, Any]) -> dict[str, Any]:
    """Check annotations as a client gave them; returns them as a job holds them.

    Args:
        annotations: any of `reference` (text or None), `metadata` (text by key, or None) and `names` (a list of texts
            and None, or None).

    Raises:
        InvalidAnnotationError: a text or the whole is too long, no text, or holds what cannot be printed.

    """
    checked: dict[str, Any] = {}
    if "reference" in annotations:
        checked["reference"] = _reference(annotations["reference"])
    if "metadata" in annotations:
        checked["metadata"] = _metadata(annotations["metadata"] or {})
    if "names" in annotations:
        checked["names"] = _names(annotations["names"] or [])
    return checked


def annotations_of(job: Job) -> dict[str, Any]:
    """The annotations of a job, as its messages and its transcript show them."""
    return {"reference": job.reference, "metadata": dict(job.metadata), "names": list(job.names)}


def _reference(value: object) -> str | None:
    if value is None:
        return None
    if not (isinstance(value, str) and 1 <= len(value) <= MAX_REFERENCE_CHARACTERS):
        raise InvalidAnnotationError(
            "reference", f"reference must be a text of 1 to {MAX_REFERENCE_CHARACTERS} characters."
        )
    return _printable("reference", value)


def _metadata(value: object) -> dict[str, str]:
    """The same texts, which are one level deep: what is nested would be another contract."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for pair in value.items() for text in pair):
        raise InvalidAnnotationError("metadata", "metadata must be an object whose values are texts.")
    for key, text in value.items():
        if not 1 <= len(key) <= MAX_KEY_CHARACTERS:
            raise InvalidAnnotationError(
                "metadata", f"A key of metadata must have 1 to {MAX_KEY_CHARACTERS} characters."
            )
        _printable("metadata", key + text)
    _short("metadata", value, MAX_METADATA_BYTES)
    return dict(value)


def _names(value: object) -> list[str | None]:
    """The same names, without spaces around them and without None at the end, where it says nothing."""
    if not isinstance(value, list | tuple) or len(value) > MAX_NAMES:
        raise InvalidAnnotationError("names", f"names must be a list of at most {MAX_NAMES} names.")
    names = [None if name is None else _name(name) for name in value]
    _short("names", names, MAX_NAMES_BYTES)
    while names and names[-1] is None:
        names.pop()
    return names


def _name(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_NAME_CHARACTERS or not _NAME.match(value):
        raise InvalidAnnotationError("names", NAME_WORDS)
    return _printable("names", value).strip()


def _short(field: str, value: object, most: int) -> None:
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    if size > most:
        raise InvalidAnnotationError(field, f"{field} has {size} bytes as JSON, and may have {most}: shorten it.")


def is_printable(text: str) -> bool:
    """Whether a text holds nothing that is `UNPRINTABLE`, and no half of a character."""
    return not _REFUSED.search(text)


def _printable(field: str, text: str) -> str:
    if not is_printable(text):
        raise InvalidAnnotationError(field, f"{field} must be a text {PRINTABLE_WORDS}.")
    return text
