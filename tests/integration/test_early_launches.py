"""A machine may start while a registered recording is on its way: one in all, and for no longer than ten minutes."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from services.api.early_launch import HASTY, EarlyLaunch
from services.common.aws import Aws
from services.common.domain.registrations import UPLOAD_BYTES_PER_SECOND, message
from services.common.domain.states import JobStatus
from services.common.domain.times import MINUTE_MS, SECOND_MS
from services.common.store import keys
from services.orchestrator.expected import STAY_MS
from services.orchestrator.handler import take_batch
from services.orchestrator.scaling import BREAK_MS, SILENT_BOOTS
from tests.support.api_jobs import create
from tests.support.faults import aws_error
from tests.support.gateway import Client, Gateway
from tests.support.step_world import StepWorld, step_world

TEN = 10 * MINUTE_MS
LARGE = 600 * UPLOAD_BYTES_PER_SECOND + 1


@pytest.fixture
def world() -> Iterator[StepWorld]:
    with step_world(max_workers=3) as made:
        made.orchestrator_settings.launch_at_registration = True
        yield made


@pytest.fixture
def queue_url(world: StepWorld) -> str:
    url: str = world.aws.sqs(HASTY).create_queue(QueueName="uploads")["QueueUrl"]
    return url


@pytest.fixture
def bob(world: StepWorld, queue_url: str) -> Client:
    return Gateway(world, early_launch_queue_url=queue_url).client("bob")


def told(world: StepWorld, queue_url: str) -> list[str]:
    """The bodies of the messages that the API has sent since the last time."""
    sqs = world.aws.sqs(HASTY)
    bodies = []
    while messages := sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages", []):
        for one in messages:
            bodies.append(one["Body"])
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=one["ReceiptHandle"])
    return bodies


def deliver(world: StepWorld, queue_url: str) -> int:
    """Let the orchestrator take what the API has sent; returns how many machines there are then."""
    world.queue += [{"messageId": f"r{number}", "body": body} for number, body in enumerate(told(world, queue_url))]
    world.serve_queue()
    assert world.queue == []
    return len(world.ec2.running)


def stay_until(world: StepWorld) -> int:
    (slot,) = world.store.slots.all()
    return slot.stay_until


# The API.


def test_a_registration_is_told_in_one_message_and_notes_how_long_a_machine_may_wait(
    world: StepWorld, bob: Client, queue_url: str
) -> None:
    job_id = create(bob)["job_id"]
    assert told(world, queue_url) == [message(job_id)]
    assert world.job(job_id).expected_until == world.now + TEN


def test_a_large_upload_is_registered_and_told_to_nobody(world: StepWorld, bob: Client, queue_url: str) -> None:
    job_id = create(bob, size=LARGE)["job_id"]
    assert told(world, queue_url) == []
    assert world.job(job_id).expected_until == 0


def test_without_a_queue_nothing_is_told_and_no_machine_may_wait(world: StepWorld, queue_url: str) -> None:
    job_id = create(Gateway(world).client("bob"))["job_id"]
    assert told(world, queue_url) == []
    assert world.job(job_id).expected_until == 0


def test_a_repeated_request_is_told_once(world: StepWorld, bob: Client, queue_url: str) -> None:
    for _ in range(2):
        assert bob.post("/api/jobs", {"file_name": "a.mp3"}, idempotency_key="once").status == 201
    assert len(told(world, queue_url)) == 1


@pytest.mark.parametrize("body", [{"file_name": "a.mp3", "callback_id": "cb_unknown"}, {"file_name": ""}])
def test_a_refused_registration_is_told_to_nobody(
    world: StepWorld, bob: Client, queue_url: str, body: dict[str, Any]
) -> None:
    assert bob.post("/api/jobs", body).status >= 400
    assert told(world, queue_url) == []


def test_a_job_is_registered_even_if_the_queue_fails(
    world: StepWorld, bob: Client, queue_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(**_: Any) -> None:
        raise aws_error("ServiceUnavailable", "SendMessage")

    monkeypatch.setattr(world.aws.sqs(HASTY), "send_message", fails)
    job_id = create(bob)["job_id"]
    assert world.job(job_id).status is JobStatus.AWAITING_UPLOAD
    logged = [json.loads(line) for line in capsys.readouterr().err.splitlines() if '"registration.untold"' in line]
    assert [(line["level"], line["job_id"]) for line in logged] == [("warning", job_id)]


def test_a_queue_that_does_not_answer_holds_a_registration_up_for_a_few_seconds_at_most(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-north-1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", address)
        early = EarlyLaunch(Aws(session).sqs(HASTY), f"{address}/1/uploads", seconds=600)
        began = time.monotonic()
        early.ask("job_1")
    assert time.monotonic() - began < 6
    (line,) = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert line["event"] == "registration.untold"
    assert "ReadTimeoutError" in line["error"]


# The orchestrator.


def test_a_registration_launches_a_machine_that_does_the_upload_which_comes_later(
    world: StepWorld, bob: Client, queue_url: str
) -> None:
    job_id = create(bob)["job_id"]
    assert deliver(world, queue_url) == 1
    assert stay_until(world) == world.now + STAY_MS

    world.now += STAY_MS
    world.upload(world.job(job_id).source_key)
    world.settle()
    job = world.job(job_id)
    assert job.status is JobStatus.COMPLETED
    assert len(world.ec2.machines) == 1
    assert "capacity_asked" not in job.times, "the job has not waited for it"


def test_all_registrations_together_launch_one_machine(world: StepWorld, bob: Client, queue_url: str) -> None:
    for _ in range(3):
        create(bob)
    assert deliver(world, queue_url) == 1
    create(bob)
    assert deliver(world, queue_url) == 1
    world.sweep()
    assert len(world.ec2.machines) == 1


def test_a_message_that_comes_twice_launches_one_machine(world: StepWorld, bob: Client, queue_url: str) -> None:
    create(bob)
    (body,) = told(world, queue_url)
    for number in range(2):
        assert take_batch(world.orchestrator(), [{"messageId": f"m{number}", "body": body}]) == []
    assert len(world.ec2.machines) == 1


def test_a_registration_and_an_upload_in_one_batch_are_both_seen_to(
    world: StepWorld, bob: Client, queue_url: str
) -> None:
    create(bob)
    world.upload()
    messages = [{"messageId": "r", "body": told(world, queue_url)[0]}, *world.queue]
    assert take_batch(world.orchestrator(), messages) == []
    assert [job.status for job in world.jobs()] == [JobStatus.QUEUED]
    assert len(world.ec2.machines) == 1
    assert stay_until(world) == world.now + STAY_MS


@pytest.mark.parametrize("late_ms", [TEN, 5 * 60 * MINUTE_MS])
def test_an_old_message_launches_nothing(world: StepWorld, bob: Client, queue_url: str, late_ms: int) -> None:
    create(bob)
    world.now += late_ms
    assert deliver(world, queue_url) == 0


def test_a_message_of_a_canceled_or_an_unknown_job_launches_nothing(
    world: StepWorld, bob: Client, queue_url: str
) -> None:
    bob.post(f"/api/jobs/{create(bob)['job_id']}/cancel")
    world.aws.sqs(HASTY).send_message(QueueUrl=queue_url, MessageBody=message("job_unknown"))
    assert deliver(world, queue_url) == 0


def test_an_orchestrator_that_must_not_launch_at_registration_does_not(
    world: StepWorld, bob: Client, queue_url: str
) -> None:
    world.orchestrator_settings.launch_at_registration = False
    create(bob)
    assert deliver(world, queue_url) == 0
    world.sweep()
    assert len(world.ec2.machines) == 0


def test_a_message_that_was_lost_is_made_up_for_by_the_next_sweep(
    world: StepWorld, bob: Client, queue_url: str
) -> None:
    create(bob)
    assert len(told(world, queue_url)) == 1, "and nobody delivers it"
    world.sweep()
    assert len(world.ec2.running) == 1


def test_a_machine_stays_while_an_upload_is_awaited_and_no_longer_than_ten_minutes(
    world: StepWorld, bob: Client, queue_url: str
) -> None:
    began = world.now
    create(bob)
    deliver(world, queue_url)
    seen = []
    while world.now < began + TEN + 2 * MINUTE_MS:
        world.now += MINUTE_MS
        heard(world)
        world.sweep()
        seen.append(stay_until(world))
    assert seen[0] == began + MINUTE_MS + STAY_MS
    assert seen[-1] == max(seen) == began + TEN
    assert len(world.ec2.machines) == 1


@pytest.mark.parametrize("end", ["uploaded", "canceled"])
def test_a_machine_is_told_nothing_more_once_the_upload_has_come_or_is_canceled(
    world: StepWorld, bob: Client, queue_url: str, end: str
) -> None:
    job_id = create(bob)["job_id"]
    deliver(world, queue_url)
    before = stay_until(world)
    if end == "uploaded":
        world.upload(world.job(job_id).source_key)
        world.serve_queue()
    else:
        bob.post(f"/api/jobs/{job_id}/cancel")
    world.now += MINUTE_MS
    heard(world)
    world.sweep()
    assert stay_until(world) == before


def test_a_machine_that_runs_already_is_told_to_stay(world: StepWorld, bob: Client, queue_url: str) -> None:
    world.upload()
    world.serve_queue()
    assert stay_until(world) == 0
    create(bob)
    assert deliver(world, queue_url) == 1
    assert stay_until(world) == world.now + STAY_MS


def test_a_client_whose_last_three_uploads_never_came_gets_no_machine_until_one_comes(
    world: StepWorld, bob: Client, queue_url: str
) -> None:
    for _ in range(3):
        bob.post(f"/api/jobs/{create(bob)['job_id']}/cancel")
    told(world, queue_url)
    world.now += SECOND_MS  # so that the next one is newer
    job_id = create(bob)["job_id"]
    assert deliver(world, queue_url) == 0
    world.sweep()
    assert len(world.ec2.machines) == 0

    world.upload(world.job(job_id).source_key)
    world.settle()
    assert world.job(job_id).status is JobStatus.COMPLETED
    create(bob)
    assert deliver(world, queue_url) == 1


def test_what_one_client_never_uploads_is_not_held_against_another(world: StepWorld, queue_url: str) -> None:
    gateway = Gateway(world, early_launch_queue_url=queue_url)
    bob, carol = gateway.client("bob"), gateway.client("carol")
    for _ in range(4):
        create(bob)
    world.now += TEN
    create(bob)
    assert deliver(world, queue_url) == 0
    create(carol)
    assert deliver(world, queue_url) == 1


def test_no_on_demand_machine_is_launched_for_a_registration_and_no_job_is_told_that_it_waits(
    world: StepWorld, bob: Client, queue_url: str
) -> None:
    world.orchestrator_settings.on_demand_after_minutes = 1
    world.ec2.missing = 100
    job_id = create(bob)["job_id"]
    deliver(world, queue_url)
    for _ in range(5):
        world.now += MINUTE_MS
        world.sweep()
    assert world.ec2.machines == {}
    assert world.job(job_id).waiting is None
    assert world.store.slots.all() == []


def test_an_open_breaker_keeps_registrations_from_launching(world: StepWorld, bob: Client, queue_url: str) -> None:
    for _ in range(SILENT_BOOTS):
        world.store.fleet.silent_boot(world.now + BREAK_MS, waiting=None, reason="none")
    create(bob)
    assert deliver(world, queue_url) == 0


def test_jobs_of_a_release_that_knew_nothing_of_it_keep_no_machine(
    world: StepWorld, bob: Client, queue_url: str
) -> None:
    job_id = create(bob)["job_id"]
    world.change(keys.job(job_id), expected_until=None)
    assert deliver(world, queue_url) == 0


def heard(world: StepWorld) -> None:
    """Let the machine report, so that the sweep does not take it for lost."""
    (slot,) = world.store.slots.all()
    due_at = world.now + 90 * SECOND_MS
    assert world.store.slots.report(
        slot.slot, slot.launch_id, owner="worker-1", beat=slot.beat + 1, due_at=due_at, times={}
    )
