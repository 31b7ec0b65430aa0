"""What has happened to a client's jobs and callbacks."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.api.client import Api
from services.cli.callback_options import TYPE
from services.cli.client.event_lines import as_json, for_people
from services.cli.client.feed import Feed, Page
from services.cli.printing import note
from services.cli.streams import uninterrupted


def events(
    context: typer.Context,
    kinds: Annotated[list[str] | None, TYPE] = None,
    *,
    after: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="Only what came after this place, which an earlier call told.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="End after so many events.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on as things happen, until Ctrl-C.")] = False,
) -> None:
    """What has happened; with --follow as it happens.

    The oldest event that is kept comes first. An event appears some seconds after it happened. With --json, each event
    is one line, as the API tells it; the last one of each reply has `next`, a place for --after.
    """
    feed = Feed(Api.of(context.obj), types=kinds or (), after=after, limit=limit)
    some = False
    try:
        for page in feed.pages(follow=follow):
            some = True
            # Whoever presses Ctrl-C is told the place behind all lines that were printed, and is shown none again.
            with uninterrupted():
                print("\n".join(_in_json(page) if context.obj.json else map(for_people, page["events"])), flush=True)
                feed.after = page["next"]
        if not some:
            note("There are no such events." if kinds or after else "There are no events yet.")
    finally:
        if feed.after != after:
            note(f"To go on from here: --after {feed.after}")


def _in_json(page: Page) -> list[str]:
    *others, last = page["events"]
    return [*map(as_json, others), as_json(last, next=page["next"])]
