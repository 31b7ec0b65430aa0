"""A webhook receiver for the demo and the tests. It verifies signatures, as a client's own should."""

from __future__ import annotations

import json
import queue
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from standardwebhooks import Webhook, WebhookVerificationError

if TYPE_CHECKING:
    from types import TracebackType

OK, UNAUTHORIZED = 204, 401


@dataclass(frozen=True, kw_only=True)
class Received:
    """A message whose signature was verified."""

    message_id: str
    body: bytes

    @property
    def type(self) -> str:
        return str(json.loads(self.body)["type"])

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.body)["data"]
        return data


class Receiver:
    """Listens on loopback; messages whose signature is wrong are refused and counted."""

    def __init__(self) -> None:
        self.messages: queue.Queue[Received] = queue.Queue()
        self.refused = 0
        self._webhook: Webhook | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/transcripts"

    def trust(self, secret: str) -> None:
        """Verify messages with this secret, which the API shows when a callback is registered."""
        self._webhook = Webhook(secret)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="receiver", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def receive(self, body: bytes, headers: dict[str, str]) -> int:
        """Keep a message if its signature is right; returns the HTTP status of the answer."""
        if not self._genuine(body, headers):
            self.refused += 1
            return UNAUTHORIZED
        self.messages.put(Received(message_id=headers["webhook-id"], body=body))
        return OK

    def _genuine(self, body: bytes, headers: dict[str, str]) -> bool:
        if self._webhook is None:
            return False
        try:
            self._webhook.verify(body, headers)
        except (WebhookVerificationError, ValueError):  # the library lets some malformed headers out as ValueError
            return False
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status = receiver.receive(body, {name.lower(): value for name, value in self.headers.items()})
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Log nothing: the demo shows the messages itself."""

        return Handler
