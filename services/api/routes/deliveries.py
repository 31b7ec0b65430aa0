"""The ledger of a job's deliveries, and redelivery."""

from __future__ import annotations

from services.api import openapi
from services.api.auth import Authenticated, Wired
from services.api.idempotency import Idempotent
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem
from services.api.routes import ledgers, lookup
from services.api.schemas.deliveries import DeliveryPage, DeliveryView
from services.common.domain.states import CallbackStatus
from services.common.store.table import ConditionFailedError

router = openapi.router("/jobs/{job_id}/deliveries", "deliveries")
_REFUSALS = (ProblemCode.NOT_FOUND, ProblemCode.CALLBACK_INACTIVE, ProblemCode.UNDER_WAY)


@router.get("", responses=openapi.listed("deliveries", ProblemCode.NOT_FOUND, ProblemCode.INVALID_CURSOR))
def list_job_deliveries(
    job_id: str, caller: Authenticated, wired: Wired, after: ledgers.After = None, limit: ledgers.Limit = 50
) -> DeliveryPage:
    """Every message about this job, with every try, in order of time.

    If one of these disabled its callback, the messages that told other callbacks of that are in it too.
    """
    lookup.job(job_id, caller, wired)
    return ledgers.page(job_id, after, limit, wired)


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
