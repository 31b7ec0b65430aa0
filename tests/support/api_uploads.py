"""Uploads over the API that go on: what clients ask for, and what S3 and the sweep do meanwhile."""

from __future__ import annotations

import base64
import zlib
from typing import Any

from services.common.domain.states import JobStatus
from services.common.domain.times import MINUTE_MS
from services.common.source_object import SourceObjects
from services.orchestrator.expiry import Expiry
from services.orchestrator.s3_events import Upload
from tests.support.api_jobs import create
from tests.support.gateway import Client
from tests.support.world import BUCKET, World, intake_of

WAIT_MS = 75 * MINUTE_MS
PART = 8 << 20
FILE = bytes(PART) + b"the end"
CHECKSUM = base64.b64encode(bytes(32)).decode()
"""A SHA-256, of no file."""
CRC32 = base64.b64encode(zlib.crc32(FILE).to_bytes(4)).decode()


def renew(client: Client, job_id: str) -> Any:
    reply = client.post(f"/api/jobs/{job_id}/upload")
    assert reply.status == 200, reply.body
    return reply.json


def complete(client: Client, job_id: str) -> Any:
    return client.post(f"/api/jobs/{job_id}/upload/complete")


def expire(world: World) -> list[str]:
    """What the sweep does for overdue uploads; returns the jobs that have expired."""
    expiry = Expiry(world.store, world.announcer, SourceObjects(world.s3, BUCKET))
    return [job_id for job_id in expiry.overdue(world.clock()) if expiry.expire(job_id, world.clock())]


def told(world: World, job_id: str) -> JobStatus:
    """S3 tells of what lies at a job's key; returns the job's state after that."""
    key = world.job(job_id).source_key
    there = world.s3.head_object(Bucket=BUCKET, Key=key)
    etag = there["ETag"].strip('"')
    upload = Upload(key=key, etag=etag, size=there["ContentLength"], uploaded=world.clock())
    assert not any(taken.error for taken in intake_of(world).take([upload], world.clock()))
    return world.job(job_id).status


def in_parts(client: Client, **more: Any) -> str:
    """A job whose file of two parts is announced."""
    job = create(client, **{"multipart": True, "size": len(FILE), "content_type": "audio/mpeg", **more})
    assert job["upload"] is None
    return str(job["job_id"])
