"""Looks once an hour for what is lost: jobs, client by client, then uploads, page after page from a cursor.

Nothing should ever be found, since every change is one transaction and the sweep repeats what a crash cut short. What
is found is a fault of ours, or was changed by somebody's hand: it is told, and an operator decides.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from services.common import metrics
from services.common.domain.audit import Audit, Stage
from services.common.domain.dossier import Loss, Lost
from services.common.domain.ids import upload_job_id
from services.common.domain.metrics import UNACCOUNTED
from services.common.domain.object_keys import UPLOADS
from services.common.domain.states import TERMINAL
from services.common.domain.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from services.common.domain.walk import jobs_named_by
from services.common.store.codec import UnknownVersionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

    from services.common.domain.records import Callback, Job
    from services.common.store.store import Store

log = structlog.get_logger()
PAGE = 100
"""Jobs or uploads that are read at a time."""
FRESH_MS = 10 * MINUTE_MS
"""Age from which jobs are looked at: the index may lag, and what is under way is not lost."""
SEARCHED_MS = 2 * HOUR_MS
"""Age from which uploads are looked at: the hourly search, which takes in what S3 has not told, has seen them."""
CHANGED_MS = DAY_MS
"""How long after its last change a job that has ended is looked at: 24 audits have seen it then."""


class Auditor:
    """Finds what is lost of one deployment. It changes nothing but its own cursor."""

    def __init__(self, store: Store, s3: S3Client, bucket: str, retention_days: int) -> None:
        self._store = store
        self._s3 = s3
        self._bucket = bucket
        self._retention_ms = retention_days * DAY_MS

    def run(self, now: int, in_time: Callable[[], bool]) -> int:
        """Go on with this hour's audit while there is time; returns how much was found lost.

        If another sweep has moved the cursor meanwhile, that sweep tells what was found.
        """
        seen = self._store.fleet.audit()
        audit = seen or Audit()
        if audit.stage is Stage.NOTHING:
            if not audit.is_due(now):
                return 0
            audit = audit.begin(now)
        before, found = audit.lost, list[Loss]()
        while in_time():
            page = self._jobs if audit.stage is Stage.JOBS else self._uploads
            audit, losses = page(audit, now)
            found += losses
            if audit.stage is Stage.NOTHING:
                break
        # Written once, since most audits fit into one sweep, and nobody pays for an idle deployment's pages.
        if audit == seen or not self._store.fleet.move_audit(seen, audit):
            return 0
        for loss in found:
            log.error("audit.found", kind=loss.kind.value, **loss.about)
        if audit.stage is Stage.NOTHING:
            metrics.measure({UNACCOUNTED: audit.lost})
        return audit.lost - before

    def _jobs(self, audit: Audit, now: int) -> tuple[Audit, Sequence[Loss]]:
        """Look at a page of a client's jobs; returns the audit after it, and what is lost."""
        client = audit.client or self._client_after("")
        if client is None:
            return audit.next(None), ()
        page = list(self._store.dossiers.jobs_of(client, after=audit.cursor, limit=PAGE))
        looked_at = [job.job_id for _, job in page if job and _is_looked_at(job, now)]
        registered = self._store.callbacks.of_client(client) if looked_at else ()
        losses = [loss for job_id in looked_at for loss in self._lost_of(job_id, registered, audit, now)]
        moved = replace(audit, client=client).move(cursor=page[-1][0] if page else "", lost=len(losses))
        return (moved if len(page) >= PAGE else moved.next(self._client_after(client))), losses

    def _client_after(self, client: str) -> str | None:
        """The client behind this one, by name; None: there is none."""
        return next((one for one in self._store.clients.names() if one > client), None)

    def _lost_of(self, job_id: str, registered: Sequence[Callback], audit: Audit, now: int) -> list[Loss]:
        """What is lost of a job by two looks: an item that is read may be older than one that was read before it."""
        found = self._look(job_id, registered, audit, now)
        return [loss for loss in self._look(job_id, registered, audit, now) if loss in found] if found else []

    def _look(self, job_id: str, registered: Sequence[Callback], audit: Audit, now: int) -> list[Loss]:
        dossier = self._store.dossiers.of(job_id)
        since = max(audit.first, now - CHANGED_MS)
        return list(dossier.losses(registered, since=since, now=now)) if dossier else []

    def _uploads(self, audit: Audit, now: int) -> tuple[Audit, Sequence[Loss]]:
        """Look at a page of the bucket's uploads; returns the audit after it, and what is lost."""
        page = self._s3.list_objects_v2(
            Bucket=self._bucket, Prefix=UPLOADS, StartAfter=audit.cursor or UPLOADS, MaxKeys=PAGE
        )
        contents = page.get("Contents", [])
        missing = {job_id: entry for entry in contents for job_id in self._missing(entry, now)}
        suspected = [job_id for job_id, entry in missing.items() if "-" in entry["ETag"]]  # as of uploads in parts
        lost = [job_id for job_id in missing if job_id not in suspected or job_id in audit.suspects]
        losses = [Loss(kind=Lost.UPLOAD, about={"job_id": job_id}) for job_id in lost]
        cursor = contents[-1]["Key"] if contents else ""
        moved = audit.move(cursor=cursor, lost=len(losses), suspected=suspected)
        return (moved if page.get("IsTruncated") else moved.end()), losses

    def _missing(self, entry: ObjectTypeDef, now: int) -> Iterator[str]:
        """The id that the job of an upload would have, if the upload has none.

        Uploads that are older than jobs are kept are left to the daily walk.
        """
        key, made = entry["Key"], int(entry["LastModified"].timestamp()) * SECOND_MS
        if key.endswith("/") or not now - self._retention_ms < made < now - SEARCHED_MS:
            return
        own = upload_job_id(self._bucket, key, entry["ETag"].strip('"'))
        if not any(map(self._is_there, jobs_named_by(key, own))):
            yield own

    def _is_there(self, job_id: str) -> bool:
        """Whether there is a job of this id, or was one that is erased."""
        try:
            return self._store.tombstones.job_or_tombstone(job_id) is not None
        except UnknownVersionError:
            return True


def _is_looked_at(job: Job, now: int) -> bool:
    """Whether something may be lost of a job that was not seen to be there by earlier audits."""
    changed = max(job.sequence, job.created_at)
    if job.created_at > now - FRESH_MS:
        return False
    return job.status not in TERMINAL or job.tell_correction_at is not None or changed > now - CHANGED_MS
