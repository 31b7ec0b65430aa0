"""Posts one message to a receiver, which may be slow, broken or hostile."""

from __future__ import annotations

import functools
import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import certifi
import httpcore

from services.common.webhooks import endpoint as endpoints
from services.common.webhooks.dial import CheckedBackend, Deadline, ResponseTooLargeError
from services.common.webhooks.outcome import AttemptOutcome, Failure, parse_retry_after

DEADLINE_SECONDS = 15.0
BODY_SECONDS = 2.0
"""How long the rest of an answer may take after its header: the status alone decides."""
MAX_BODY_BYTES = 20_000
MAX_RESPONSE_BYTES = 64_000
"""Most bytes of an answer: header, chunk framing and body."""

_FAILURES: tuple[tuple[type[Exception], Failure], ...] = (
    (endpoints.AddressRefusedError, Failure.ADDRESS_REFUSED),
    (endpoints.InvalidUrlError, Failure.INVALID_URL),
    (endpoints.ResolutionError, Failure.DNS_FAILED),
    (TimeoutError, Failure.TIMEOUT),
    (httpcore.TimeoutException, Failure.TIMEOUT),
    (ssl.SSLError, Failure.TLS_FAILED),
    (ResponseTooLargeError, Failure.RESPONSE_TOO_LARGE),
    (httpcore.ConnectError, Failure.CONNECT_FAILED),
    (httpcore.RemoteProtocolError, Failure.INVALID_RESPONSE),
    (httpcore.NetworkError, Failure.DISCONNECTED),
)


@functools.cache
def _public_authorities() -> ssl.SSLContext:
    # `create_default_context()` would read SSL_CERT_FILE from the environment.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certifi.where())
    return context


def post(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    allow_private: bool = False,
    deadline_seconds: float = DEADLINE_SECONDS,
    trust: ssl.SSLContext | None = None,
) -> AttemptOutcome:
    """POST `body` once. Nothing that a receiver does makes this raise an error.

    Args:
        url: of the receiver.
        headers: further ones than Host, Content-Length, Accept-Encoding and Connection, which are set here.
        body: the exact bytes that are sent.
        allow_private: see `endpoint.parse`.
        deadline_seconds: for look-up, connection, handshake, request and answer together.
        trust: certificate authorities instead of the public ones.

    """
    started = time.monotonic()
    deadline = Deadline(deadline_seconds)
    try:
        endpoint = endpoints.parse(url, allow_private=allow_private)
        addresses = endpoints.resolve(
            endpoint, allow_private=allow_private, timeout_seconds=deadline.remaining(TimeoutError)
        )
        status, retry_after, answer = _exchange(
            endpoint,
            CheckedBackend(addresses, deadline, MAX_RESPONSE_BYTES),
            headers=headers,
            body=body,
            deadline=deadline,
            trust=trust or _public_authorities(),
        )
    except tuple(kind for kind, _ in _FAILURES) as error:
        failure = next(code for kind, code in _FAILURES if isinstance(error, kind))
        return AttemptOutcome(error=failure, milliseconds=_milliseconds_since(started))
    return AttemptOutcome(
        status=status,
        error=None if 200 <= status < 300 else Failure.HTTP_STATUS,  # noqa: PLR2004 - success in HTTP
        body=answer,
        retry_after_seconds=retry_after,
        milliseconds=_milliseconds_since(started),
    )


def _exchange(
    endpoint: endpoints.Endpoint,
    backend: CheckedBackend,
    *,
    headers: Mapping[str, str],
    body: bytes,
    deadline: Deadline,
    trust: ssl.SSLContext,
) -> tuple[int, float | None, bytes]:
    # httpcore and not httpx: it follows no redirects, uses no proxies of the environment, no cookies and no codecs.
    url = httpcore.URL(scheme=endpoint.scheme, host=endpoint.host, port=endpoint.port, target=endpoint.target)
    lines = {
        "host": endpoint.authority,
        "content-length": str(len(body)),
        "accept-encoding": "identity",
        "connection": "close",
        **headers,
    }
    with (
        httpcore.HTTPConnection(url.origin, ssl_context=trust, network_backend=backend) as connection,
        connection.stream("POST", url, headers=list(lines.items()), content=body) as response,
    ):
        deadline.shorten(BODY_SECONDS)
        answered = {name.lower(): value.decode("latin-1") for name, value in response.headers}
        retry_after = parse_retry_after(answered.get(b"retry-after", ""), now=datetime.now(UTC))
        return response.status, retry_after, _read_beginning(response)


def _read_beginning(response: httpcore.Response) -> bytes:
    kept = bytearray()
    try:
        for chunk in response.iter_stream():
            kept += chunk
            if len(kept) >= MAX_BODY_BYTES:
                break
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError):
        pass  # the header was complete, and the rest of the body changes nothing
    return bytes(kept[:MAX_BODY_BYTES])


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1_000)
