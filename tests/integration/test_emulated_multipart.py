"""The emulator's uploads in parts end, date and refuse as S3's do."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import pytest
from botocore.exceptions import ClientError

from services.common.domain.times import HOUR_MS, SECOND_MS
from tests.support.world import BUCKET, World

KEY = "uploads/alice/a.wav"
LEAST = 5 << 20


def crc32(content: bytes) -> str:
    return base64.b64encode(zlib.crc32(content).to_bytes(4)).decode()


class Upload:
    """One upload in parts."""

    def __init__(self, world: World, **more: Any) -> None:
        self._s3 = world.s3
        begun = world.s3.create_multipart_upload(Bucket=BUCKET, Key=KEY, **more)
        self._about: dict[str, Any] = {"Bucket": BUCKET, "Key": KEY, "UploadId": begun["UploadId"]}
        self._parts: list[Any] = []

    def part(self, content: bytes) -> None:
        number = len(self._parts) + 1
        etag = self._s3.upload_part(**self._about, PartNumber=number, Body=content)["ETag"]
        self._parts.append({"PartNumber": number, "ETag": etag})

    def complete(self, **more: Any) -> None:
        self._s3.complete_multipart_upload(**self._about, MultipartUpload={"Parts": self._parts}, **more)

    def abort(self) -> None:
        self._s3.abort_multipart_upload(**self._about)

    def list(self) -> None:
        self._s3.list_parts(**self._about)


def refused(call: Any, *given: Any, **more: Any) -> str:
    with pytest.raises(ClientError) as refusal:
        call(*given, **more)
    return str(refusal.value.response["Error"]["Code"])


def test_nothing_can_be_done_with_an_upload_that_was_aborted(world: World) -> None:
    upload = Upload(world)
    upload.part(b"sound")
    upload.abort()
    assert {refused(upload.part, b"sound"), refused(upload.list), refused(upload.complete), refused(upload.abort)} == {
        "NoSuchUpload"
    }


def test_an_upload_that_was_completed_has_no_parts_and_cannot_be_aborted(world: World) -> None:
    upload = Upload(world)
    upload.part(b"sound")
    upload.complete()
    assert {refused(upload.part, b"sound"), refused(upload.list), refused(upload.abort)} == {"NoSuchUpload"}


def test_every_part_but_the_last_has_five_mebibytes(world: World) -> None:
    upload = Upload(world)
    upload.part(bytes(LEAST - 1))
    upload.part(b"sound")
    assert refused(upload.complete) == "EntityTooSmall"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"MpuObjectSize": LEAST + 4}, "InvalidRequest"),
        ({"ChecksumCRC32": crc32(b"sound"), "ChecksumType": "FULL_OBJECT"}, "BadDigest"),
    ],
)
def test_a_whole_that_is_not_as_it_is_said_to_be_is_not_made_and_its_parts_stay(
    world: World, said: dict[str, Any], code: str
) -> None:
    """Its checksum is that of the whole, though no part came with one."""
    upload = Upload(world, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    upload.part(bytes(LEAST))
    upload.part(b"sound")
    assert refused(upload.complete, **said) == code
    assert world.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0

    whole = bytes(LEAST) + b"sound"
    upload.complete(MpuObjectSize=len(whole), ChecksumCRC32=crc32(whole), ChecksumType="FULL_OBJECT")
    assert world.s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == whole


def test_an_object_has_the_date_at_which_its_upload_was_begun(world: World) -> None:
    upload, begun = Upload(world), world.clock()
    upload.part(b"sound")
    world.clock.pass_(HOUR_MS)
    upload.complete()
    assert world.s3.head_object(Bucket=BUCKET, Key=KEY)["LastModified"].timestamp() * SECOND_MS == begun
