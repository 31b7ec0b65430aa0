"""Whatever a receiver does, an attempt ends within its deadline with an outcome that says what happened.

`nox -s hostile` runs this with the real deadline and prints the table of receiver, outcome and seconds.
"""

from __future__ import annotations

import os
import socket
import tracemalloc
from collections.abc import Iterator

import pytest

from services.common.webhooks.outcome import AttemptOutcome, Failure
from services.common.webhooks.transport import DEADLINE_SECONDS, MAX_BODY_BYTES, post
from tests.support import receivers
from tests.support.certificates import Authority
from tests.support.sockets import record_dialled

pytestmark = pytest.mark.alone

DEADLINE = float(os.environ.get("HOSTILE_DEADLINE_SECONDS", "1"))
OVERRUN_SECONDS = 0.5
"""What the clean-up after a deadline may take on a busy machine."""


@pytest.fixture(scope="module")
def table() -> Iterator[dict[str, AttemptOutcome]]:
    """Filled by the tests, printed at the end; seen with `pytest -s`."""
    rows: dict[str, AttemptOutcome] = {}
    yield rows
    lines = [f"{'receiver':<24}{'status':>8}  {'outcome':<20}{'seconds':>8}"]
    for name, outcome in rows.items():
        seconds = outcome.milliseconds / 1000
        lines.append(f"{name:<24}{outcome.status or '-':>8}  {outcome.error or 'delivered':<20}{seconds:>8.2f}")
    print("", *lines, sep="\n")  # noqa: T201 - the table is what the session is run for


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("fine", 200, None),
        ("closes_at_once", None, Failure.DISCONNECTED),
        ("hangs", None, Failure.TIMEOUT),
        ("drips_headers", None, Failure.TIMEOUT),
        ("drips_interim_answers", None, Failure.TIMEOUT),
        ("drips_body", 200, None),
        ("endless_body", 200, None),
        ("endless_headers", None, Failure.RESPONSE_TOO_LARGE),
        ("gzip_bomb", 200, None),
        ("redirects", 302, Failure.HTTP_STATUS),
        ("absurd_retry_after", 429, Failure.HTTP_STATUS),
        ("gone", 410, Failure.HTTP_STATUS),
        ("no_http", None, Failure.INVALID_RESPONSE),
    ],
)
def test_a_hostile_receiver_ends_in_time_with_its_outcome(
    name: str, status: int | None, error: Failure | None, table: dict[str, AttemptOutcome]
) -> None:
    behaviour = getattr(receivers, name if hasattr(receivers, name) else name.upper())
    receivers.compressed_zeros()  # made beforehand: that takes longer than a short deadline
    with receivers.serve(behaviour) as port:
        outcome = post(f"http://127.0.0.1:{port}/", {}, b"{}", allow_private=True, deadline_seconds=DEADLINE)

    table[name.replace("_", " ")] = outcome
    assert (outcome.status, outcome.error) == (status, error)
    assert outcome.milliseconds <= (DEADLINE + OVERRUN_SECONDS) * 1000
    assert len(outcome.body) <= MAX_BODY_BYTES


@pytest.mark.parametrize(
    ("name", "certificate_for", "expired", "error"),
    [
        ("good certificate", "127.0.0.1", False, None),
        ("wrong name", "example.com", False, Failure.TLS_FAILED),
        ("expired certificate", "127.0.0.1", True, Failure.TLS_FAILED),
    ],
)
def test_a_certificate_must_fit(
    *,
    name: str,
    certificate_for: str,
    expired: bool,
    error: Failure | None,
    authority: Authority,
    table: dict[str, AttemptOutcome],
) -> None:
    tls = authority.server_context(certificate_for, expired=expired)
    with receivers.serve(receivers.FINE, tls) as port:
        outcome = post(
            f"https://127.0.0.1:{port}/",
            {},
            b"{}",
            allow_private=True,
            deadline_seconds=DEADLINE,
            trust=authority.client_context(),
        )

    table[name] = outcome
    assert outcome.error is error


def test_an_authority_of_ones_own_is_not_trusted_by_default(authority: Authority) -> None:
    with receivers.serve(receivers.FINE, authority.server_context("127.0.0.1")) as port:
        outcome = post(f"https://127.0.0.1:{port}/", {}, b"{}", allow_private=True)

    assert outcome.error is Failure.TLS_FAILED


def test_a_handshake_that_never_ends_is_cut_at_the_deadline(table: dict[str, AttemptOutcome]) -> None:
    with receivers.serve(receivers.never_greets) as port:
        outcome = post(f"https://127.0.0.1:{port}/", {}, b"{}", allow_private=True, deadline_seconds=DEADLINE)

    table["never greets"] = outcome
    assert outcome.error is Failure.TIMEOUT
    assert outcome.milliseconds <= (DEADLINE + OVERRUN_SECONDS) * 1000


def test_a_redirect_is_not_followed() -> None:
    with receivers.serve(receivers.REDIRECTS) as port, record_dialled() as dialled:
        post(f"http://127.0.0.1:{port}/", {}, b"{}", allow_private=True)

    assert dialled == [("127.0.0.1", port)]


@pytest.mark.parametrize("behaviour", [receivers.gzip_bomb, receivers.endless_body])
def test_neither_a_bomb_nor_an_endless_body_fills_the_memory(behaviour: receivers.Behaviour) -> None:
    receivers.compressed_zeros()  # made beforehand: this process plays both sides
    with receivers.serve(behaviour) as port:
        tracemalloc.start()
        try:
            outcome = post(f"http://127.0.0.1:{port}/", {}, b"{}", allow_private=True)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert outcome.delivered
    assert peak < 2_000_000


def test_a_body_that_drips_after_the_status_does_not_hold_the_sender_for_the_whole_deadline() -> None:
    with receivers.serve(receivers.drips_body) as port:
        outcome = post(f"http://127.0.0.1:{port}/", {}, b"{}", allow_private=True)

    assert outcome.delivered
    assert outcome.milliseconds < DEADLINE_SECONDS * 1000 / 3


def test_no_proxy_from_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with receivers.serve(receivers.FINE) as port, record_dialled() as dialled:
        outcome = post(f"http://127.0.0.1:{port}/", {}, b"{}", allow_private=True)

    assert outcome.delivered
    assert dialled == [("127.0.0.1", port)]


def test_the_request_arrives_as_it_was_signed() -> None:
    seen: list[bytes] = []

    def keep(connection: socket.socket) -> None:
        seen.append(receivers.read_request(connection))
        connection.sendall(receivers.status(204))

    with receivers.serve(keep) as port:
        outcome = post(f"http://localhost:{port}/hook?a=b", {"webhook-id": "m"}, "åäö".encode(), allow_private=True)

    assert outcome.status == 204
    header, body = seen[0].split(b"\r\n\r\n", 1)
    assert body.decode() == "åäö"
    assert header.startswith(b"POST /hook?a=b HTTP/1.1\r\n")
    lines = dict(line.split(b": ", 1) for line in header.lower().split(b"\r\n")[1:])
    assert lines == {
        b"host": f"localhost:{port}".encode(),
        b"webhook-id": b"m",
        b"content-length": b"6",
        b"accept-encoding": b"identity",
        b"connection": b"close",
    }


def test_a_refused_connection_is_an_outcome() -> None:
    with receivers.serve(receivers.FINE) as port:
        pass

    outcome = post(f"http://127.0.0.1:{port}/", {}, b"", allow_private=True)

    assert outcome.error is Failure.CONNECT_FAILED


def test_the_answer_is_kept_as_one_safe_line() -> None:
    body = b"<b>no\x1b[31m\r\n\x00" + b"\xff" * 5_000
    with receivers.serve(receivers.answers(receivers.status(500, body=body))) as port:
        outcome = post(f"http://127.0.0.1:{port}/", {}, b"", allow_private=True)

    assert outcome.excerpt.startswith("<b>no [31m")
    assert outcome.excerpt.isprintable()
    assert len(outcome.excerpt) <= 1_000
