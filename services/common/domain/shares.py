"""Shares: links that open one transcript and its sound to whoever holds them, until they end or are taken back. Pure.

A share's token is in no address that a server sees: it stands behind the `#` of its link. Only its hash is stored.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from services.common.domain.ids import key_digest
from services.common.domain.times import DAY_MS, SECOND_MS

if TYPE_CHECKING:
    from services.common.domain.records import Job

MAX_SHARES = 20
"""Of one job."""
MAX_DAYS, DEFAULT_DAYS = 90, 7
MAX_LABEL_CHARACTERS = 80
MINUTE_LIMIT = 120
"""Requests that a share may make in a minute: a page that is open saves every few seconds at most."""
_TOKEN = re.compile(r"(job_[a-z2-7]{1,40})\.(share_[a-z2-7]{1,40})\.([A-Za-z0-9_-]{43})")


class ShareRight(StrEnum):
    """What a share lets its holder do; who may correct may read too."""

    READ = "read"
    CORRECT = "correct"


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share as it is stored. Times are epoch milliseconds, but for `expires_at`, which is in seconds."""

    job_id: str
    share_id: str
    right: ShareRight
    digest: str
    """The sha256 of the token."""
    created_at: int
    ends_at: int
    label: str | None = None
    """The client's own words on whom it is for."""
    expires_at: int | None = None
    """When DynamoDB may delete it."""


class Token(NamedTuple):
    """A share's token, taken apart."""

    job_id: str
    share_id: str
    digest: str


def token(job_id: str, share_id: str, secret: str) -> str:
    """The text that opens a share; `secret` is any text with 256 random bits."""
    whole = base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()).decode().rstrip("=")
    return f"{job_id}.{share_id}.{whole}"


def link(public_url: str, text: str) -> str:
    """The address of the page that opens a share by its token, which browsers send to nobody."""
    return f"{public_url.rstrip('/')}/#share={text}"


def parse_token(text: str) -> Token | None:
    """The token in this text, or None if it is none; whether there is such a share is not known by that."""
    found = _TOKEN.fullmatch(text)
    return Token(found[1], found[2], key_digest(text)) if found else None


def share_of(
    job: Job, share_id: str, secret: str, right: ShareRight, *, days: int, label: str | None, now: int
) -> Share:
    """A new share of a job, for so many days; it ends with the job at the latest.

    Args:
        job: whose transcript it opens.
        share_id: its id.
        secret: as for `token`.
        right: what its holder may do.
        days: how long it is good for.
        label: the client's own words on whom it is for.
        now: epoch milliseconds.

    """
    ends_at = now + days * DAY_MS
    if job.expires_at is not None:
        ends_at = min(ends_at, job.expires_at * SECOND_MS)
    return Share(
        job_id=job.job_id,
        share_id=share_id,
        right=right,
        digest=key_digest(token(job.job_id, share_id, secret)),
        created_at=now,
        ends_at=ends_at,
        label=label,
        expires_at=ends_at // SECOND_MS,
    )
