"""A server that gives the reply that a test has written down for each request."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STOP_SECONDS = 0.02


@dataclass
class Replies:
    """Replies by method and path, such as `GET /api/jobs`: a status, and a document or None."""

    address: str = ""
    by_request: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Each request with its query, and its header `Authorization`."""


@contextmanager
def replying() -> Iterator[Replies]:
    """Listens on loopback; gives the replies, to be written down."""
    replies = Replies()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = f"{self.command} {self.path}"
            replies.asked.append((request, self.headers.get("Authorization")))
            status, document = replies.by_request[request.partition("?")[0]]
            content = json.dumps(document).encode() if document is not None else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - the server looks for this name

        def log_message(self, *_: object) -> None:
            """The programs say themselves what they were told."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        replies.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(STOP_SECONDS,), daemon=True).start()
        yield replies
        server.shutdown()
