"""Events as lines of text: for people, or as JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from services.cli.printing import shown
from services.common.webhooks.registration import SUBSCRIBABLE

if TYPE_CHECKING:
    from services.cli.client.feed import Event

_WIDTHS = (24, max(map(len, SUBSCRIBABLE)), 30)
"""Of a time, a type and an id, in characters."""


def for_people(event: Event, *more: str) -> str:
    """When, what, to which job or callback, the recording's name, and what else is told of it.

    On a terminal, columns stand under each other, although the lines are printed one by one. Elsewhere, tabs stand
    between them.
    """
    subject = event["job_id"] or event["callback_id"]
    values = (event["created_at"], event["type"], subject, event["body"]["data"].get("file_name"), *more)
    words = [shown(value) for value in values]
    if not sys.stdout.isatty():
        return "\t".join(words)
    widths = (*_WIDTHS, *(0 for _ in words[len(_WIDTHS) :]))
    return "  ".join(word.ljust(width) for word, width in zip(words, widths, strict=True))


def as_json(event: Event, **more: object) -> str:
    """An event as the API tells it, and more fields."""
    return json.dumps(event | more, ensure_ascii=False)
