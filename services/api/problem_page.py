"""The page about problem codes that a browser gets: plain HTML without scripts, styles or anything else to load."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.api.schemas.problems import ProblemType

HEADERS = {"Content-Security-Policy": "default-src 'none'", "Vary": "Accept"}
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
{entries}
</html>
"""
_ENTRY = """<h1><a href="{type}">{title}</a></h1>
<p><code>{code}</code>, status {status}</p>
<p>{meaning}</p>
<p>{remedy}</p>"""


def of(title: str, entries: Iterable[ProblemType]) -> str:
    """The page about some codes."""
    shown = [_ENTRY.format(**{name: _html(str(value)) for name, value in entry}) for entry in entries]
    return _PAGE.format(title=escape(title), entries="\n".join(shown))


def _html(text: str) -> str:
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))
