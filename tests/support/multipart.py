"""Uploads in parts, as a client makes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.gateway import Client
from tests.support.world import BUCKET, World


def begun(client: Client, job_id: str, after: int = 0) -> dict[str, Any]:
    """The links of parts that S3 does not have; the first request for them begins the upload."""
    reply = client.post(f"/api/jobs/{job_id}/upload?after={after}")
    assert reply.status == 200, reply.body
    found: dict[str, Any] = reply.json["multipart"]
    return found


def send(world: World, links: Iterable[Mapping[str, Any]], content: bytes, part_size: int = 0) -> None:
    """Send these parts of a file; S3 would refuse any of another length, which is among the signed headers."""
    for link in links:
        query = parse_qs(urlsplit(link["url"]).query)
        assert "content-length" in query["X-Amz-SignedHeaders"][0].split(";")
        assert query["partNumber"] == [str(link["number"])]
        start = (link["number"] - 1) * part_size
        part = content[start : start + link["bytes"]]
        assert len(part) == link["bytes"]
        world.s3.upload_part(
            Bucket=BUCKET,
            Key=unquote(urlsplit(link["url"]).path).split("/", 1)[1],
            UploadId=query["uploadId"][0],
            PartNumber=link["number"],
            Body=part,
        )


def under_way(world: World) -> list[str]:
    """The ids of uploads in parts that S3 keeps, neither completed nor aborted."""
    return [upload["UploadId"] for upload in world.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]
