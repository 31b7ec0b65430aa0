"""Uploads in parts, as S3 keeps them until they are completed or aborted.

Whoever ends the waiting for the recording aborts its upload: a cancel, the expiry, an erasure. If one of them dies on
the way, the bucket's lifecycle rule does it two days after the upload was begun.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from services.api.service import Service
from services.common.domain import media_types
from services.common.domain.errors import ChangedMeanwhileError
from services.common.domain.records import Job

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CreateMultipartUploadRequestTypeDef

MOST_PARTS = 1_000
"""So many parts one answer of S3's ListParts tells of. S3 itself takes 10,000."""
MIB = 1 << 20
LEAST_PART = 8 * MIB
"""S3 takes parts from 5 MiB on, and a last one of any length."""
_GONE, _PART_CHANGED = "NoSuchUpload", "InvalidPart"
_DIFFERS = {"BadDigest", "InvalidRequest"}
"""How CompleteMultipartUpload refuses a wrong checksum, and parts that together have another size (Amazon S3 API
Reference, `x-amz-checksum-crc32` and `x-amz-mp-object-size`)."""


class GoneError(Exception):
    """S3 has no such upload: it was completed or aborted, or the job has begun none."""


class DiffersError(Exception):
    """The parts together are not the file that was announced."""


class Received(NamedTuple):
    """A part that S3 has."""

    etag: str
    size: int


Parts = Mapping[int, Received]
"""By number, from 1."""


def part_size(size: int) -> int:
    """The length of each part but the last of a file of `size` bytes, in whole MiB."""
    return max(LEAST_PART, -(-size // (MOST_PARTS * MIB)) * MIB)


def lengths(job: Job) -> dict[int, int]:
    """The length of each part, by number, of the upload in parts that was begun for the job."""
    assert job.multipart is not None
    size, part = job.declared["size"], job.multipart["part_size"]
    return {number: min(part, size - start) for number, start in enumerate(range(0, size, part), start=1)}


def begin(job: Job, wired: Service) -> dict[str, Any]:
    """Begin an upload in parts; returns `Job.multipart`."""
    wanted: CreateMultipartUploadRequestTypeDef = {
        "Bucket": wired.settings.bucket_name,
        "Key": job.source_key,
        "ContentType": job.declared.get("content_type") or media_types.UNKNOWN,
    }
    if "checksum_crc32" in job.declared:
        # Of the whole: then parts need no checksums of their own. S3 knows no SHA-256 of a whole that came in parts
        # (Amazon S3 User Guide, "Checking object integrity for data uploads").
        wanted |= {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
    begun = wired.s3.create_multipart_upload(**wanted)
    return {"upload_id": begun["UploadId"], "part_size": part_size(job.declared["size"])}


def received(job: Job, wired: Service) -> Parts:
    """The parts that S3 has; raises a `GoneError`."""
    if job.multipart is None:
        raise GoneError
    try:
        reply = wired.s3.list_parts(**_named(job, wired), MaxParts=MOST_PARTS)
    except ClientError as error:
        if error.response["Error"]["Code"] == _GONE:
            raise GoneError from None
        raise
    return {part["PartNumber"]: Received(part["ETag"], part["Size"]) for part in reply.get("Parts", [])}


def link(job: Job, number: int, length: int, wired: Service) -> str:
    """Where the part of this number is sent. Its length is signed: S3 takes no body of another one."""
    return wired.s3.generate_presigned_url(
        "upload_part",
        Params={**_named(job, wired), "PartNumber": number, "ContentLength": length},
        ExpiresIn=wired.settings.upload_minutes * 60,
    )


def complete(job: Job, parts: Parts, wired: Service) -> None:
    """Make the recording of these parts, among which are all that it needs.

    Raises:
        GoneError: the upload was completed or aborted at the same moment.
        DiffersError: the parts together have not the size or the checksum that was announced.
        ChangedMeanwhileError: a part was sent again at the same moment.

    """
    expected = lengths(job)
    if any(parts[number].size != length for number, length in expected.items()):
        raise DiffersError
    checksum = job.declared.get("checksum_crc32")
    try:
        wired.s3.complete_multipart_upload(
            **_named(job, wired),
            MultipartUpload={"Parts": [{"PartNumber": number, "ETag": parts[number].etag} for number in expected]},
            MpuObjectSize=job.declared["size"],
            **({"ChecksumCRC32": checksum, "ChecksumType": "FULL_OBJECT"} if checksum else {}),
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == _GONE:
            raise GoneError from None
        if code in _DIFFERS:
            raise DiffersError from None
        if code == _PART_CHANGED:
            raise ChangedMeanwhileError from None
        raise


def _named(job: Job, wired: Service) -> Any:  # noqa: ANN401 - the beginning of requests of several types
    assert job.multipart is not None
    return {"Bucket": wired.settings.bucket_name, "Key": job.source_key, "UploadId": job.multipart["upload_id"]}
