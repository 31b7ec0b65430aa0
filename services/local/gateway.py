"""The API behind its gateway, for uvicorn: `services.local.gateway:app`.

`CORS_ORIGINS` names the origins whose pages may use it, separated by commas.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from services.api import handler
from services.local import resources
from services.local.gateway_rules import GatewayRules

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Gateway:
    """An application of ASGI in front of the API's."""

    def __init__(self, api: ASGIApp, rules: GatewayRules) -> None:
        self._api = api
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._api(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        own = self._rules.answer(scope["method"], scope["path"], headers)
        if own:
            await send({"type": "http.response.start", "status": own.status, "headers": _encoded(own.headers)})
            await send({"type": "http.response.body", "body": own.body})
            return

        async def pass_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
                message["headers"] = _encoded(self._rules.passed_on(told, headers.get("origin")))
            await send(message)

        await self._api(scope, receive, pass_on)


def _encoded(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


_origins = [origin for origin in os.environ.get("CORS_ORIGINS", "").split(",") if origin]
app = Gateway(handler.app, GatewayRules(routes=resources.ROUTES, cors=resources.gateway_cors(_origins)))
