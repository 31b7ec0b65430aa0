"""`transcribe listen`: a receiver gets what a callback would get, signed, and nothing is registered."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from standardwebhooks import Webhook

from services.cli.client import listen
from services.cli.client.feed import Feed
from services.cli.client.forwarding import PAUSES_SECONDS, Forwarding
from services.common.domain.times import SECOND_MS, now_ms
from services.common.webhooks import secrets
from services.common.webhooks.dispatch import Dispatcher
from tests.support import receivers
from tests.support.api_jobs import FAILED, completed, finished
from tests.support.certificates import Authority
from tests.support.client_commands import CommandLine
from tests.support.gateway import Client, Gateway
from tests.support.receivers import Recorder
from tests.support.world import World

OF_THIS_ATTEMPT = ("webhook-timestamp", "webhook-signature", "webhook-callback-id")
EVENT = {"event_id": "evt_1", "body": {"type": "transcription.queued", "data": {"job_id": "job_1"}}}


def forwarding(port: int, pause: Callable[[float], None] | None = None, scheme: str = "http") -> Forwarding:
    return Forwarding(f"{scheme}://localhost:{port}/hook", secrets.new_secret(), pause or no_pause)


def no_pause(_: float) -> None:
    raise AssertionError("nothing should be tried again")


def test_a_forwarded_message_is_the_callbacks_but_for_time_secret_and_callback(world: World, alice: Client) -> None:
    world.clock.now = now_ms()
    recorder = Recorder()
    with receivers.serve(recorder) as port:
        callback = world.callback(f"http://localhost:{port}/hook")
        job = completed(world, alice, reference="mål 7/ü 🎙", metadata={"b": "2", "a": "é"})
        (delivery,) = world.store.deliveries.of_job(job.job_id)
        Dispatcher(world.store, world.vault, sender="s", clock=world.clock, allow_private=True).send(delivery)
        world.clock.pass_(6 * SECOND_MS)
        (event,) = alice.get("/api/events?type=transcription.completed").json["events"]
        ours = forwarding(port)
        assert ours.send(event).last.status == 200

    (real_headers, real_body), (headers, body) = recorder.requests
    assert body == real_body
    assert list(headers) == list(real_headers)
    assert {name for name in headers if headers[name] != real_headers[name]} <= set(OF_THIS_ATTEMPT)
    assert headers["webhook-callback-id"] == ours.callback_id != callback.callback_id
    assert ours.callback_id.startswith("cb_")
    assert len(ours.callback_id) == len(job.job_id) - 1


def test_what_is_forwarded_is_signed_with_the_secret_and_the_callback_is_the_same_as_long_as_that_is() -> None:
    secret, recorder = secrets.new_secret(), Recorder()
    with receivers.serve(recorder) as port:
        for _ in range(2):
            Forwarding(f"http://127.0.0.1:{port}/", secret, no_pause).send(EVENT)
        forwarding(port).send(EVENT)
    first, again, other = recorder.requests
    for headers, body in (first, again):
        assert Webhook(secret).verify(body, headers) == EVENT["body"]
    names = [headers["webhook-callback-id"] for headers, _ in (first, again, other)]
    assert names[0] == names[1] != names[2]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_receiver_that_is_down_gets_the_same_message_until_it_is_up(status: int) -> None:
    recorder, pauses = Recorder(status), []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        recorder.status = 204 if len(pauses) == 2 else status

    with receivers.serve(recorder) as port:
        answer = forwarding(port, pause).send(EVENT)
    assert answer.words().startswith("204 in ")
    assert (answer.document()["outcome"], answer.attempts) == ("DELIVERED", 3)
    assert pauses == list(PAUSES_SECONDS[:2])
    assert len({(headers["webhook-id"], body) for headers, body in recorder.requests}) == 1


def test_what_a_receiver_never_takes_is_told_and_the_next_event_follows() -> None:
    pauses: list[float] = []
    recorder = Recorder(500, b"no\x1b[2J database")
    with receivers.serve(recorder) as port:
        ours = forwarding(port, pauses.append)
        refused = ours.send(EVENT)
        recorder.status = 200
        taken = ours.send(EVENT | {"event_id": "evt_2"})
    assert pauses == list(PAUSES_SECONDS)
    assert refused.words().endswith("ms, attempt 4: no [2J database")
    assert taken.last.delivered
    assert [headers["webhook-id"] for headers, _ in recorder.requests] == ["evt_1"] * 4 + ["evt_2"]


@pytest.mark.parametrize("status", [302, 400, 404, 410])
def test_a_message_that_is_refused_is_not_sent_again(status: int) -> None:
    with receivers.serve(Recorder(status)) as port:
        answer = forwarding(port).send(EVENT)
    assert answer.words().startswith(f"{status} in ")
    assert answer.document() | {"milliseconds": 0} == {
        "outcome": "HTTP_STATUS", "status": status, "milliseconds": 0, "attempts": 1, "detail": None,
    }  # fmt: skip


def test_where_nobody_listens_it_is_told_as_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    answer = forwarding(port, lambda _: None).send(EVENT)
    assert answer.words().startswith("no answer (CONNECT_FAILED) in ")
    assert answer.document()["outcome"] == "CONNECT_FAILED"


def test_a_certificate_is_checked_against_this_machines_authorities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority.create(tmp_path)
    with receivers.serve(Recorder(), authority.server_context("localhost")) as port:
        unknown = forwarding(port, lambda _: None, scheme="https").send(EVENT)
        own = tmp_path / "own.pem"
        own.write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
        monkeypatch.setenv("SSL_CERT_FILE", str(own))
        known = forwarding(port, scheme="https").send(EVENT)
    assert unknown.document()["outcome"] == "TLS_FAILED"
    assert known.last.status == 200


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--forward", "localhost:3000/hook"), "begins with http:// or https://"),
        (("--forward", "file:///etc/passwd"), "begins with http:// or https://"),
        (("--forward", "http://me:word@localhost/"), "no user name"),
        (("--forward", "http://localhost/", "--secret", "whsec_c2hvcnQ="), "24 to 64 bytes"),
        (("--type", "no.such"), "There is no no.such"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_asked(arguments: tuple[str, ...], sentence: str) -> None:
    done = CommandLine.of("http://127.0.0.1:9", "key").run("listen", *arguments)
    assert (done.exit_code, done.results) == (2, [])
    (line,) = done.notes
    assert sentence in line
    assert "c2hvcnQ" not in line


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets things happen when the feed's end is reached, one each time; after the last one, Ctrl-C is pressed."""

    def happens(*things: Callable[[], object]) -> None:
        left = iter(things)

        def pause(_: float) -> None:
            thing = next(left, None)
            if thing is None:
                raise KeyboardInterrupt
            thing()

        monkeypatch.setattr(listen, "Feed", partial(Feed, pause=pause))

    return happens


def test_only_what_happens_from_now_on_is_forwarded_and_nothing_is_registered(
    world: World, gateway: Gateway, alice: Client, meanwhile: Callable[..., None]
) -> None:
    world.clock.now = now_ms()
    completed(world, alice)
    world.clock.pass_(6 * SECOND_MS)
    meanwhile(lambda: finished(world, alice, FAILED), lambda: world.clock.pass_(6 * SECOND_MS), lambda: None)
    recorder = Recorder()
    with receivers.serve(recorder) as port, gateway.served() as url:
        address = f"http://localhost:{port}/hook"
        done = CommandLine.of(url, alice.api_key).run("listen", "--forward", address, "--json")

    assert done.exit_code == 130
    told, secret, listening = done.notes
    assert address in told
    assert url in listening
    lines = [json.loads(line) for line in done.results]
    assert [line["type"] for line in lines] == ["transcription.queued", "transcription.failed"]
    assert [line["forwarded"]["status"] for line in lines] == [200, 200]
    messages: list[Any] = [Webhook(secret).verify(body, headers) for headers, body in recorder.requests]
    assert messages == [line["body"] for line in lines]
    assert alice.get("/api/callbacks").json["callbacks"] == []


def test_without_an_address_events_are_only_shown(
    world: World, gateway: Gateway, alice: Client, meanwhile: Callable[..., None]
) -> None:
    meanwhile(lambda: finished(world, alice, FAILED), lambda: world.clock.pass_(6 * SECOND_MS), lambda: None)
    with gateway.served() as url:
        done = CommandLine.of(url, alice.api_key).run("listen", "--type", "transcription.failed")
    (job,) = world.jobs("alice")
    assert done.results == [f"2027-01-15T08:00:00.002Z\ttranscription.failed\t{job.job_id}\tmöte.mp3"]
    assert done.notes == [f"Listening to {url}; Ctrl-C ends it."]


def test_a_given_secret_is_not_printed(gateway: Gateway) -> None:
    secret = secrets.new_secret()
    with gateway.served() as url:
        cli = CommandLine.of(url, "a-wrong-key-so-that-it-ends", TRANSCRIBE_LISTEN_SECRET=secret)
        done = cli.run("listen", "--forward", "http://localhost:9/")
    assert done.exit_code == 3
    assert done.notes[0].endswith("signed with the given secret.")
    assert secret not in "".join(done.notes)
