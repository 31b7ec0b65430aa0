"""Which pages of other origins may read what S3 answers: as the bucket's CORS configuration says.

Moto lets every page read everything. S3 takes the first rule that fits the origin, the method and, of a preflight, the
headers (S3's user guide, "How does Amazon S3 evaluate the CORS configuration on a bucket?").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from moto.s3.models import s3_backends
from werkzeug.wrappers import Response

from services.local.emulator.refusals import RefusedError
from services.local.gateway_rules import OF_CORS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from moto.s3.models import FakeBucket
    from werkzeug.datastructures import Headers

    CorsRule = Any
    """One of moto's: its fields are texts where there is one value, and lists where there are several."""

    Told = list[tuple[str, str]]

_VARY = ("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")
_ANYBODY = "*"


def bucket_at(path: str) -> FakeBucket | None:
    """The bucket that a request's path names; None: there is no such bucket, so it may be for another service."""
    name = path.split("/", 2)[1] if path.startswith("/") else ""
    place = s3_backends.bucket_accounts.get(name)
    if place is None:
        return None
    partition, account = place
    return s3_backends[account][partition].buckets.get(name)


def preflight(bucket: FakeBucket | None, asked: Headers) -> Response:
    """S3's answer to OPTIONS; `asked`: the request's headers.

    Raises:
        RefusedError: the bucket's configuration does not allow what the page wants to send.

    """
    origin, method = asked.get("Origin"), asked.get("Access-Control-Request-Method")
    if not origin:
        raise RefusedError(400, "BadRequest", "Insufficient information. Origin request header needed.")
    if not method:
        raise RefusedError(400, "BadRequest", "Invalid Access-Control-Request-Method: null")
    if bucket is None or not bucket.cors:
        raise RefusedError(403, "AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.")
    names = [name.strip() for name in asked.get("Access-Control-Request-Headers", "").split(",") if name.strip()]
    rule = _fitting(bucket.cors, origin, method, names)
    if rule is None:
        raise RefusedError(
            403,
            "AccessForbidden",
            "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request "
            "method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the "
            "resource's CORS spec.",
        )
    allowed = [(f"{OF_CORS}allow-headers", ", ".join(names).lower())] if names else []
    return Response(status=200, headers=_headers(rule, origin) + allowed)


def readable(bucket: FakeBucket | None, method: str, origin: str | None, start: StartResponse) -> StartResponse:
    """Begin an answer with the headers that let the page of this origin read it, if a rule of the bucket fits."""
    rule = _fitting(bucket.cors, origin, method, ()) if bucket is not None and origin else None
    told = _headers(rule, origin) if rule is not None and origin else []

    def begin(status: str, headers: Told, *more: Any) -> Callable[[bytes], object]:
        kept = [(name, value) for name, value in headers if not name.lower().startswith(OF_CORS)]
        return start(status, kept + told, *more)

    return begin


def _fitting(rules: Iterable[CorsRule], origin: str, method: str, names: Iterable[str]) -> CorsRule | None:
    return next(
        (
            rule
            for rule in rules
            if _any_matches(rule.allowed_origins, origin)
            and method in _listed(rule.allowed_methods)
            and all(_any_matches(rule.allowed_headers, name.lower()) for name in names)
        ),
        None,
    )


def _headers(rule: CorsRule, origin: str) -> Told:
    anybody = _ANYBODY in _listed(rule.allowed_origins)
    told = {
        "allow-origin": _ANYBODY if anybody else origin,
        "allow-methods": ", ".join(_listed(rule.allowed_methods)),
        "expose-headers": ", ".join(_listed(rule.exposed_headers)),
        "max-age": rule.max_age_seconds,
        "allow-credentials": None if anybody else "true",
    }
    return [*((OF_CORS + name, str(value)) for name, value in told.items() if value), _VARY]


def _any_matches(patterns: list[str] | str | None, text: str) -> bool:
    """Whether one of the patterns, in which `*` stands for anything, is the whole text."""
    return any(
        re.fullmatch(".*".join(map(re.escape, pattern.lower().split("*"))), text) for pattern in _listed(patterns)
    )


def _listed(value: list[str] | str | None) -> list[str]:
    return [value] if isinstance(value, str) else value or []
