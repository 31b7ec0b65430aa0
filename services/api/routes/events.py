"""The feed of events, for clients that missed a webhook."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from services.api import cursors, openapi
from services.api.auth import Authenticated, Wired
from services.api.problem_codes import ProblemCode
from services.api.schemas.events import EventView, Feed
from services.api.schemas.fields import OneOf
from services.common.store import keys
from services.common.webhooks.registration import SUBSCRIBABLE

router = openapi.router("/events", "events")


@router.get("", responses=openapi.problems(ProblemCode.INVALID_CURSOR))
def list_events(
    caller: Authenticated,
    wired: Wired,
    *,
    kinds: Annotated[
        list[Annotated[str, OneOf(SUBSCRIBABLE, "FeedEventType")]],
        Query(alias="type", default_factory=list, description="Events of one of these types."),
    ],
    after: Annotated[str | None, openapi.cursor(keys.EVENT)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Feed:
    """This client's events, oldest first, until some seconds ago: also those whose delivery was given up.

    Tests and challenges are not in it: they are in the ledger of their callback.

    With a filter, a request looks at no more than 500 events: a page may be short or empty although more follow. Go on
    until `next` is the `after` that was given.
    """
    page = wired.store.events.page(
        caller.client_id,
        after=cursors.decode(after, keys.EVENT),
        now=wired.clock(),
        size=limit,
        wanted=(lambda event: event.type in kinds) if kinds else None,
    )
    return Feed(events=[EventView.of(event) for event in page.records], next=cursors.encode(page.last) or after)
