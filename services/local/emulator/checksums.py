"""Holds a body against what its headers, its trailer or its form say of it, as S3 does and moto does not.

S3's clients send a checksum with every object: in a header if they sign the body, else behind the body, which then
comes in pieces (`aws-chunked`). CRC64NVME and CRC32C, for which Python has no fast function, are not checked.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from typing import TYPE_CHECKING

from services.local.emulator.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_IN_PIECES = "STREAMING-"
"""How the announced digest of a body begins that comes in pieces, each with its own digest or none."""
_CHECKSUMS: dict[str, Callable[[bytes], bytes]] = {
    "crc32": lambda body: zlib.crc32(body).to_bytes(4),
    "sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "sha256": lambda body: hashlib.sha256(body).digest(),
}
_MD5_BYTES = 16
_HEAD = re.compile(rb"([0-9a-fA-F]{1,16})(?:;[^\r\n]*)?\r\n")
"""What stands before each piece: its length, and its signature if it has one."""


def check(headers: Mapping[str, str], body: bytes) -> None:
    """Check the body of a request that puts an object or a part.

    Args:
        headers: of the request, each word of a name with a capital.
        body: as it came, in pieces too.

    Raises:
        RefusedError: S3 would refuse it.

    """
    announced = headers.get("X-Amz-Content-Sha256", "")
    trailer: dict[str, str] = {}
    if announced.startswith(_IN_PIECES):
        body, trailer = _put_together(body)
    elif len(announced) == len(hashlib.sha256().hexdigest()) and announced != hashlib.sha256(body).hexdigest():
        message = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise RefusedError(400, "XAmzContentSHA256Mismatch", message)
    _check_md5(headers.get("Content-Md5"), body)
    compare({name.lower(): value for name, value in headers.items()} | trailer, body)


def compare(said: Mapping[str, str], content: bytes) -> None:
    """Check the content of an object, or of a part, against what is said of it.

    Args:
        said: headers, a trailer or the fields of a form, by names in lower case.
        content: all of it.

    Raises:
        RefusedError: it has another checksum.

    """
    for name, checksum in _CHECKSUMS.items():
        wanted = said.get(f"x-amz-checksum-{name}")
        if wanted and wanted != base64.b64encode(checksum(content)).decode():
            message = f"The {name.upper()} you specified did not match the calculated checksum."
            raise RefusedError(400, "BadDigest", message)


def _check_md5(said: str | None, body: bytes) -> None:
    if said is None:
        return
    try:
        digest = base64.b64decode(said, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != _MD5_BYTES:
        raise RefusedError(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
    if digest != hashlib.md5(body, usedforsecurity=False).digest():
        raise RefusedError(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")


def _put_together(body: bytes) -> tuple[bytes, dict[str, str]]:
    """A body without what stands around its pieces, and its trailer, by names in lower case.

    Raises:
        RefusedError: it does not come in pieces, or not all of them came.

    """
    pieces, at = [], 0
    while True:
        head = _HEAD.match(body, at)
        if head is None:
            raise RefusedError(400, "IncompleteBody", "The request body terminated unexpectedly")
        size = int(head[1], 16)
        at = head.end()
        if not size:
            break
        pieces.append(body[at : at + size])
        at += size + 2
    lines = (line.partition(":") for line in body[at:].decode("ascii", "replace").split("\r\n"))
    return b"".join(pieces), {name.strip().lower(): value.strip() for name, _, value in lines}
