"""Events as lines of text: for people, or as JSON."""

from __future__ import annotations

import sys
from datetime import datetime
from itertools import chain, repeat
from typing import TYPE_CHECKING

from services.cli.printing import in_json, shown
from services.common.webhooks.registration import SUBSCRIBABLE

if TYPE_CHECKING:
    from services.cli.client.feed import Event

_WIDTHS = (19, max(map(len, SUBSCRIBABLE)), 30)
"""Of a time, a type and an id, in characters."""


def for_people(event: Event, *more: str) -> str:
    """When, what, to which job or callback, the recording's name, and what else is told of it.

    On a terminal, columns stand under each other, although lines are printed one by one, and the time is that of this
    machine. Elsewhere, tabs stand between them, and the time is as the API tells it.
    """
    subject = event["job_id"] or event["callback_id"]
    words = [shown(one) for one in (event["type"], subject, event["body"]["data"].get("file_name"), *more)]
    moment = shown(event["created_at"])
    if not sys.stdout.isatty():
        return "\t".join([moment, *words])
    words = [datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S"), *words]
    return "  ".join(word.ljust(width) for word, width in zip(words, chain(_WIDTHS, repeat(0)), strict=False))


def as_json(event: Event, **more: object) -> str:
    """An event as the API tells it, and more fields."""
    return in_json(event | more, line=True)
