"""A thousand deliveries at once, a third of the receivers hostile, through the emulator of the local stack.

`pytest -s tests/hostile/test_burst.py` prints how long the last good delivery took.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.common.aws import Aws
from services.common.domain.ids import new_id
from services.common.domain.records import Callback, Event, Job
from services.common.domain.states import JobStatus
from services.common.domain.times import now_ms
from services.common.store.announcements import Announcement
from services.common.store.store import Store
from services.common.webhooks.dispatch import Dispatcher
from services.common.webhooks.secrets import new_secret
from services.common.webhooks.vault import Vault
from services.local import resources
from services.orchestrator.drain import LAST_TRY_SECONDS, Drain
from tests.support import receivers
from tests.support.emulator import Emulator

CLIENTS, CALLBACKS, JOBS = 5, 20, 10
"""A client's events reach all of its callbacks: a hundred receivers, ten messages each."""
HOSTILE = (
    receivers.hangs,
    receivers.drips_headers,
    receivers.drips_body,
    receivers.closes_at_once,
    receivers.endless_headers,
    receivers.answers(receivers.status(500)),
)
SECONDS = 60


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[Store, Vault]]:
    """A deployment in an emulator of its own."""
    with Emulator(tmp_path) as emulator:
        key_id = resources.create(emulator.session, emulator.endpoint).secrets_key_id
        monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
        aws = Aws(emulator.session)
        yield Store(aws.dynamodb(), resources.TABLE), Vault(aws.kms(), key_id)


class Good:
    """Receives, and keeps when each message came."""

    def __init__(self) -> None:
        self.came: list[float] = []
        self.ids: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, connection: socket.socket) -> None:
        header = receivers.read_request(connection).split(b"\r\n\r\n")[0].decode()
        names = dict(line.split(": ", 1) for line in header.lower().split("\r\n")[1:])
        with self._lock:
            self.came.append(time.monotonic())
            self.ids[names["webhook-id"]] += 1
        connection.sendall(receivers.status(200))


def announce(store: Store, callbacks: list[Callback]) -> str:
    """A job of the callbacks' client completes; returns its event's id."""
    client_id, now = callbacks[0].client_id, now_ms()
    job_id, event_id = new_id("job"), new_id("evt")
    key = f"uploads/{client_id}/{job_id}/a.mp3"
    job = Job(
        job_id=job_id, client_id=client_id, status=JobStatus.COMPLETED, created_at=now, source_key=key, file_name="a"
    )
    event = Event(
        job_id=job_id,
        event_id=event_id,
        client_id=client_id,
        type="transcription.completed",
        created_at=now,
        body='{"type":"transcription.completed","data":{}}',
    )
    store.jobs.take_in(job, Announcement(event, job, callbacks), seconds=1, due_at=now)
    return event_id


@pytest.mark.timeout(240)
def test_of_a_thousand_deliveries_every_good_one_is_served_within_a_minute_and_none_is_lost(
    deployment: tuple[Store, Vault],
) -> None:
    store, vault = deployment
    good: dict[str, Good] = {}
    expected: Counter[str] = Counter()
    with contextlib.ExitStack() as running:
        for client in range(CLIENTS):
            callbacks = []
            for number in range(CALLBACKS):
                name, hostile = new_id("cb"), number % 10 < 3
                behaviour = HOSTILE[(client * CALLBACKS + number) % len(HOSTILE)] if hostile else Good()
                if isinstance(behaviour, Good):
                    good[name] = behaviour
                port = running.enter_context(receivers.serve(behaviour))
                sealed = vault.seal(new_secret(), client_id=f"client-{client}", callback_id=name)
                callback = Callback(
                    callback_id=name,
                    client_id=f"client-{client}",
                    url=f"http://127.0.0.1:{port}/",
                    events=["transcription.completed"],
                    secrets=[{"ciphertext": sealed, "created_at": 0}],
                )
                store.callbacks.register(callback)
                callbacks.append(callback)
            expected.update(announce(store, callbacks) for _ in range(JOBS))

        dispatcher = Dispatcher(store, vault, sender="sweep", clock=now_ms, allow_private=True)
        started = time.monotonic()
        end = started + SECONDS + LAST_TRY_SECONDS
        Drain(store.deliveries, dispatcher, now_ms).run(lambda: end - time.monotonic())

    last = max(moment for receiver in good.values() for moment in receiver.came) - started
    served = sum(len(receiver.came) for receiver in good.values())
    print(f"\n{served} good deliveries, the last after {last:.1f} s; all of it took {time.monotonic() - started:.1f} s")  # noqa: T201 - read with -s
    assert all(len(receiver.ids) == JOBS for receiver in good.values())
    assert last <= SECONDS
    ledger = [delivery for job_id in _jobs(store) for delivery in store.deliveries.of_job(job_id)]
    assert len(ledger) == CLIENTS * CALLBACKS * JOBS
    for delivery in ledger:
        if delivery.callback_id in good:
            assert delivery.status == "delivered"
        else:
            assert delivery.status in {"pending", "delivered"}  # a body that drips comes after a 2xx
            assert delivery.attempts <= 2


def _jobs(store: Store) -> list[str]:
    return [job.job_id for client in range(CLIENTS) for job in store.jobs.of_client(f"client-{client}", limit=100)]
