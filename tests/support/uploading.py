"""The command line's uploads to a deployment in the emulator, over lines on which a test breaks chosen requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli.api.client import Api
from services.cli.api.login_store import Connection
from services.cli.errors import CliError, RefusedError
from services.cli.recordings.input.sources import Source, find
from services.cli.recordings.upload.uploads import Uploads
from services.common.domain.records import Job
from tests.support.faulty_transport import FaultyTransport, answered
from tests.support.gateway import Client, Gateway
from tests.support.world import BUCKET, World

API = "https://api.example.com"
ENDED = answered(400, "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>")
REFUSED = answered(403, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
FORM, PUT, REGISTRATION = rf"POST http\S+/{BUCKET}$", "PUT .*partNumber=", "POST .*/api/jobs$"
LINKS, COMPLETION = "POST .*/upload$", "POST .*/upload/complete$"
RECORDING = b"sound" * 50_000
Progress = list[tuple[str, int, int | None]]


class Deployment(httpx.BaseTransport):
    """The API behind its gateway, within this process; the storage over loopback."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._storage = httpx.HTTPTransport(verify=False, trust_env=False)
        # The function's adapter wants a loop in the thread that calls it, and is called by one at a time.
        self._pool = ThreadPoolExecutor(1, initializer=lambda: asyncio.set_event_loop(asyncio.new_event_loop()))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != httpx.URL(API).host:
            return self._storage.handle_request(request)
        path, body = request.url.raw_path.decode(), request.read() or None
        reply = self._pool.submit(
            self._gateway.call, request.method, path, headers=dict(request.headers), body=body
        ).result()
        headers = {name: one for name, one in reply.headers.items() if name != "content-length"}
        return httpx.Response(reply.status, headers=headers, text=reply.body)

    def close(self) -> None:
        self._pool.submit(lambda: asyncio.get_event_loop().close()).result()
        self._pool.shutdown()
        self._storage.close()


@dataclass
class Uploading:
    """Alice at her machine."""

    world: World
    alice: Client
    way: FaultyTransport
    folder: Path
    """Where her machine remembers what it must."""

    def send(self, path: Path, wanted: Mapping[str, Any] | None = None, progress: Progress | None = None) -> str:
        """Send a file; returns the job's id."""
        (source,) = find([str(path)])
        return self.send_source(source, wanted, progress)

    def send_source(
        self, source: Source, wanted: Mapping[str, Any] | None = None, progress: Progress | None = None
    ) -> str:
        ids: list[str] = []
        told: Progress = [] if progress is None else progress
        Uploads(self.api()).send(source, wanted or {}, registered=ids.append, progress=lambda *now: told.append(now))
        (job_id,) = ids
        return job_id

    def api(self) -> Api:
        """The API, over the same line."""
        return Api(Connection(url=API, key=self.alice.api_key))

    def jobs(self) -> list[Job]:
        """Alice's, newest first."""
        return self.world.jobs("alice")

    def lies_there(self, job_id: str) -> bytes:
        """What S3 has at a job's key."""
        return self.world.s3.get_object(Bucket=BUCKET, Key=self.world.job(job_id).source_key)["Body"].read()

    def records(self) -> list[Path]:
        """Of unfinished uploads."""
        return list((self.folder / "transcribe" / "uploads").glob("*"))

    def asked(self, what: str) -> int:
        """How many requests began with this, such as `PUT`, or ended with it, such as `/upload`."""
        return sum(one.startswith(what) or one.endswith(what) for one in self.way.asked)


def refused(act: Callable[[], object], kind: type[CliError] = RefusedError) -> str:
    """The sentence with which it is refused."""
    with pytest.raises(kind) as caught:
        act()
    return str(caught.value)
