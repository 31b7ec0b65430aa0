"""Looks at a recording in the bucket, since an event or a record about it may be out of date."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from services.common.domain.times import SECOND_MS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from services.common.domain.records import Job


class SourceObject(NamedTuple):
    """An object under `uploads/`."""

    etag: str
    modified: int
    """S3's LastModified, epoch milliseconds in whole seconds."""


def look(s3: S3Client, bucket: str, key: str) -> SourceObject | None:
    """The object under this key; None if there is none."""
    try:
        there = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
            return None
        raise
    return SourceObject(there["ETag"].strip('"'), int(there["LastModified"].timestamp()) * SECOND_MS)


def uploaded_at(s3: S3Client, bucket: str, job: Job) -> int:
    """S3's LastModified of the object at a job's key, epoch milliseconds; 0 if there is none."""
    there = look(s3, bucket, job.source_key)
    return there.modified if there else 0
