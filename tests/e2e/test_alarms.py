"""Each alarm that Terraform makes is caused once, rings by CloudWatch's own rules, and its mail says what to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from services.api.handler import handler as api
from services.common.domain.times import MINUTE_MS, SECOND_MS, now_ms
from services.common.store.store import Store
from services.local.cloudwatch.alarms import State
from services.local.cloudwatch.data_points import DataPoint
from services.local.cloudwatch.of_aws import measured, throttle
from services.local.cloudwatch.watching import CloudWatch
from services.local.functions import EventSourceMapping, Invocations, LambdaContext
from services.local.resources import REGION, TABLE_SHAPE
from services.orchestrator.handler import handler as orchestrator
from tests.support.alarm_causes import BUDGET, CAUSES, FAILED_JOBS, STALLED_MINUTES, story
from tests.support.emulator import Emulator
from tests.support.terraform import Terraform

pytestmark = pytest.mark.terraform

DEPLOYMENT, NAME = "transcription", f"transcription-{REGION}"
QUEUE, DEAD_LETTERS, TABLE = "uploads", "uploads-dead", "jobs"
FUNCTIONS = {"TranscriptionProcessUpload": orchestrator, "TranscriptionAPI": api}
INDEXES = ("due", "by_client")
LOG_GROUP = "/aws/lambda/TranscriptionProcessUpload"
TRIES = 11
"""Calls that DynamoDB refuses in each period: more than the alarm lets pass."""
RECEIVES = 5
LOOKED_BACK_MINUTES = 100
"""How much of a story is watched minute by minute, up to its end."""
ROOT_MODULE = {
    "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "~> 5.100"}}},
    "provider": {"aws": {"region": REGION, "skip_credentials_validation": True, "skip_metadata_api_check": True}},
    "module": {
        "observability": {
            "source": "../modules/observability",
            "name": NAME,
            "deployment": DEPLOYMENT,
            "stalled_minutes": STALLED_MINUTES,
            "failed_jobs_an_hour": FAILED_JOBS,
            "daily_budget_usd": BUDGET,
            "alarm_email": "operations@example.com",
            "queue_name": QUEUE,
            "dead_letter_queue_name": DEAD_LETTERS,
            "function_names": list(FUNCTIONS),
            "orchestrator_log_group_name": LOG_GROUP,
            "table_name": TABLE,
            "index_names": list(INDEXES),
        }
    },
}
"""The module of the alarms by itself: an apply of the whole takes a minute. What it is given is checked elsewhere."""


class Account:
    """An account with the alarms, and with what AWS itself measures for them."""

    def __init__(self, emulator: Emulator, resources: list[dict[str, Any]]) -> None:
        self.emulator = emulator
        self.resources = resources
        once = emulator.session.client(
            "dynamodb", endpoint_url=emulator.endpoint, config=Config(retries={"total_max_attempts": 1})
        )
        self.store = Store(once, TABLE)
        self.queue_url, self.dead_letters_url, self._mail = self._queues()

    def watch(self) -> CloudWatch:
        """CloudWatch, without any data so far."""
        return CloudWatch(self.resources, self.emulator.client("cloudwatch"), self.emulator.client("sns"))

    def mails(self) -> list[dict[str, Any]]:
        """What the alarms' topic was told since the last call."""
        sqs = self.emulator.client("sqs")
        found: list[dict[str, Any]] = []
        while messages := sqs.receive_message(QueueUrl=self._mail, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                sqs.delete_message(QueueUrl=self._mail, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(json.loads(message["Body"])["Message"]))
        return found

    def measured(self, now: int) -> list[DataPoint]:
        return measured(self.emulator.endpoint, now)

    def _queues(self) -> tuple[str, str, str]:
        sqs, sns = self.emulator.client("sqs"), self.emulator.client("sns")
        dead = sqs.create_queue(QueueName=DEAD_LETTERS)["QueueUrl"]
        policy = json.dumps({"deadLetterTargetArn": self._arn(dead), "maxReceiveCount": RECEIVES})
        attributes = {"RedrivePolicy": policy, "VisibilityTimeout": "0"}
        queue = sqs.create_queue(QueueName=QUEUE, Attributes=attributes)["QueueUrl"]
        mail = sqs.create_queue(QueueName="mail")["QueueUrl"]
        (topic,) = {topic["TopicArn"] for topic in sns.list_topics()["Topics"]}
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=self._arn(mail))
        return str(queue), str(dead), str(mail)

    def _arn(self, url: str) -> str:
        sqs = self.emulator.client("sqs")
        reply = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(reply["Attributes"]["QueueArn"])


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder = tmp_path_factory.mktemp("alarms")
    with Emulator(folder) as emulator:
        emulator.client("logs").create_log_group(logGroupName=LOG_GROUP)
        emulator.client("dynamodb").create_table(TableName=TABLE, **TABLE_SHAPE)
        terraform = Terraform(folder, emulator.endpoint, {})
        yield Account(emulator, _applied(terraform))


def _applied(terraform: Terraform) -> list[dict[str, Any]]:
    """The resources of the module, as the state has them after an apply."""
    folder: Path = terraform.folder / "alarms"
    folder.mkdir()
    (folder / "main.tf.json").write_text(json.dumps(ROOT_MODULE))
    terraform.run("init", "-input=false", folder=folder)
    terraform.run("apply", "-auto-approve", "-input=false", folder=folder)
    return terraform.resources(folder)


def of(name: str) -> str:
    """The whole name of an alarm."""
    return f"{NAME}-{name}"


def rings(account: Account, watch: CloudWatch, now: int) -> set[str]:
    """The alarms that ring at a moment; each has told its topic so."""
    began = {change.alarm.name for change in watch.judge(now) if change.after is State.ALARM}
    assert began == {mail["AlarmName"] for mail in account.mails() if mail["NewStateValue"] == "ALARM"}
    ringing = {name for name, state in watch.states.items() if state is State.ALARM}
    shown = account.emulator.client("cloudwatch").describe_alarms(StateValue="ALARM")["MetricAlarms"]
    # Alarms on DynamoDB keep their state while nothing is told, so those of other tests are still shown.
    assert ringing <= {alarm["AlarmName"] for alarm in shown}
    return ringing


@pytest.mark.parametrize("name", CAUSES)
def test_what_the_services_measure_rings_its_alarm(account: Account, name: str) -> None:
    lines, until = story(CAUSES[name], DEPLOYMENT)
    watch = account.watch()
    rang: set[str] = set()
    for now in range(until - LOOKED_BACK_MINUTES * MINUTE_MS, until + MINUTE_MS, MINUTE_MS):
        while lines and lines[0].at < now:
            line = lines.pop(0)
            watch.take_line(LOG_GROUP, line.text, line.at)
        watch.judge(now)
        rang |= {alarm for alarm, state in watch.states.items() if state is State.ALARM}
    assert of(name) in rang
    assert rang == {mail["AlarmName"] for mail in account.mails() if mail["NewStateValue"] == "ALARM"}
    # A story may begin with silence, and what waits may have more than one reason to ring.
    assert rang <= {of(name), of("sweep-silent"), of("work-stalled")}


def test_an_upload_that_waits_in_the_queue_rings(account: Account) -> None:
    sqs, watch, now = account.emulator.client("sqs"), account.watch(), now_ms()
    sqs.send_message(QueueUrl=account.queue_url, MessageBody="{}")
    for minutes, expected in ((14, set()), (17, {of("uploads-wait")})):
        later = now + minutes * MINUTE_MS
        watch.take(account.measured(later))
        assert _without_silence(rings(account, watch, later + MINUTE_MS)) == expected
    sqs.purge_queue(QueueUrl=account.queue_url)


def test_an_upload_that_is_set_aside_rings(account: Account) -> None:
    sqs, watch = account.emulator.client("sqs"), account.watch()
    sqs.send_message(QueueUrl=account.queue_url, MessageBody="{}")

    def fails(*_: object) -> dict[str, Any]:
        raise RuntimeError

    mapping = EventSourceMapping(sqs, account.queue_url, fails)
    for _ in range(RECEIVES + 1):
        with suppress(RuntimeError):
            mapping.poll()
    now = now_ms()
    watch.take(account.measured(now))
    assert _without_silence(rings(account, watch, now + MINUTE_MS)) == {of("uploads-set-aside")}
    sqs.purge_queue(QueueUrl=account.dead_letters_url)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_that_fails_or_is_throttled_rings(
    account: Account, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TABLE_NAME", raising=False)
    for concurrency, alarm in ((1_000, "errors"), (0, "throttles")):
        invocations, watch = Invocations(function, FUNCTIONS[function]), account.watch()  # type: ignore[arg-type]
        invocations.concurrency = concurrency
        for _ in range(3):
            with pytest.raises(Exception, match=r"."):
                invocations({}, LambdaContext())
        watch.take(invocations.points)
        expected = {of(f"{function}-{alarm}")}
        assert _without_silence(rings(account, watch, now_ms() + MINUTE_MS)) == expected


SLOW: dict[str, tuple[str, str | None]] = {
    f"{name}-{kind}-throttles": (kind, index)
    for name, index in (("table", None), *((f"index-{index.replace('_', '-')}", index) for index in INDEXES))
    for kind in ("read", "write")
}


@pytest.mark.parametrize("alarm", SLOW)
def test_a_table_or_an_index_that_is_throttled_rings(account: Account, alarm: str) -> None:
    kind, index = SLOW[alarm]
    calls: dict[tuple[str, str | None], Callable[[], object]] = {
        ("read", None): lambda: account.store.clients.known("alice"),
        ("read", "due"): lambda: account.store.jobs.overdue_uploads(1, 1),
        ("read", "by_client"): lambda: list(account.store.jobs.of_client("alice", limit=1)),
    }
    call = calls.get((kind, index), lambda: account.store.clients.register("alice"))
    watch, endpoint = account.watch(), account.emulator.endpoint
    throttle(endpoint, **{f"{kind}s": [index]})
    for period in range(2):
        for _ in range(TRIES):
            with pytest.raises(ClientError, match="Throttling"):
                call()
        # As if five minutes had passed in between.
        watch.take(replace(point, at=point.at + period * 300 * SECOND_MS) for point in account.measured(now_ms()))
    throttle(endpoint)
    assert _without_silence(rings(account, watch, now_ms() + 6 * MINUTE_MS)) == {of(alarm)}


def test_every_alarm_is_caused_here(account: Account) -> None:
    functions = {f"{function}-{alarm}" for function in FUNCTIONS for alarm in ("errors", "throttles")}
    caused = {*CAUSES, "uploads-wait", "uploads-set-aside", *functions, *SLOW}
    assert {alarm.name for alarm in account.watch().alarms} == {of(name) for name in caused}


def _without_silence(ringing: set[str]) -> set[str]:
    """Here nothing sweeps, so that this one rings as well."""
    assert of("sweep-silent") in ringing
    return ringing - {of("sweep-silent")}
