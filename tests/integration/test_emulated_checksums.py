"""The emulator's S3 takes what is put if it is as its checksums say, and refuses the rest."""

from __future__ import annotations

import base64
import hashlib
import socket
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.served_s3 import RECORDING, ServedS3
from tests.support.shared_aws import REGION
from tests.support.world import BUCKET, World

OTHER = b"another one"
SIGNED = f"AWS4-HMAC-SHA256 Credential=testing/20261126/{REGION}/s3/aws4_request, SignedHeaders=host, Signature=0"
TRAILING = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@pytest.fixture(scope="module")
def served() -> Iterator[ServedS3]:
    running = ServedS3()
    yield running
    running.close()


@pytest.fixture
def s3(world: World, served: ServedS3) -> ServedS3:
    return served


def encoded(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def crc32(content: bytes) -> str:
    return encoded(zlib.crc32(content).to_bytes(4))


SAID: dict[str, Callable[[bytes], str]] = {
    "Content-MD5": lambda content: encoded(hashlib.md5(content).digest()),
    "x-amz-checksum-crc32": crc32,
    "x-amz-checksum-sha1": lambda content: encoded(hashlib.sha1(content).digest()),
    "x-amz-checksum-sha256": lambda content: encoded(hashlib.sha256(content).digest()),
}


def put(s3: ServedS3, content: Any, **headers: str) -> httpx.Response:
    """As a client of AWS that signs in the header, which the emulator trusts."""
    return s3.send("PUT", f"{s3.url}/{BUCKET}/a.wav", content, Authorization=SIGNED, **headers)


def code(reply: httpx.Response) -> str:
    return reply.text.partition("<Code>")[2].partition("</Code>")[0]


def kept(world: World) -> bytes:
    return bytes(world.s3.get_object(Bucket=BUCKET, Key="a.wav")["Body"].read())


@pytest.mark.parametrize("header", SAID)
def test_a_header_that_is_true_of_another_body_is_refused(world: World, s3: ServedS3, header: str) -> None:
    assert code(put(s3, RECORDING, **{header: SAID[header](OTHER)})) == "BadDigest"
    assert world.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
    assert put(s3, RECORDING, **{header: SAID[header](RECORDING)}).is_success
    assert kept(world) == RECORDING


def test_a_body_that_was_changed_after_it_was_signed_is_refused(s3: ServedS3) -> None:
    digest = hashlib.sha256(OTHER).hexdigest()
    assert code(put(s3, RECORDING, **{"X-Amz-Content-SHA256": digest})) == "XAmzContentSHA256Mismatch"


def test_a_digest_that_is_none_is_refused(s3: ServedS3) -> None:
    assert code(put(s3, RECORDING, **{"Content-MD5": "no digest"})) == "InvalidDigest"


@pytest.mark.parametrize("at_once", [True, False])
def test_a_body_in_pieces_is_put_together_and_held_against_its_trailer(
    world: World, s3: ServedS3, *, at_once: bool
) -> None:
    """The announced length is missing where the client does not know it when it begins."""

    def sent(checksum: str) -> httpx.Response:
        pieces = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (RECORDING[:7], RECORDING[7:]))
        body = pieces + f"0\r\nx-amz-checksum-crc32:{checksum}\r\n\r\n".encode()
        about = {"X-Amz-Content-SHA256": TRAILING, "x-amz-decoded-content-length": str(len(RECORDING))}
        how = {"Content-Encoding": "aws-chunked", "x-amz-trailer": "x-amz-checksum-crc32"}
        return put(s3, body if at_once else iter([body[:20], body[20:]]), **about, **how)

    assert code(sent(crc32(OTHER))) == "BadDigest"
    assert sent(crc32(RECORDING)).is_success
    assert kept(world) == RECORDING


@pytest.mark.parametrize(
    "body", [RECORDING, b"", b"-3\r\nabc\r\n0\r\n\r\n", b"5\r\nab", b"5\r\nabcde\r\n", b"0x3\r\nabc\r\n"]
)
def test_a_body_that_does_not_come_in_the_pieces_it_announces_is_refused(s3: ServedS3, body: bytes) -> None:
    """A length below zero would lead back in it, again and again."""
    reply = put(s3, body, **{"X-Amz-Content-SHA256": TRAILING, "x-amz-decoded-content-length": "3"})
    assert (reply.status_code, code(reply)) == (400, "IncompleteBody")


def test_a_body_whose_length_nobody_says_is_refused(s3: ServedS3) -> None:
    reply = put(s3, iter([RECORDING]))
    assert (reply.status_code, code(reply)) == (411, "MissingContentLength")


def test_a_body_that_is_cut_short_is_refused_and_nothing_is_kept(world: World, s3: ServedS3) -> None:
    """Moto would keep what came."""
    link = s3.signer().generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "a.wav"})
    parts = urlsplit(link)
    head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(RECORDING)}"
    with socket.create_connection((parts.hostname, parts.port)) as line:
        line.sendall(f"{head}\r\n\r\n".encode() + RECORDING[:-1])
        line.shutdown(socket.SHUT_WR)
        assert b"<Code>IncompleteBody</Code>" in line.makefile("rb").read()
    assert world.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
