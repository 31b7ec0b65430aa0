"""The feed of events, for clients that missed a webhook."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from services.api import cursors, openapi
from services.api.auth import Authenticated, Wired
from services.api.problem_codes import ProblemCode
from services.api.schemas.events import EventView, Feed
from services.common.store import keys

router = openapi.router("/events", "events")


@router.get("", responses=openapi.problems(ProblemCode.INVALID_CURSOR))
def list_events(
    caller: Authenticated,
    wired: Wired,
    after: Annotated[str | None, openapi.cursor()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Feed:
    """This client's events, oldest first, until some seconds ago: also those whose delivery was given up."""
    events = wired.store.events.of_client(
        caller.client_id, after=cursors.decode(after, keys.EVENT), now=wired.clock(), limit=limit
    )
    page = list(events)[:limit]
    return Feed(events=[EventView.of(event) for _, event in page], next=cursors.encode(page[-1][0]) if page else after)
