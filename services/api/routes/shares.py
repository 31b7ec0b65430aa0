"""The shares of a job: made, listed and taken back by its client."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fastapi import Response

from services.api import openapi
from services.api.auth import Authenticated, Wired
from services.api.idempotency import Idempotent
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem, not_found
from services.api.routes import lookup
from services.api.schemas.shares import CreatedShare, NewShare, ShareList, ShareView
from services.api.service import Service
from services.common.domain.ids import new_id
from services.common.domain.shares import MAX_SHARES, Share, ShareRight, link, share_of, token
from services.common.domain.states import JobStatus
from services.common.store.clients import Caller
from services.common.store.idempotency import IdempotencyRecord
from services.common.store.operations import ConditionFailedError

router = openapi.router("/jobs/{job_id}/shares", "shares")
_REFUSALS = (
    ProblemCode.NOT_FOUND,
    ProblemCode.NOT_COMPLETED,
    ProblemCode.TOO_MANY_SHARES,
    ProblemCode.DELETED_SINCE,
)
_ID = re.compile(r"share_[a-z2-7]{1,40}")


@router.post("", status_code=201, responses=openapi.created("share", *_REFUSALS))
def create_share(
    job_id: str, wanted: NewShare, caller: Authenticated, wired: Wired, idempotency: Idempotent, *, response: Response
) -> CreatedShare:
    """A link that opens this transcript and its sound, and nothing else, to whoever holds it."""
    job, right = lookup.job(job_id, caller, wired), ShareRight(wanted.right)
    if job.status is not JobStatus.COMPLETED:
        raise Problem(ProblemCode.NOT_COMPLETED, f"The job is {job.status.value}: there is nothing to share.")
    secret, seed = idempotency.fresh_secret()
    share = share_of(job, new_id("share"), secret, right, days=wanted.days, label=wanted.label, now=wired.clock())
    if earlier := _stored(share, idempotency.record(share_id=share.share_id, **seed), wired):
        share = lookup.made_before(_finder(job_id), earlier["share_id"], caller, wired)
        secret = idempotency.earlier_secret(earlier)
    response.headers["Location"] = f"/api/jobs/{job_id}/shares/{share.share_id}"
    opens = token(job_id, share.share_id, secret)
    url = link(wired.settings.public_url, opens) if wired.settings.page else None
    return CreatedShare(**dict(ShareView.of(share)), token=opens, url=url)


def _stored(share: Share, record: IdempotencyRecord | None, wired: Service) -> Mapping[str, Any] | None:
    """Store a new share; returns the reference of the same request if it was carried out before."""
    # Two requests at the same moment may make one share too many, which costs nobody anything.
    if len(_valid(share.job_id, wired)) >= MAX_SHARES:
        refusal = Problem(ProblemCode.TOO_MANY_SHARES, f"A job has at most {MAX_SHARES} shares: take one back first.")
        return lookup.carried_out_before(record, wired, else_=refusal)
    try:
        return wired.store.commit(wired.store.shares.addition(share), record)
    except ConditionFailedError:
        raise not_found("job") from None


def _valid(job_id: str, wired: Service) -> list[Share]:
    """The shares of a job that have not ended."""
    now = wired.clock()
    return [share for share in wired.store.shares.of_job(job_id) if share.ends_at > now]


def _finder(job_id: str) -> lookup.Finder[Share]:
    """What finds a share of a job by its id; it raises a 404 if it has ended or was taken back."""

    def find(share_id: str, _caller: Caller, wired: Service) -> Share:
        for share in _valid(job_id, wired):
            if share.share_id == share_id:
                return share
        raise not_found("share")

    return find


@router.get("", responses=openapi.listed("shares", ProblemCode.NOT_FOUND))
def list_shares(job_id: str, caller: Authenticated, wired: Wired) -> ShareList:
    """The job's shares that have not ended, the latest first, without their tokens."""
    lookup.job(job_id, caller, wired)
    found = sorted(_valid(job_id, wired), key=lambda share: share.created_at, reverse=True)
    return ShareList(shares=[ShareView.of(share) for share in found])


@router.delete("/{share_id}", status_code=204, responses=openapi.problems(ProblemCode.NOT_FOUND))
def delete_share(job_id: str, share_id: str, caller: Authenticated, wired: Wired) -> None:
    """Take a share back: its link opens nothing from now on, but links to the recording live on for an hour at most."""
    lookup.job(job_id, caller, wired)
    if not (_ID.fullmatch(share_id) and wired.store.shares.remove(job_id, share_id)):
        raise not_found("share")
