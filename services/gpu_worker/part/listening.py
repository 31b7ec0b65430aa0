"""Stores what a reading wrote for people who listen. What goes wrong here costs the picture of the sound or the copy,
never the text.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from services.common.domain import object_keys
from services.gpu_worker.engine.listening.files import COPY_TYPE, PEAKS_PER_SECOND, PEAKS_TYPE, copy_file, peaks_file
from services.gpu_worker.engine.stopping import StoppedError

if TYPE_CHECKING:
    from pathlib import Path

    from services.gpu_worker.engine.plan.plan import Plan
    from services.gpu_worker.part.claim import Claim
    from services.gpu_worker.part.files import Files

log = structlog.get_logger()


def with_listening(plan: Plan, claim: Claim, files: Files, spool: Path) -> Plan:
    """The plan with the places of what its reading left in the spool's folder, which is in the bucket then.

    Every attempt that reads a recording stores its own. Which of them counts is settled with the plan: the attempt that
    completes the job, or that has split it, was the last to plan.

    Raises:
        StoppedError: the work must stop.

    """
    place, attempt = claim.job.place, claim.part.attempt
    found: dict[str, Any] = dict(plan.listening)
    for fault in found.pop("faults", ()):
        log.warning("listening.failed", job_id=claim.part.job_id, attempt=attempt, error=fault)
    key, file = object_keys.peaks(place, attempt), peaks_file(spool)
    if size := _store(claim, files, key, file, PEAKS_TYPE):
        found["peaks"] = {"key": key, "bytes": size, "per_second": PEAKS_PER_SECOND}
    key, file = object_keys.listening(place, attempt), copy_file(spool)
    if size := _store(claim, files, key, file, COPY_TYPE):
        found["listening"] = {"key": key, "bytes": size, "media_type": COPY_TYPE}
    return replace(plan, listening=found)


def _store(claim: Claim, files: Files, key: str, file: Path, media_type: str) -> int:
    """Store a file, if it is there; returns its length in bytes, or 0 if nothing is stored."""
    if not file.is_file():
        return 0
    try:
        claim.retry(lambda: files.store(key, file, media_type))
        return file.stat().st_size
    except StoppedError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the text is worth more
        log.warning("listening.failed", job_id=claim.part.job_id, attempt=claim.part.attempt, error=error)
        return 0
