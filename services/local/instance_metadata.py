"""The instance metadata service of one emulated machine: IMDSv2, and a spot notice when the test says so."""

from __future__ import annotations

import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_META_DATA = "/latest/meta-data/"


class MetadataService:
    """Serves one machine's metadata on a port of its own."""

    def __init__(
        self, *, instance_id: str, instance_type: str, zone: str, tags: Mapping[str, str], life_cycle: str = "spot"
    ) -> None:
        self._token = secrets.token_urlsafe(16)
        self._answers = {
            "instance-id": instance_id,
            "instance-type": instance_type,
            "placement/availability-zone": zone,
            "placement/region": zone.rstrip("abcdef"),
            "instance-life-cycle": life_cycle,
            "tags/instance": "\n".join(tags),
            **{f"tags/instance/{name}": value for name, value in tags.items()},
        }
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, name="metadata", daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def give_notice(self, at: str) -> None:
        """Publish the notice that EC2 interrupts the machine at that time (RFC 3339)."""
        self._answers["spot/instance-action"] = json.dumps({"action": "terminate", "time": at})

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        token, answers = self._token, self._answers

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self._reply(200 if self.path == "/latest/api/token" else 404, token)

            def do_GET(self) -> None:
                if self.headers.get("X-aws-ec2-metadata-token") != token:
                    self._reply(401, "")
                    return
                answer = answers.get(self.path.removeprefix(_META_DATA))
                self._reply(404 if answer is None else 200, answer or "")

            def _reply(self, status: int, text: str) -> None:
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Log nothing: there would be a line for every look."""

        return Handler
