"""API Gateway's part over real HTTP: each request becomes an HTTP API event (v2.0) for a function."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from services.local import resources
from services.local.gateway_rules import GatewayRules, Headers

STOP_SECONDS = 0.02
"""How long closing takes, at most."""
Handler = Callable[[Mapping[str, Any]], dict[str, Any]]


class HttpApi:
    """Listens on loopback until it is closed."""

    def __init__(self, function: Handler, rules: GatewayRules | None = None) -> None:
        """`rules`: of the gateway; by default those of a deployment that lets no page of another origin in."""
        rules = rules or GatewayRules(routes=resources.ROUTES, cors=None)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _front(function, rules))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(STOP_SECONDS,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _front(function: Handler, rules: GatewayRules) -> type[BaseHTTPRequestHandler]:
    class Front(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            own = rules.answer(self.command, path, headers)
            if own:
                self._send(own.status, own.headers, own.body)
                return
            answer = function(_event(self.command, path, query, headers, body))
            text = answer.get("body", "")
            content = base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode()
            told = rules.passed_on(answer.get("headers", {}).items(), headers.get("origin"))
            self._send(answer["statusCode"], told, content)

        def _send(self, status: int, headers: Headers, content: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                if name.lower() != "content-length":
                    self.send_header(name, value)
            if status != HTTPStatus.NO_CONTENT:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = do_OPTIONS = _pass_on  # noqa: N815 - the server looks for these names

        def log_message(self, *_: object) -> None:
            """The functions' own logs say more."""

    return Front


def _event(method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    return {
        "version": "2.0",
        "routeKey": f"{method} /api/{{proxy+}}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": headers.get("host", "api"),
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": "request",
            "routeKey": f"{method} /api/{{proxy+}}",
            "stage": "$default",
            "time": "01/Jan/2027:00:00:00 +0000",
            "timeEpoch": int(time.time() * 1_000),
        },
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }
