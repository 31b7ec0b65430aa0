"""API Gateway's part: requests as HTTP API events (v2.0) to the real Mangum handler."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from mangum import Mangum

from services.api.app import create_app
from services.api.service import Service
from services.api.settings import ApiSettings
from tests.support import contract
from tests.support.http_api import HttpApi
from tests.support.world import BUCKET, TABLE, World

MODELS = ("KBLab/kb-whisper-small", "KBLab/kb-whisper-small@strict")


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: str
    """As text; of what is no text see `content`."""
    content: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def request(method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> dict[str, Any]:
    """A request as API Gateway hands it to the function."""
    raw_path, _, query = path.partition("?")
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": quote(raw_path, safe="/%"),
        "rawQueryString": query,
        "headers": {"host": "api.example.com", **{k.lower(): v for k, v in (headers or {}).items()}},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc",
            "domainName": "api.example.com",
            "http": {
                "method": method,
                "path": raw_path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "test",
            },
            "requestId": "gateway-1",
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jan/2027:00:00:00 +0000",
            "timeEpoch": 0,
        },
        "body": base64.b64encode(body).decode() if body is not None else None,
        "isBase64Encoded": body is not None,
    }


class Gateway:
    """One deployment's API, called as API Gateway calls it."""

    def __init__(self, world: World, **settings: Any) -> None:
        self.world = world
        known = {
            "table_name": TABLE,
            "bucket_name": BUCKET,
            "deployment": "test",
            "secrets_key_id": world.key_id,
            "public_url": "https://api.example.com",
            "models": MODELS,
        }
        self.settings = ApiSettings(**(known | settings))
        self.app = create_app(lambda: Service(self.settings, world.aws, clock=world.clock))
        self._handler = Mangum(self.app, lifespan="off")

    def client(self, client_id: str, **more: Any) -> Client:
        """A client with a key of its own."""
        api_key = f"key-of-{client_id}-0123456789abcdef"
        self.world.store.clients.register(client_id)
        self.world.store.clients.add_key(api_key, client_id=client_id, name="test", now=self.world.clock(), **more)
        return Client(self, api_key)

    @contextmanager
    def served(self) -> Iterator[str]:
        """The same over HTTP, for programs; gives the address."""
        http = HttpApi(self._handle_in_thread)
        try:
            yield http.url
        finally:
            http.close()

    def _handle_in_thread(self, event: Mapping[str, Any]) -> dict[str, Any]:
        # Mangum takes the thread's event loop, and only the main thread has one by itself.
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            return self._handler(dict(event), SimpleNamespace(aws_request_id="lambda-1"))
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        answer = self._handler(request(method, path, headers, body), SimpleNamespace(aws_request_id="lambda-1"))
        content = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
        reply = Reply(
            status=answer["statusCode"],
            headers={name.lower(): value for name, value in answer["headers"].items()},
            body=(text := content.decode("utf-8", "replace")),
            content=content,
        )
        if "content-encoding" in reply.headers:
            text = gzip.decompress(content).decode()
        if "json" in reply.headers.get("content-type", ""):  # without that, it is Mangum that speaks of a dead process
            contract.check_reply(method, path, reply.status, text)
        if "x-request-id" in reply.headers:  # likewise
            contract.check_headers(method, path, reply.status, reply.headers)
        return reply


@dataclass(frozen=True)
class Client:
    """Calls with a key."""

    gateway: Gateway
    api_key: str

    def call(self, method: str, path: str, json_: Any = None, /, **headers: str) -> Reply:
        sent = {"authorization": f"Bearer {self.api_key}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        body = None
        if json_ is not None:
            sent["content-type"] = "application/json"
            body = json_ if isinstance(json_, bytes) else json.dumps(json_).encode()
        return self.gateway.call(method, path, headers=sent, body=body)

    def get(self, path: str, **headers: str) -> Reply:
        return self.call("GET", path, **headers)

    def post(self, path: str, json_: Any = None, /, **headers: str) -> Reply:
        return self.call("POST", path, json_, **headers)

    def delete(self, path: str) -> Reply:
        return self.call("DELETE", path)
