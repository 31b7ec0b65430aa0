"""Recordings in the bucket: what lies at a job's key, its deletion, and uploads in parts that are given up."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from services.common.domain.times import SECOND_MS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from services.common.domain.records import Job

log = structlog.get_logger()
_NOT_THERE = {HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED}


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


def delete(s3: S3Client, bucket: str, key: str, etag: str) -> bool:
    """Delete this very object; False if it is not there any more. Another one under the same key stays.

    S3 wants the right to read the object, too, since it compares it.
    """
    try:
        s3.delete_object(Bucket=bucket, Key=key, IfMatch=f'"{etag}"')
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in _NOT_THERE:
            return False
        raise
    return True


def abort_multipart(s3: S3Client, bucket: str, key: str, upload_id: str) -> None:
    """Give up an upload in parts; S3 deletes what it has of it. Nothing happens if it has ended already."""
    try:
        s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.NOT_FOUND:
            raise


class SourceObjects:
    """The recordings of one deployment's jobs."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def uploaded_at(self, job: Job) -> int:
        """S3's LastModified of the object at a job's key, epoch milliseconds; 0 if there is none."""
        there = look(self._s3, self._bucket, job.source_key)
        return there.modified if there else 0

    def give_up(self, job: Job) -> None:
        """Abort the upload in parts of a job that awaits it no more, if one was begun.

        If S3 refuses or does not answer, the bucket's lifecycle rule aborts it two days after it was begun.
        """
        if job.multipart is None:
            return
        try:
            abort_multipart(self._s3, self._bucket, job.source_key, job.multipart["upload_id"])
        except (ClientError, BotoCoreError) as error:
            log.warning("upload.not_aborted", job_id=job.job_id, error=error)
