"""Disks that no machine has, and uploads in parts that no job waits for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from services.cli.operator.cleanup.deployed import Deployed
from services.cli.operator.cleanup.finding import YOUNG_MS, Finding, Kind
from services.common import source_object
from services.common.domain.object_keys import upload_job
from services.common.domain.states import JobStatus
from services.common.domain.times import DAY_MS, SECOND_MS, rfc3339
from services.common.store.codec import UnknownVersionError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import MultipartUploadTypeDef


def _volumes(deployed: Deployed, now: int) -> Iterator[Finding]:
    pages = deployed.ec2.get_paginator("describe_volumes").paginate(
        Filters=[
            {"Name": "tag:transcribe-deployment", "Values": [deployed.name]},
            {"Name": "status", "Values": ["available"]},
        ]
    )
    for page in pages:
        for volume in page["Volumes"]:
            made = round(volume["CreateTime"].timestamp() * SECOND_MS)
            if made < now - YOUNG_MS:
                yield Finding(
                    name=volume["VolumeId"],
                    why=f"{volume['Size']} GiB of {rfc3339(made)}, and no machine has it",
                    end=partial(deployed.ec2.delete_volume, VolumeId=volume["VolumeId"]),
                )


def _uploads(deployed: Deployed, now: int) -> Iterator[Finding]:
    bucket = deployed.settings.bucket
    for page in deployed.s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", []):
            begun = round(upload["Initiated"].timestamp() * SECOND_MS)
            if begun < now - DAY_MS and not _is_awaited(deployed, upload):
                key, upload_id = upload["Key"], upload["UploadId"]
                yield Finding(
                    name=f"{key} {upload_id}",
                    why=f"begun {rfc3339(begun)}, and no job waits for it",
                    end=partial(source_object.abort_multipart, deployed.s3, bucket, key, upload_id),
                )


def _is_awaited(deployed: Deployed, upload: MultipartUploadTypeDef) -> bool:
    """Whether a job waits for this very upload; also true of a job that a newer release wrote."""
    _, job_id = upload_job(upload["Key"])
    try:
        job = deployed.store.jobs.get(job_id) if job_id else None
    except UnknownVersionError:
        return True
    if job is None or job.status is not JobStatus.AWAITING_UPLOAD or job.multipart is None:
        return False
    return bool(job.multipart["upload_id"] == upload["UploadId"])


VOLUMES = Kind(action="delete volume", many="disks that no machine has", find=_volumes)
UPLOADS = Kind(action="abort upload", many="uploads in parts that no job waits for", find=_uploads)
