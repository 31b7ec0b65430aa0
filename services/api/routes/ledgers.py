"""Pages of ledgers: of a job's deliveries, and of those of a callback's own messages."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from services.api import cursors, openapi
from services.api.schemas.deliveries import DeliveryPage, DeliveryView
from services.api.service import Service
from services.common.store import keys

After = Annotated[str | None, openapi.cursor(keys.DELIVERY)]
# Twenty attempts with the beginning of each answer, escaped twice, are up to 80 kB. Fifty deliveries fit into 6 MB,
# the largest answer of a Lambda function.
Limit = Annotated[int, Query(ge=1, le=50)]


def page(subject: str, after: str | None, limit: int, wired: Service) -> DeliveryPage:
    """A page of deliveries, in order of time.

    `subject` is a job or a callback that is known to be the caller's.
    """
    found = wired.store.deliveries.of_job(subject, after=cursors.decode(after, keys.DELIVERY), limit=limit)
    return DeliveryPage(
        deliveries=[DeliveryView.of(one) for one in found],
        next=cursors.encode(keys.of(found[-1])[1]) if len(found) == limit else None,
    )
