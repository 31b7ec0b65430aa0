"""A delivery's life: tried by one sender at a time, under one id, with the same bytes, until it is over."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from standardwebhooks import Webhook

from services.common.domain.events import EventType, compose_about
from services.common.domain.records import Callback, Delivery
from services.common.domain.times import DAY_MS, SECOND_MS, now_ms
from services.common.store.announcements import direct
from services.common.webhooks import dispatch
from services.common.webhooks.breaker import THRESHOLD
from services.common.webhooks.dispatch import LEASE_MS, UNSIGNED_PAUSE_MS, Dispatcher
from services.common.webhooks.retry_schedule import MAX_ATTEMPTS
from services.common.webhooks.transport import DEADLINE_SECONDS, post
from tests.support import receivers
from tests.support.world import World


def dispatcher(world: World, name: str = "sweep_1") -> Dispatcher:
    return Dispatcher(world.store, world.vault, sender=name, clock=world.clock, allow_private=True)


def ledger(world: World, job_id: str = "job_1") -> Delivery:
    (found,) = world.store.deliveries.of_job(job_id)
    return found


def overdue(world: World) -> list[Delivery]:
    return list(world.store.deliveries.overdue(world.clock(), limit=100))


def callback(world: World) -> Callback:
    found = world.store.callbacks.get("alice", "cb_1")
    assert found is not None
    return found


def raises(error: Exception) -> Callable[..., Any]:
    def raising(*_: Any) -> Any:
        raise error

    return raising


def test_a_delivery_is_signed_with_the_callbacks_secret_and_ends_as_delivered(world: World) -> None:
    recorder = receivers.Recorder()
    with receivers.serve(recorder) as port:
        made = world.callback(f"http://127.0.0.1:{port}/hook")
        world.clock.now = now_ms()  # the library checks the age against the real time
        (delivery,) = world.completed(made)
        dispatcher(world).send(delivery)

    headers, body = recorder.requests[0]
    (secret,) = world.vault.open(made, world.clock())
    assert Webhook(secret).verify(body, headers)["data"] == {"text": "åäö"}
    assert headers["content-type"] == "application/json"
    after = ledger(world)
    assert (after.status, after.attempts) == ("delivered", 1)
    assert after.tries[0]["outcome"] == "DELIVERED"
    world.clock.pass_(10 * DAY_MS)
    assert overdue(world) == []


def test_each_message_of_one_event_says_which_callback_it_is_for(world: World) -> None:
    recorder = receivers.Recorder()
    with receivers.serve(recorder) as port:
        made = [world.callback(f"http://127.0.0.1:{port}/hook", name=name) for name in ("cb_1", "cb_2")]
        for delivery in world.completed(*made):
            dispatcher(world).send(delivery)

    assert sorted(headers["webhook-callback-id"] for headers, _ in recorder.requests) == ["cb_1", "cb_2"]
    assert len({body for _, body in recorder.requests}) == 1


def test_every_attempt_has_the_same_id_and_the_same_bytes_and_a_fresh_timestamp(world: World) -> None:
    recorder = receivers.Recorder(status=500)
    with receivers.serve(recorder) as port:
        world.completed(world.callback(f"http://127.0.0.1:{port}/hook"))
        for number in range(1, MAX_ATTEMPTS + 1):
            (delivery,) = overdue(world)
            dispatcher(world, f"sweep_{number}").send(delivery)
            world.clock.now = ledger(world).due_at or world.clock.now

    ids = {headers["webhook-id"] for headers, _ in recorder.requests}
    bodies = {body for _, body in recorder.requests}
    stamps = {headers["webhook-timestamp"] for headers, _ in recorder.requests}
    assert (len(recorder.requests), len(ids), len(bodies), len(stamps)) == (10, 1, 1, 10)
    assert (ledger(world).status, ledger(world).attempts) == ("exhausted", 10)
    assert overdue(world) == []


def test_two_senders_never_send_one_attempt_at_once(world: World) -> None:
    recorder = receivers.Recorder()
    with receivers.serve(recorder) as port:
        (delivery,) = world.completed(world.callback(f"http://127.0.0.1:{port}/hook"))
        senders = [
            threading.Thread(target=dispatcher(world, f"sweep_{number}").send, args=(delivery,)) for number in range(8)
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()

    assert len(recorder.requests) == 1
    assert ledger(world).attempts == 1


def test_a_sender_that_dies_after_the_2xx_is_followed_by_one_that_sends_the_same_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = receivers.Recorder()
    with receivers.serve(recorder) as port:
        (delivery,) = world.completed(world.callback(f"http://127.0.0.1:{port}/hook"))

        def post_and_die(*arguments: Any, **named: Any) -> Any:
            post(*arguments, **named)
            raise KeyboardInterrupt

        monkeypatch.setattr(dispatch, "post", post_and_die)
        with pytest.raises(KeyboardInterrupt):
            dispatcher(world, "first").send(delivery)
        monkeypatch.setattr(dispatch, "post", post)
        assert overdue(world) == []  # the first sender's lease still runs
        world.clock.pass_(LEASE_MS)
        (again,) = overdue(world)
        dispatcher(world, "second").send(again)

    (first, first_body), (second, second_body) = recorder.requests
    assert first["webhook-id"] == second["webhook-id"]
    assert first_body == second_body
    assert ledger(world).status == "delivered"


def test_a_sender_that_was_asleep_past_its_lease_sends_nothing(world: World) -> None:
    recorder = receivers.Recorder()
    with receivers.serve(recorder) as port:
        (delivery,) = world.completed(world.callback(f"http://127.0.0.1:{port}/hook"))
        sleeper = dispatcher(world)
        mine = sleeper.take(delivery)
        assert mine is not None
        world.clock.pass_(LEASE_MS - 5 * SECOND_MS)
        assert sleeper.attempt(mine) is None

    assert recorder.requests == []


@pytest.mark.parametrize(
    ("behaviour", "outcome", "status"),
    [
        ("closes_at_once", "DISCONNECTED", None),
        ("endless_headers", "RESPONSE_TOO_LARGE", None),
        ("REDIRECTS", "HTTP_STATUS", 302),
        ("ABSURD_RETRY_AFTER", "HTTP_STATUS", 429),
        ("NO_HTTP", "INVALID_RESPONSE", None),
    ],
)
def test_a_hostile_receiver_leaves_the_right_entry_and_is_tried_again(
    world: World, behaviour: str, outcome: str, status: int | None
) -> None:
    with receivers.serve(getattr(receivers, behaviour)) as port:
        (delivery,) = world.completed(world.callback(f"http://127.0.0.1:{port}/"))
        dispatcher(world).send(delivery)

    after = ledger(world)
    assert (after.status, after.tries[0]["outcome"], after.tries[0].get("status")) == (
        *("pending", outcome),
        status,
    )
    assert 4 * SECOND_MS <= after.due_at - world.clock() <= 305 * SECOND_MS


def test_a_receiver_that_hangs_is_cut_and_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "post", functools.partial(post, deadline_seconds=0.5))
    with receivers.serve(receivers.hangs) as port:
        (delivery,) = world.completed(world.callback(f"http://127.0.0.1:{port}/"))
        dispatcher(world).send(delivery)

    assert (ledger(world).status, ledger(world).tries[0]["outcome"]) == ("pending", "TIMEOUT")


def test_410_disables_the_callback_and_tells_the_others(world: World) -> None:
    with receivers.serve(receivers.GONE) as port:
        gone = world.callback(f"http://127.0.0.1:{port}/")
        world.callback("http://127.0.0.1:1/", name="cb_other", prefix="uploads/alice/elsewhere/")
        (delivery,) = world.completed(gone)
        dispatcher(world).send(delivery)

    assert callback(world).status == "disabled"
    told = {found.callback_id: (found.event_type, found.status) for found in world.store.deliveries.of_job("job_1")}
    assert told == {
        "cb_1": ("transcription.completed", "dropped"),
        "cb_other": ("callback.disabled", "pending"),
    }


def test_what_is_due_to_a_disabled_or_deleted_callback_is_dropped_unsent(world: World) -> None:
    recorder = receivers.Recorder()
    with receivers.serve(recorder) as port:
        made = world.callback(f"http://127.0.0.1:{port}/")
        (delivery,) = world.completed(made)
        world.store.callbacks.remove(made)
        dispatcher(world).send(delivery)

    assert recorder.requests == []
    assert (ledger(world).status, ledger(world).tries[0]["outcome"]) == ("dropped", "CALLBACK_GONE")


def test_five_days_without_a_success_disable_a_callback(world: World) -> None:
    with receivers.serve(receivers.Recorder(status=500)) as port:
        made = world.callback(f"http://127.0.0.1:{port}/")
        (first,) = world.completed(made)
        dispatcher(world).send(first)
        assert callback(world).failing_since == world.clock()
        world.clock.pass_(5 * DAY_MS)
        (late,) = world.completed(made, name="job_2")
        dispatcher(world).send(late)

    assert callback(world).status == "disabled"
    assert callback(world).disabled_reason == "failing"


def test_one_success_forgives_everything(world: World) -> None:
    recorder = receivers.Recorder(status=500)
    with receivers.serve(recorder) as port:
        made = world.callback(f"http://127.0.0.1:{port}/")
        (first,) = world.completed(made)
        dispatcher(world).send(first)
        recorder.status = 200
        world.clock.pass_(5 * DAY_MS)
        (late,) = world.completed(made, name="job_2")
        dispatcher(world).send(late)

    assert (callback(world).status, callback(world).failing_since) == ("active", None)


def test_after_three_failures_the_rest_is_postponed_without_a_try(world: World) -> None:
    recorder = receivers.Recorder(status=503)
    with receivers.serve(recorder) as port:
        made = world.callback(f"http://127.0.0.1:{port}/")
        sender = dispatcher(world)
        for number in range(6):
            (delivery,) = world.completed(made, name=f"job_{number}")
            sender.send(delivery)

    assert len(recorder.requests) == 3
    last = ledger(world, "job_5")
    assert (last.attempts, last.status) == (0, "pending")
    assert 30 * SECOND_MS <= last.due_at - world.clock() <= 45 * SECOND_MS


@pytest.mark.parametrize(
    ("answer", "status", "outcome"),
    [
        (b'{"challenge": "c0ffee"}', "active", "DELIVERED"),
        (b"c0ffee\n", "active", "DELIVERED"),
        (b'{"challenge": "other"}', "pending", "CHALLENGE_FAILED"),
        (b"", "pending", "CHALLENGE_FAILED"),
        (b"\xff{", "pending", "CHALLENGE_FAILED"),
        (b"[1]", "pending", "CHALLENGE_FAILED"),
    ],
)
def test_a_callback_becomes_active_when_its_receiver_sends_the_challenge_back(
    world: World, answer: bytes, status: str, outcome: str
) -> None:
    with receivers.serve(receivers.Recorder(body=answer)) as port:
        made = world.callback(f"http://127.0.0.1:{port}/", status="pending")
        send_direct(world, made, EventType.CALLBACK_CHALLENGE, challenge="c0ffee")

    assert callback(world).status == status
    assert ledger(world, "cb_1").tries[0]["outcome"] == outcome


def test_a_callback_that_was_never_proven_hears_of_no_job(world: World) -> None:
    made = world.callback("http://127.0.0.1:1/", status="pending")

    assert world.completed(made) == []


def test_a_callback_that_was_not_yet_proven_gets_a_test(world: World) -> None:
    recorder = receivers.Recorder()
    with receivers.serve(recorder) as port:
        made = world.callback(f"http://127.0.0.1:{port}/", status="pending")
        send_direct(world, made, EventType.CALLBACK_TEST, message="This is a test.")

    assert (len(recorder.requests), callback(world).status) == (1, "pending")


def send_direct(world: World, made: Callback, kind: EventType, **data: str) -> None:
    event = compose_about(made, kind, subject=made.callback_id, serial="1", now=world.clock(), expires_at=None, **data)
    world.store.callbacks._table.transact(direct(event, made))
    dispatcher(world).send(ledger(world, made.callback_id))


def test_after_a_rotation_both_secrets_sign_for_a_day_and_then_the_new_one_alone(world: World) -> None:
    recorder = receivers.Recorder()
    with receivers.serve(recorder) as port:
        old = world.vault.seal("whsec_" + "A" * 43 + "=", client_id="alice", callback_id="cb_1")
        new = world.vault.seal("whsec_" + "B" * 43 + "=", client_id="alice", callback_id="cb_1")
        until = world.clock() + DAY_MS
        made = world.callback(
            f"http://127.0.0.1:{port}/",
            secrets=[
                {"ciphertext": new, "created_at": world.clock()},
                {"ciphertext": old, "created_at": 0, "expires_at": until},
            ],
        )
        for name in ("job_1", "job_2"):
            (delivery,) = world.completed(made, name=name)
            dispatcher(world).send(delivery)
            world.clock.pass_(DAY_MS)

    counts = [len(headers["webhook-signature"].split(" ")) for headers, _ in recorder.requests]
    assert counts == [2, 1]


def test_a_key_service_that_fails_counts_against_no_receiver(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = receivers.Recorder()
    with receivers.serve(recorder) as port:
        made = world.callback(f"http://127.0.0.1:{port}/")
        sender = dispatcher(world)
        with monkeypatch.context() as broken:
            broken.setattr(world.vault, "open", raises(EndpointConnectionError(endpoint_url="https://kms")))
            for number in range(THRESHOLD):
                (delivery,) = world.completed(made, name=f"job_{number}")
                assert sender.send(delivery) is None
        waiting = ledger(world, "job_0")
        assert (waiting.status, waiting.attempts, waiting.tries, waiting.owner) == ("pending", 0, [], None)
        assert UNSIGNED_PAUSE_MS <= waiting.due_at - world.clock() <= 1.5 * UNSIGNED_PAUSE_MS
        assert callback(world).failing_since is None
        assert recorder.requests == []
        (delivery,) = world.completed(made, name="job_at_once")  # no breaker has opened
        sender.send(delivery)
        world.clock.pass_(2 * UNSIGNED_PAUSE_MS)
        for delivery in overdue(world):
            sender.send(delivery)

    assert len(recorder.requests) == THRESHOLD + 1
    assert (ledger(world, "job_0").status, ledger(world, "job_0").attempts) == ("delivered", 1)


def test_a_secret_that_is_another_callbacks_signs_nothing(world: World) -> None:
    recorder = receivers.Recorder()
    with receivers.serve(recorder) as port:
        sealed = world.vault.seal("whsec_" + "A" * 43 + "=", client_id="mallory", callback_id="cb_1")
        made = world.callback(f"http://127.0.0.1:{port}/", secrets=[{"ciphertext": sealed, "created_at": 0}])
        (delivery,) = world.completed(made)
        dispatcher(world).send(delivery)

    assert recorder.requests == []
    assert (ledger(world).status, ledger(world).attempts) == ("pending", 0)


def test_a_sender_that_took_long_to_sign_leaves_the_try_to_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = receivers.Recorder()
    with receivers.serve(recorder) as port:
        (delivery,) = world.completed(world.callback(f"http://127.0.0.1:{port}/"))
        opened = world.vault.open

        def slowly(*arguments: Any) -> list[str]:
            world.clock.pass_(LEASE_MS - round(DEADLINE_SECONDS * SECOND_MS))
            return opened(*arguments)

        with monkeypatch.context() as slow:
            slow.setattr(world.vault, "open", slowly)
            assert dispatcher(world, "slow").send(delivery) is None
        assert recorder.requests == []
        world.clock.pass_(round(DEADLINE_SECONDS * SECOND_MS))
        (again,) = overdue(world)
        dispatcher(world, "next").send(again)

    assert len(recorder.requests) == 1
    assert (ledger(world).status, ledger(world).attempts) == ("delivered", 1)


def test_a_redelivery_starts_the_schedule_anew_and_keeps_the_ledger(world: World) -> None:
    recorder = receivers.Recorder()
    with receivers.serve(recorder) as port:
        (delivery,) = world.completed(world.callback(f"http://127.0.0.1:{port}/"))
        dispatcher(world).send(delivery)
        world.store.callbacks._table.transact([world.store.deliveries.again(ledger(world), world.clock())])
        recorder.status = 500
        dispatcher(world).send(ledger(world))

    after = ledger(world)
    assert [entry["outcome"] for entry in after.tries] == ["DELIVERED", "HTTP_STATUS"]
    assert after.status == "pending"
    assert after.due_at - world.clock() <= 6 * SECOND_MS


def test_no_log_line_holds_an_address_a_text_a_secret_or_an_answer(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with receivers.serve(receivers.Recorder(status=500, body=b"word-of-the-receiver")) as port:
        made = world.callback(f"http://127.0.0.1:{port}/token-4711")
        (delivery,) = world.completed(made)
        dispatcher(world).send(delivery)

    output = capsys.readouterr()
    logged = output.out + output.err
    assert "delivery.tried" in logged
    for word in ("token-4711", "word-of-the-receiver", "åäö", "whsec_", made.secrets[0]["ciphertext"]):
        assert word not in logged
