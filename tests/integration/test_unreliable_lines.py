"""The line of `tests/support/unreliable_line.py` fails as it says, so that what holds on it is proved."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx
import pytest

from services.local import resources
from tests.support.unreliable_line import HEARD, WAIT_SECONDS, Fault, UnreliableLine

Post = Callable[..., httpx.Response]
BODY = bytes(300_000)
PATHS = ("/api/jobs", f"/{resources.BUCKET}/uploads/a.wav")


class Service(http.server.ThreadingHTTPServer):
    """Keeps connections open, and counts the requests whose body it has read to the end."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.begun = 0
        self.done = 0
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def do_POST(self) -> None:
        self.server.begun += 1
        length = int(self.headers["Content-Length"])
        if len(self.rfile.read(length)) < length:
            return
        self.server.done += 1
        self.send_response(201)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def post() -> Iterator[Post]:
    # The line closes a connection after a fault, and the next request might still be sent over it.
    with httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)) as http:
        yield lambda url, **headers: http.post(url, content=BODY, headers=headers)


@pytest.mark.parametrize("path", PATHS)
def test_each_fault_comes_in_turn_and_is_what_it_is_called(service: Service, post: Post, path: str) -> None:
    with UnreliableLine(seed=1, every=1) as line:
        url = line.to(service.url) + path
        seen = {}
        for _ in Fault:
            before = service.done
            try:
                reply = post(url)
            except httpx.TransportError as error:
                outcome: object = type(error)
            else:
                outcome = (reply.status_code, reply.headers.get("retry-after"), reply.headers["content-type"])
            fault = line.failed[-1].fault
            seen[fault] = outcome
            assert service.done - before == (fault in HEARD), fault
    kind = "application/json" if path == PATHS[0] else "application/xml"
    assert {fault: outcome for fault, outcome in seen.items() if isinstance(outcome, tuple)} == {
        Fault.LIMITED: (429, str(WAIT_SECONDS), kind),
        Fault.LIMITED_SILENTLY: (429, None, kind),
        Fault.BROKEN: (500, None, kind),
        Fault.UNAVAILABLE: (503, None, kind),
    }
    assert seen[Fault.HALF_ANSWERED] is httpx.RemoteProtocolError
    assert len(seen) == len(Fault)


def test_half_of_a_request_reaches_the_service_and_not_the_rest(service: Service, post: Post) -> None:
    with UnreliableLine(seed=1, every=1) as line:
        url = line.to(service.url) + PATHS[0]
        while not line.failed or line.failed[-1].fault is not Fault.HALF_HEARD:
            begun = service.begun
            with suppress(httpx.TransportError):
                post(url)
        assert (line.failed[-1].fault, service.begun) == (Fault.HALF_HEARD, begun + 1)


def test_every_fifth_fails_over_all_addresses_and_a_seed_gives_the_same_faults_again(
    service: Service, post: Post
) -> None:
    def faults() -> list[Fault]:
        with UnreliableLine(seed=7) as line:
            urls = [line.to(service.url) + path for path in PATHS]
            failed = []
            for number in range(1, 21):
                try:
                    reply = post(urls[number % 2])
                except httpx.TransportError:
                    failed.append(number)
                else:
                    failed += [number] if reply.is_error else []
            assert failed == [5, 10, 15, 20] == [one.number for one in line.failed]
            return [one.fault for one in line.failed]

    assert faults() == faults()


def test_what_the_api_asks_its_storage_passes(service: Service, post: Post) -> None:
    with UnreliableLine(seed=1, every=1) as line:
        reply = post(line.to(service.url) + PATHS[1], Authorization="AWS4-HMAC-SHA256 Credential=local")
        assert (reply.status_code, reply.content, line.requests) == (201, BODY, 0)
