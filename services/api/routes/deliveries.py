"""Ledgers of deliveries, of jobs and of callbacks' own messages, and redelivery."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from services.api import cursors, openapi
from services.api.auth import Authenticated, Wired
from services.api.idempotency import Idempotent
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem
from services.api.routes import lookup
from services.api.schemas.deliveries import DeliveryPage, DeliveryView
from services.api.service import Service
from services.common.domain.states import CallbackStatus
from services.common.store import keys
from services.common.store.operations import ConditionFailedError

router = openapi.router("/jobs/{job_id}/deliveries", "deliveries")
_REFUSALS = (ProblemCode.NOT_FOUND, ProblemCode.CALLBACK_INACTIVE, ProblemCode.UNDER_WAY)
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


@router.get("", responses=openapi.listed("deliveries", ProblemCode.NOT_FOUND, ProblemCode.INVALID_CURSOR))
def list_job_deliveries(
    job_id: str, caller: Authenticated, wired: Wired, after: After = None, limit: Limit = 50
) -> DeliveryPage:
    """Every message about this job, with every try, in order of time.

    If one of these disabled its callback, the messages that told other callbacks of that are in it too.
    """
    lookup.job(job_id, caller, wired)
    return page(job_id, after, limit, wired)


@router.post("/{delivery_id}/redeliver", status_code=202, responses=openapi.problems(*_REFUSALS))
def redeliver(
    job_id: str, delivery_id: str, caller: Authenticated, wired: Wired, idempotency: Idempotent
) -> DeliveryView:
    """Send the same bytes under the same id again, on a schedule that begins anew."""
    lookup.job(job_id, caller, wired)
    delivery = lookup.delivery(job_id, delivery_id, wired)
    home = job_id if delivery.own_callback else None
    callback = wired.store.callbacks.get(caller.client_id, delivery.callback_id, home)
    inactive = callback is None or callback.status is not CallbackStatus.ACTIVE
    record, now = idempotency.record(), wired.clock()
    if inactive and wired.store.commits.earlier(record) is None:
        detail = "Its callback is gone or not active: nothing can be sent to it."
        raise Problem(ProblemCode.CALLBACK_INACTIVE, detail)
    try:
        wired.store.commit([wired.store.deliveries.again(delivery, now)], record)
    except ConditionFailedError:
        detail = "An attempt is being made at this moment: look at the ledger."
        raise Problem(ProblemCode.UNDER_WAY, detail) from None
    return DeliveryView.of(lookup.delivery(job_id, delivery_id, wired))
