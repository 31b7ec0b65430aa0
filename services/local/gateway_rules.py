"""What API Gateway does in front of a function: it routes, and lets pages of listed origins read the answers.

As AWS documents it (API Gateway's developer guide, "Configure CORS for HTTP APIs") and as users have found it
(aws/serverless-application-model#1603):

- A preflight is answered by the gateway itself, with 204, but only where no route takes OPTIONS. A route with `ANY`
  does: the preflight then goes to the function.
- An origin that is not listed gets the same answers without headers, and the browser keeps them from the page.
- Where CORS is configured, the headers of that kind that the function sends are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Headers = list[tuple[str, str]]
OF_CORS = "access-control-"
"""How the names of the headers begin that let pages of other origins read an answer."""
_REST_OF_PATH = "{proxy+}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer that does not come from the function."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class GatewayRules:
    """The routes and the CORS configuration of one HTTP API."""

    routes: Collection[str]
    """Keys of routes, such as `GET /api/{proxy+}`."""
    cors: Mapping[str, Any] | None
    """`CorsConfiguration` as API Gateway's GetApi shows it; None: there is none."""

    def answer(self, method: str, path: str, headers: Mapping[str, str]) -> Answer | None:
        """The gateway's own answer; None: the request goes to the function.

        Args:
            method: of the request.
            path: of the request, without its query.
            headers: of the request, by names in lower case.

        """
        if any(_takes(route, method, path) for route in self.routes):
            return None
        if self.cors and method == "OPTIONS" and {"origin", "access-control-request-method"} <= headers.keys():
            return Answer(status=204, headers=self._preflight(headers["origin"]))
        return Answer(status=404, headers=[("content-type", "application/json")], body=b'{"message":"Not Found"}')

    def passed_on(self, headers: Iterable[tuple[str, str]], origin: str | None) -> Headers:
        """The headers of the function's answer to a request of this origin, as the gateway sends them."""
        if not self.cors:
            return list(headers)
        kept = [(name, value) for name, value in headers if not name.lower().startswith(OF_CORS)]
        return kept + self._listed(origin, expose_headers="ExposeHeaders")

    def _preflight(self, origin: str) -> Headers:
        return self._listed(origin, allow_methods="AllowMethods", allow_headers="AllowHeaders", max_age="MaxAge")

    def _listed(self, origin: str | None, **wanted: str) -> Headers:
        """The headers for an origin, by the configuration's names; none if the origin is not listed."""
        if not self.cors or not origin or origin not in self.cors["AllowOrigins"]:
            return []
        told = {name: self.cors.get(entry) for name, entry in wanted.items()}
        return [(f"{OF_CORS}allow-origin", origin)] + [
            (OF_CORS + name.replace("_", "-"), ",".join(value) if isinstance(value, list) else str(value))
            for name, value in told.items()
            if value
        ]


def _takes(route: str, method: str, path: str) -> bool:
    verb, _, pattern = route.partition(" ")
    before = pattern.removesuffix(_REST_OF_PATH)
    fits = path.startswith(before) and path != before if pattern.endswith(_REST_OF_PATH) else path == pattern
    return verb in {method, "ANY"} and fits
