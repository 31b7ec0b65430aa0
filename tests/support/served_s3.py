"""The emulator of this process over HTTP, behind the wire as the local stack's is."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import boto3
import httpx
from botocore.config import Config
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from services.local.emulator.signatures import SESSIONS_PATH
from services.local.emulator.wire import Wire
from tests.support.shared_aws import REGION
from tests.support.world import BUCKET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RECORDING = b"a recording"
STOP_SECONDS = 0.02


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nobody reads it."""


class ServedS3:
    """Serves whatever world there is, until it is closed."""

    def __init__(self) -> None:
        application = Wire(DomainDispatcherApplication(create_backend_app))
        self._server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(STOP_SECONDS,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._client = httpx.Client(base_url=self.url, trust_env=False)

    def close(self) -> None:
        self._client.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def post(
        self, fields: Mapping[str, str], content: bytes = RECORDING, name: str = "mine.wav", **headers: str
    ) -> httpx.Response:
        """Send a form."""
        return self._client.post(f"/{BUCKET}", data=fields, files={"file": (name, content)}, headers=headers)

    def send(self, method: str, address: str, content: bytes | None = None, **headers: str) -> httpx.Response:
        """Send a request to an address, such as a link; `_` in a header's name stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.request(method, address, content=content, headers=named)

    @cache  # noqa: B019 - there are few, and making one takes long
    def signer(self, token: str | None = None, secret: str = "testing") -> S3Client:
        """A client that signs for this address, with temporary credentials if there is a token."""
        session = boto3.session.Session(
            aws_access_key_id="testing", aws_secret_access_key=secret, aws_session_token=token, region_name=REGION
        )
        config = Config(signature_version="s3v4", s3={"addressing_style": "path"})
        return session.client("s3", endpoint_url=self.url, config=config)

    def end_session(self, token: str, ends_at: float) -> None:
        """Let the session of a token end at this time, in epoch seconds."""
        self._client.post(SESSIONS_PATH, json={"token": token, "ends_at": ends_at}).raise_for_status()
