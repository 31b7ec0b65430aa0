"""Uploads in parts, where S3 does more than moto 5.2.

- An object has the date at which its upload was begun, and so has the upload in a list of those under way.
- A part, or a completion, of an upload that has ended is refused with NoSuchUpload.
- A completion is held to the size and to the checksum of the whole that come with it.
- Two completions at once make one object.
"""

from __future__ import annotations

import base64
import re
import threading
import zlib
from typing import Any

import moto.s3.models
from moto.s3.exceptions import NoSuchUpload, S3ClientError
from moto.s3.models import FakeMultipart, S3Backend
from moto.s3.responses import S3Response

_LOCK = threading.Lock()
_INITIATED = re.compile("<Initiated>[^<]*<")


def apply() -> None:
    """Patch moto in this process; once is enough, twice does no harm."""
    if getattr(FakeMultipart, "_patched", False):
        return
    FakeMultipart._patched = True
    _dates()
    _ended_uploads()
    _whole()


def _dates() -> None:
    """S3 gives an object the time at which its multipart upload was begun; moto that at which it was completed."""
    begin, complete = FakeMultipart.__init__, S3Backend.complete_multipart_upload

    def begun(multipart: Any, *given: Any, **more: Any) -> None:
        begin(multipart, *given, **more)
        multipart.begun = moto.s3.models.utcnow()

    def complete_multipart_upload(backend: Any, bucket_name: str, multipart_id: str, body: Any) -> Any:
        with _LOCK:
            multipart = _under_way(backend, bucket_name, multipart_id)
            key = complete(backend, bucket_name, multipart_id, body)
        if key is not None:
            key.last_modified = multipart.begun
        return key

    FakeMultipart.__init__ = begun
    S3Backend.complete_multipart_upload = complete_multipart_upload
    respond = S3Response.list_multipart_uploads

    def list_multipart_uploads(response: Any) -> Any:
        """One date for all is what moto answers; the uploads are listed in the order in which they were begun."""
        status, headers, body = respond(response)
        prefix = response.querystring.get("prefix", [""])[0]
        under_way = response.backend.list_multipart_uploads(response.bucket_name).values()
        dates = (one.begun for one in under_way if one.key_name.startswith(prefix))
        return status, headers, _INITIATED.sub(lambda _: f"<Initiated>{next(dates):%Y-%m-%dT%H:%M:%S.000Z}<", body)

    S3Response.list_multipart_uploads = list_multipart_uploads


def _ended_uploads() -> None:
    """S3 answers NoSuchUpload; moto fails on a key that its dictionary lacks."""
    upload = S3Backend.upload_part

    def upload_part(backend: Any, bucket_name: str, multipart_id: str, part_id: int, value: bytes) -> Any:
        _under_way(backend, bucket_name, multipart_id)
        return upload(backend, bucket_name, multipart_id, part_id, value)

    S3Backend.upload_part = upload_part


def _whole() -> None:
    """S3 compares what is said of the whole with the parts before it makes the object; moto ignores it."""
    respond = S3Response._key_response_post

    def key_response_post(response: Any, request: Any, body: bytes, bucket_name: str, *place: Any) -> Any:
        upload_id = place[0].get("uploadId", [""])[0]
        under_way = response.backend.get_bucket(bucket_name).multiparts.get(upload_id)
        if under_way is not None:
            parts = under_way.parts
            numbers = [number for number, _ in response._complete_multipart_body(body)]
            _compare(request.headers, b"".join(parts[number].value for number in numbers if number in parts))
        return respond(response, request, body, bucket_name, *place)

    S3Response._key_response_post = key_response_post


def _compare(headers: Any, whole: bytes) -> None:
    size, checksum = headers.get("x-amz-mp-object-size"), headers.get("x-amz-checksum-crc32")
    if size is not None and int(size) != len(whole):
        raise S3ClientError("InvalidRequest", f"The provided 'x-amz-mp-object-size' header {size} does not match.")
    if checksum is not None and checksum != base64.b64encode(zlib.crc32(whole).to_bytes(4)).decode():
        raise S3ClientError("BadDigest", "The CRC32 you specified did not match the calculated checksum.")


def _under_way(backend: Any, bucket_name: str, multipart_id: str) -> Any:
    multipart = backend.get_bucket(bucket_name).multiparts.get(multipart_id)
    if multipart is None:
        raise NoSuchUpload(multipart_id)
    return multipart
