"""Checks links and forms as S3 does and moto does not: their signature, their time, and the session that signed them.

The emulator's account has one rule for keys: the secret of a key is the key's own id, as in every set-up here. So a
link that is changed, or sent with another method or other signed headers, is refused. Requests that are signed in
their `Authorization` header are trusted.

`{"token", "ends_at"}` (epoch seconds), sent to `/_local/sessions`, ends the session of a token at that time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from werkzeug.wrappers import Response

from services.local.emulator.refusals import RefusedError

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

SESSIONS_PATH = "/_local/sessions"
"""The path under which the emulator is told when sessions end."""
_ALGORITHM = "AWS4-HMAC-SHA256"
_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_SIGNATURE = "X-Amz-Signature"
_LONGEST_SECONDS = 7 * 24 * 3600
_AHEAD = timedelta(minutes=15)
"""How much the clock of whoever signed may be ahead."""
_NEEDED = ("Algorithm", "Credential", "Signature", "Date", "SignedHeaders", "Expires")
_OLD_FORM = "AWSAccessKeyId"


_ends: dict[str, datetime] = {}
"""When sessions of temporary credentials end, by their tokens; others do not end."""


def tell(what: Mapping[str, Any]) -> None:
    """Take the object that the module's docstring describes."""
    _ends[what["token"]] = datetime.fromtimestamp(what["ends_at"], UTC)


def refusal_of_call(request: Request, now: datetime) -> Response | None:
    """How a service other than S3 refuses a call of a session that has ended; None: it has not."""
    if not _is_over(request.headers.get("X-Amz-Security-Token"), now):
        return None
    error = {
        "__type": "com.amazon.coral.service#ExpiredTokenException",
        "message": "The security token included in the request is expired",
    }
    return Response(json.dumps(error), status=HTTPStatus.BAD_REQUEST, content_type="application/x-amz-json-1.0")


def check_request(request: Request, now: datetime) -> None:
    """Check a request to S3 that is no form: by its link, if it has one, or by its session.

    Raises:
        RefusedError: S3 would refuse it.

    """
    query = parse_qsl(request.query_string.decode(), keep_blank_values=True)
    asked = dict(query)
    by_header = "Authorization" in request.headers
    if _SIGNATURE not in asked:
        if _OLD_FORM in asked:
            raise RefusedError(
                400,
                "InvalidRequest",
                f"The authorization mechanism you have provided is not supported. Please use {_ALGORITHM}.",
            )
        if not by_header:
            raise RefusedError(403, "AccessDenied", "Access Denied")
        _check_session(request.headers.get("X-Amz-Security-Token"), now)
        return
    if by_header:
        raise RefusedError(
            400,
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
            "parameter or the Authorization header should be specified",
        )
    _check_time(asked, now)
    _check_session(asked.get("X-Amz-Security-Token"), now)
    _check_link(request, query, asked)


def check_form(fields: Iterable[tuple[str, str]], now: datetime) -> None:
    """Check that a form's policy was signed, and that the session that did has not ended.

    Raises:
        RefusedError: S3 would refuse it.

    """
    given = {name.lower(): value for name, value in fields}
    for name in ("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"):
        if name not in given:
            raise RefusedError(400, "InvalidArgument", f"Bucket POST must contain a field named '{name}'.")
    _check_session(given.get("x-amz-security-token"), now)
    _compare(given["x-amz-signature"], given["x-amz-credential"], given["policy"])


def _check_time(asked: Mapping[str, str], now: datetime) -> None:
    if any(f"X-Amz-{name}" not in asked for name in _NEEDED):
        named = ", ".join(f"X-Amz-{name}" for name in _NEEDED)
        raise _wrong_query(f"Query-string authentication version 4 requires the {named} parameters.")
    if not asked["X-Amz-Expires"].isdecimal():
        raise _wrong_query("X-Amz-Expires should be a number")
    seconds = int(asked["X-Amz-Expires"])
    if seconds > _LONGEST_SECONDS:
        raise _wrong_query(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "
            f"{_LONGEST_SECONDS} seconds"
        )
    try:
        signed = datetime.strptime(asked["X-Amz-Date"], _TIMESTAMP).replace(tzinfo=UTC)
    except ValueError:
        raise _wrong_query("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"") from None
    if signed > now + _AHEAD:
        raise RefusedError(403, "AccessDenied", "Request is not valid yet")
    if signed + timedelta(seconds=seconds) <= now:
        raise RefusedError(403, "AccessDenied", "Request has expired")


def _check_session(token: str | None, now: datetime) -> None:
    if _is_over(token, now):
        raise RefusedError(400, "ExpiredToken", "The provided token has expired.")


def _is_over(token: str | None, now: datetime) -> bool:
    return token in _ends and _ends[token] <= now


def _check_link(request: Request, query: Iterable[tuple[str, str]], asked: Mapping[str, str]) -> None:
    signed = asked["X-Amz-SignedHeaders"].split(";")
    if any(name.lower().startswith("x-amz-") and name.lower() not in signed for name in request.headers.keys()):  # noqa: SIM118 - of pairs
        raise RefusedError(403, "AccessDenied", "There were headers present in the request which were not signed")
    path = request.environ["PATH_INFO"].encode("latin-1")
    rest = sorted((_quoted(name), _quoted(value)) for name, value in query if name != _SIGNATURE)
    canonical = "\n".join(
        [
            request.method,
            quote(path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in rest),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in signed),
            "",
            asked["X-Amz-SignedHeaders"],
            request.headers.get("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD"),
        ]
    )
    scope = asked["X-Amz-Credential"].split("/", 1)[1]
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join([_ALGORITHM, asked["X-Amz-Date"], scope, digest])
    _compare(asked[_SIGNATURE], asked["X-Amz-Credential"], to_sign)


def _compare(signature: str, credential: str, signed: str) -> None:
    """Hold a signature against the one that the credential's key makes of a text."""
    if not re.fullmatch(r"[^/]+/\d{8}/[\w-]+/s3/aws4_request", credential):
        raise _wrong_query("Error parsing the X-Amz-Credential parameter; it is malformed.")
    key_id, *scope = credential.split("/")
    key = f"AWS4{key_id}".encode()
    for word in scope:
        key = hmac.digest(key, word.encode(), "sha256")
    if not hmac.compare_digest(hmac.new(key, signed.encode(), "sha256").hexdigest(), signature):
        raise RefusedError(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing "
            "method.",
        )


def _wrong_query(message: str) -> RefusedError:
    return RefusedError(400, "AuthorizationQueryParametersError", message)


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
