"""`transcribe doctor` on a deployment that lacks nothing, then with one thing after another that it lacks."""

from __future__ import annotations

import json
import re
import shlex
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.utils import formatdate
from functools import cache
from pathlib import Path
from typing import Any, cast

import boto3
import botocore
import botocore.session
import httpx
import pytest
from botocore.exceptions import ClientError
from botocore.model import ServiceModel
from typer.testing import CliRunner

from services.cli.errors import Exit
from services.cli.main import Transcribe, app
from services.cli.operator import deployment
from services.cli.operator.doctor import examination
from services.cli.operator.doctor.account import SPOT_ROLE, clock
from services.cli.operator.doctor.examination import examine
from services.cli.operator.doctor.findings import APPLY, Finding, Level, ok
from services.cli.operator.doctor.patient import Patient
from services.cli.operator.doctor.rights import RIGHTS
from services.cli.operator.doctor.watching import ALARMS
from services.cli.version import version
from services.common.domain.machines import Breaker
from services.common.domain.records import FIRST_PART, Callback, Delivery, Job, Part
from services.common.domain.states import CallbackStatus, DeliveryStatus, JobStatus, PartStatus, Waiting
from services.common.domain.times import DAY_MS, HOUR_MS, MINUTE_MS, now_ms
from services.common.store import keys
from services.common.store.codec import to_item
from services.common.store.items import item_of
from services.common.store.operations import Delete, Operation, Put
from services.local.ec2 import MARKETS_PATH
from services.local.resources import REGION, TABLE_SHAPE
from tests.support.emulator import Emulator
from tests.support.examined import (
    ALARM,
    API_LOG_GROUP,
    BUCKET,
    FALLBACK_PARAMETER,
    IMAGE_PARAMETER,
    NAMES,
    PACKAGE,
    PUBLIC_ACCESS,
    Examined,
)
from tests.support.replies import Replies, replying
from tools import images

HEALTH = "GET /api/health"
Broken = Callable[[Examined], Iterator[None]]


@pytest.fixture(scope="module")
def replies() -> Iterator[Replies]:
    with replying() as answering:
        answering.by_request[HEALTH] = 200, {"status": "ok"}
        yield answering


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("doctor")) as running:
        yield running


@pytest.fixture(scope="module")
def examined(emulator: Emulator, replies: Replies) -> Examined:
    return Examined(emulator, replies.address)


@pytest.fixture
def patient(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Patient:
    """Whose clients are made once for all tests: that takes longer than to examine it."""
    monkeypatch.setattr(Patient, "client", lambda _, service: emulator.client(service))
    return Patient(emulator.session, NAMES)


def lines(patient: Patient) -> dict[str, str]:
    """The lines that are not ok, each with its level."""
    return {name: found.level.word for name, found in examine(patient).items() if found.level is not Level.OK}


def commit(examined: Examined, *operations: Operation) -> None:
    examined.store.commit(list(operations))


def refused(code: str, operation: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


# Each of these breaks one thing, and mends it behind the yield.


def no_spot_role(examined: Examined) -> Iterator[None]:
    examined.client("iam").delete_role(RoleName=SPOT_ROLE)
    yield
    examined.make_spot_role()


@contextmanager
def quotas(emulator: Emulator, **quotas: int) -> Iterator[None]:
    httpx.post(f"{emulator.endpoint}{MARKETS_PATH}", json={"quotas": quotas}).raise_for_status()
    yield
    httpx.post(f"{emulator.endpoint}{MARKETS_PATH}", json={"quotas": {"spot": 64, "on-demand": 64}}).raise_for_status()


def no_parameter(examined: Examined) -> Iterator[None]:
    examined.client("ssm").delete_parameter(Name=NAMES.config_parameter)
    yield
    examined.put_settings()


def a_parameter_that_lacks_the_models(examined: Examined) -> Iterator[None]:
    settings = {name: value for name, value in examined.common.items() if name != "MODELS"}
    examined.put_parameter(NAMES.config_parameter, json.dumps(settings | {"MAX_LIFETIME_MINUTES": "720"}))
    yield
    examined.put_settings()


def a_parameter_that_is_no_document(examined: Examined) -> Iterator[None]:
    examined.put_parameter(NAMES.config_parameter, "[]")
    yield
    examined.put_settings()


def no_orchestrator(examined: Examined) -> Iterator[None]:
    examined.client("lambda").delete_function(FunctionName=NAMES.orchestrator)
    yield
    examined.make_function(NAMES.orchestrator)


def a_setting_that_the_function_lacks(examined: Examined) -> Iterator[None]:
    left = {name: value for name, value in examined.orchestrators.items() if name != "LAUNCH_TEMPLATE_ID"}
    examined.set_variables(NAMES.orchestrator, left)
    yield
    examined.set_variables(NAMES.orchestrator, examined.orchestrators)


def an_old_runtime(examined: Examined) -> Iterator[None]:
    functions = examined.client("lambda")
    functions.update_function_configuration(FunctionName=NAMES.api, Runtime="python3.11")
    yield
    functions.update_function_configuration(FunctionName=NAMES.api, Runtime="python3.13")


def a_function_of_another_release(examined: Examined) -> Iterator[None]:
    functions = examined.client("lambda")
    functions.update_function_configuration(FunctionName=NAMES.api, Description="An example (99.0.0)")
    yield
    functions.update_function_configuration(FunctionName=NAMES.api, Description="An example")


@contextmanager
def variables(examined: Examined, **other: str) -> Iterator[None]:
    """The orchestrator's environment with other values."""
    examined.set_variables(NAMES.orchestrator, examined.orchestrators | other)
    yield
    examined.set_variables(NAMES.orchestrator, examined.orchestrators)


def no_image_parameter(examined: Examined) -> Iterator[None]:
    examined.client("ssm").delete_parameter(Name=IMAGE_PARAMETER)
    yield
    examined.put_parameter(IMAGE_PARAMETER, examined.image)


def an_image_that_is_gone(examined: Examined) -> Iterator[None]:
    examined.put_parameter(IMAGE_PARAMETER, "ami-0123456789abcdef1")
    yield
    examined.put_parameter(IMAGE_PARAMETER, examined.image)


def neither_image(examined: Examined) -> Iterator[None]:
    examined.put_parameter(IMAGE_PARAMETER, "none")
    yield
    examined.put_parameter(IMAGE_PARAMETER, examined.image)


@contextmanager
def tagged(examined: Examined, **tags: str) -> Iterator[None]:
    """An image with other tags."""
    before = examined.image
    examined.make_image(**{name.replace("_", "-"): value for name, value in tags.items()})
    yield
    examined.image = before
    examined.put_parameter(IMAGE_PARAMETER, before)


def an_untested_image(examined: Examined) -> Iterator[None]:
    with tagged(examined, transcribe_self_test_passed="false"):
        yield


def an_image_for_another_kind_of_machine(examined: Examined) -> Iterator[None]:
    def change(parsed: dict[str, Any], **_: object) -> None:
        parsed["Images"][0]["Architecture"] = "arm64"

    events, event = examined.client("ec2").meta.events, "after-call.ec2.DescribeImages"
    events.register(event, change)
    yield
    events.unregister(event, change)


def an_image_for_another_lifetime(examined: Examined) -> Iterator[None]:
    with tagged(examined, transcribe_lifetime_minutes="60"):
        yield


def an_image_without_the_model(examined: Examined) -> Iterator[None]:
    with tagged(examined, transcribe_models="another"):
        yield


def a_type_that_no_zone_has(examined: Examined) -> Iterator[None]:
    with variables(examined, INSTANCE_TYPES="g4dn.xlarge,g99.huge"):
        yield


def no_type_that_a_zone_has(examined: Examined) -> Iterator[None]:
    with variables(examined, INSTANCE_TYPES="g99.huge"):
        yield


def a_subnet_that_is_gone(examined: Examined) -> Iterator[None]:
    with variables(examined, SUBNET_IDS="subnet-0123456789abcdef0"):
        yield


def no_notification(examined: Examined) -> Iterator[None]:
    empty: dict[str, Any] = {}
    examined.client("s3").put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=empty)
    yield
    examined.announce_uploads()


def a_notification_of_some_uploads(examined: Examined) -> Iterator[None]:
    examined.announce_uploads("uploads/acme/")
    yield
    examined.announce_uploads()


def a_queue_that_another_bucket_may_tell(examined: Examined) -> Iterator[None]:
    examined.let_bucket_tell("another")
    yield
    examined.let_bucket_tell()


def a_queue_that_another_service_may_tell(examined: Examined) -> Iterator[None]:
    examined.let_bucket_tell(service="sns.amazonaws.com")
    yield
    examined.let_bucket_tell()


def a_mapping_that_is_off(examined: Examined) -> Iterator[None]:
    functions = examined.client("lambda")
    functions.update_event_source_mapping(UUID=examined.mapping, Enabled=False)
    yield
    functions.update_event_source_mapping(UUID=examined.mapping, Enabled=True)


def no_mapping(examined: Examined) -> Iterator[None]:
    examined.client("lambda").delete_event_source_mapping(UUID=examined.mapping)
    yield
    examined.make_mapping()


def a_schedule_that_is_off(examined: Examined) -> Iterator[None]:
    events = examined.client("events")
    events.disable_rule(Name=NAMES.sweep_rule)
    yield
    events.enable_rule(Name=NAMES.sweep_rule)


def a_schedule_that_calls_nobody(examined: Examined) -> Iterator[None]:
    examined.client("events").remove_targets(Rule=NAMES.sweep_rule, Ids=["sweep"])
    yield
    examined.make_schedule()


def a_schedule_that_may_call_nobody(examined: Examined) -> Iterator[None]:
    examined.client("lambda").remove_permission(FunctionName=NAMES.orchestrator, StatementId="sweep")
    yield
    examined.let_schedule_call()


def a_schedule_in_whose_place_another_may_call(examined: Examined) -> Iterator[None]:
    functions = examined.client("lambda")
    functions.remove_permission(FunctionName=NAMES.orchestrator, StatementId="sweep")
    examined.let_schedule_call("another")
    yield
    functions.remove_permission(FunctionName=NAMES.orchestrator, StatementId="sweep")
    examined.let_schedule_call()


def a_table_that_forgets_nothing(examined: Examined) -> Iterator[None]:
    examined.let_expire(enabled=False)
    yield
    examined.let_expire(enabled=True)


def no_backups(examined: Examined) -> Iterator[None]:
    examined.back_up(enabled=False)
    yield
    examined.back_up(enabled=True)


def a_public_bucket(examined: Examined) -> Iterator[None]:
    open_ = dict.fromkeys(PUBLIC_ACCESS, True) | {"BlockPublicPolicy": False}
    examined.client("s3").put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=open_)
    yield
    examined.guard_bucket()


def a_bucket_without_a_policy(examined: Examined) -> Iterator[None]:
    examined.client("s3").delete_bucket_policy(Bucket=BUCKET)
    yield
    examined.guard_bucket()


def results_that_are_kept_for_ever(examined: Examined) -> Iterator[None]:
    examined.expire("uploads/", "work/")
    yield
    examined.guard_bucket()


def a_key_that_is_off(examined: Examined) -> Iterator[None]:
    examined.client("kms").disable_key(KeyId=examined.key_id)
    yield
    examined.client("kms").enable_key(KeyId=examined.key_id)


def a_key_that_is_about_to_be_deleted(examined: Examined) -> Iterator[None]:
    examined.client("kms").schedule_key_deletion(KeyId=examined.key_id)
    yield
    examined.client("kms").cancel_key_deletion(KeyId=examined.key_id)
    examined.client("kms").enable_key(KeyId=examined.key_id)


def a_function_that_is_switched_off(examined: Examined) -> Iterator[None]:
    functions = examined.client("lambda")
    functions.put_function_concurrency(FunctionName=NAMES.orchestrator, ReservedConcurrentExecutions=0)
    yield
    functions.delete_function_concurrency(FunctionName=NAMES.orchestrator)


def a_dead_letter(examined: Examined) -> Iterator[None]:
    url = examined.queue_url(NAMES.dead_letters)
    examined.client("sqs").send_message(QueueUrl=url, MessageBody="an upload")
    yield
    examined.client("sqs").purge_queue(QueueUrl=url)


@contextmanager
def lying(examined: Examined, *items: dict[str, Any]) -> Iterator[None]:
    """Items that lie in the table meanwhile."""
    commit(examined, *(Put(item=item) for item in items))
    yield
    commit(examined, *(Delete(key=(item["pk"], item["sk"])) for item in items))


def an_open_breaker(examined: Examined) -> Iterator[None]:
    opened = Breaker(silent_boots=3, open_until=now_ms() + HOUR_MS, reason="Client.InternalError.")
    with lying(examined, to_item(opened, pk=keys.BREAKER[0], sk=keys.BREAKER[1])):
        yield


def a_machine_that_never_reported(examined: Examined) -> Iterator[None]:
    with lying(examined, to_item(Breaker(silent_boots=1), pk=keys.BREAKER[0], sk=keys.BREAKER[1])):
        yield


def a_job(created_at: int, **more: Any) -> Job:
    usual = {"job_id": "job_1", "client_id": "acme", "status": JobStatus.QUEUED, "created_at": created_at}
    return Job(**{**usual, "source_key": "uploads/acme/job_1/a.wav", "file_name": "a.wav", **more})


def waiting(examined: Examined, since: int, **more: Any) -> Iterator[None]:
    part = Part(
        job_id="job_1",
        part_id=FIRST_PART,
        status=PartStatus.QUEUED,
        client_id="acme",
        created_at=since,
        due_at=since,
    )
    with lying(examined, item_of(a_job(since, **more)), item_of(part)):
        yield


def a_job_that_waits_for_a_quota(examined: Examined) -> Iterator[None]:
    yield from waiting(examined, now_ms(), waiting=Waiting.QUOTA, waiting_reason="MaxSpotInstanceCountExceeded")


def a_job_that_has_waited_for_hours(examined: Examined) -> Iterator[None]:
    yield from waiting(examined, now_ms() - 3 * HOUR_MS)


def a_callback(**more: Any) -> Callback:
    usual: dict[str, Any] = {"callback_id": "cb_1", "client_id": "acme", "url": "https://hooks.example.com/"}
    return Callback(**{**usual, "events": ["transcription.completed"], **more})


def a_disabled_callback(examined: Examined) -> Iterator[None]:
    off = a_callback(status=CallbackStatus.DISABLED, disabled_reason="it answered 410")
    with lying(examined, item_of(off)):
        yield


def a_callback_that_has_failed_for_a_day(examined: Examined) -> Iterator[None]:
    with lying(examined, item_of(a_callback(failing_since=now_ms() - DAY_MS))):
        yield


def a_job_that_has_waited_longer_than_the_alarm_lets_it(examined: Examined) -> Iterator[None]:
    examined.put_alarm(ALARM, Threshold=20 * 60)
    yield from waiting(examined, now_ms() - 25 * MINUTE_MS)
    examined.put_alarm(ALARM)


def a_message_that_was_given_up(examined: Examined) -> Iterator[None]:
    made = now_ms() - 4 * DAY_MS
    given_up = Delivery(
        job_id="job_1",
        event_id="evt_1",
        event_type="transcription.completed",
        client_id="acme",
        callback_id="cb_1",
        status=DeliveryStatus.EXHAUSTED,
    )
    job = a_job(made, status=JobStatus.COMPLETED)
    with lying(examined, item_of(a_callback()), item_of(job), item_of(given_up)):
        yield


def no_log(examined: Examined) -> Iterator[None]:
    examined.forget_log()
    yield
    examined.write_sweep()


def a_log_without_a_sweep(examined: Examined) -> Iterator[None]:
    examined.forget_log()
    examined.write_log("[ERROR] Runtime.ImportModuleError: Unable to import module 'services.orchestrator.handler'")
    yield
    examined.forget_log()
    examined.write_sweep()


def a_sweep_with_a_step_that_fails(examined: Examined) -> Iterator[None]:
    examined.write_log(json.dumps({"event": "sweep.failed", "step": "reaper", "exception": "Traceback\nAccessDenied"}))
    yield
    examined.forget_log()
    examined.write_sweep()


def an_api_that_fails(examined: Examined) -> Iterator[None]:
    examined.write_log(json.dumps({"event": "request.failed", "exception": "Traceback\nKeyError"}), API_LOG_GROUP)
    yield
    examined.forget_log(API_LOG_GROUP)
    examined.make_log(API_LOG_GROUP)


def an_alarm_that_rings(examined: Examined) -> Iterator[None]:
    examined.set_alarm("ALARM")
    yield
    examined.set_alarm("OK")


def an_alarm_that_rings_of_another_deployment(examined: Examined) -> Iterator[None]:
    """Its name is as if it were of `news-desk-eu-north-1`."""
    other = f"{NAMES.alarms}{REGION}-work-stalled"
    examined.put_alarm(other)
    examined.client("cloudwatch").set_alarm_state(AlarmName=other, StateValue="ALARM", StateReason="a test")
    yield
    examined.client("cloudwatch").delete_alarms(AlarmNames=[other])


def no_alarms(examined: Examined) -> Iterator[None]:
    examined.client("cloudwatch").delete_alarms(AlarmNames=[f"{NAMES.alarms}{name}" for name in ALARMS])
    yield
    examined.make_alarm()


def an_alarm_that_is_gone(examined: Examined) -> Iterator[None]:
    examined.client("cloudwatch").delete_alarms(AlarmNames=[ALARM])
    yield
    examined.put_alarm(ALARM)


def an_alarm_that_is_muted(examined: Examined) -> Iterator[None]:
    examined.client("cloudwatch").disable_alarm_actions(AlarmNames=[ALARM])
    yield
    examined.client("cloudwatch").enable_alarm_actions(AlarmNames=[ALARM])


def alarms_that_nobody_hears(examined: Examined) -> Iterator[None]:
    examined.client("sns").unsubscribe(SubscriptionArn=examined.subscription)
    yield
    examined.make_alarm()


def a_table_without_an_index(examined: Examined) -> Iterator[None]:
    dynamodb = examined.client("dynamodb")
    dynamodb.update_table(TableName=NAMES.table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "due"}}])
    yield
    due = next(index for index in TABLE_SHAPE["GlobalSecondaryIndexes"] if index["IndexName"] == "due")
    dynamodb.update_table(
        TableName=NAMES.table,
        AttributeDefinitions=TABLE_SHAPE["AttributeDefinitions"],
        GlobalSecondaryIndexUpdates=[{"Create": due}],
    )


BROKEN: dict[Broken, dict[str, str]] = {
    no_spot_role: {"spot role": "warning"},
    no_parameter: {"settings": "wrong"},
    a_parameter_that_lacks_the_models: {"settings": "wrong"},
    a_parameter_that_is_no_document: {"settings": "wrong"},
    a_setting_that_the_function_lacks: {"orchestrator": "wrong"},
    a_function_of_another_release: {"API function": "warning"},
    an_old_runtime: {"API function": "wrong"},
    no_image_parameter: {"image": "wrong"},
    an_image_that_is_gone: {"image": "wrong"},
    neither_image: {"image": "wrong"},
    an_untested_image: {"image": "warning"},
    an_image_for_another_kind_of_machine: {"image": "wrong"},
    an_image_for_another_lifetime: {"image": "warning"},
    an_image_without_the_model: {"image": "warning"},
    a_type_that_no_zone_has: {"machine types": "warning"},
    no_type_that_a_zone_has: {"machine types": "wrong"},
    a_subnet_that_is_gone: {"machine types": "wrong"},
    no_notification: {"notification": "wrong"},
    a_notification_of_some_uploads: {"notification": "wrong"},
    a_queue_that_another_bucket_may_tell: {"notification": "wrong"},
    a_queue_that_another_service_may_tell: {"notification": "wrong"},
    a_mapping_that_is_off: {"mapping": "wrong"},
    no_mapping: {"mapping": "wrong"},
    a_schedule_that_is_off: {"schedule": "wrong"},
    a_schedule_that_calls_nobody: {"schedule": "wrong"},
    a_schedule_that_may_call_nobody: {"schedule": "wrong"},
    a_schedule_in_whose_place_another_may_call: {"schedule": "wrong"},
    a_table_without_an_index: {"table": "wrong", "oldest waiting job": "unknown"},
    a_table_that_forgets_nothing: {"table's expiry": "wrong"},
    no_backups: {"table's backups": "wrong"},
    a_public_bucket: {"bucket's access": "wrong"},
    a_bucket_without_a_policy: {"bucket's access": "wrong"},
    results_that_are_kept_for_ever: {"bucket's lifecycle": "wrong"},
    a_key_that_is_off: {"webhook key": "wrong"},
    a_key_that_is_about_to_be_deleted: {"webhook key": "wrong"},
    a_function_that_is_switched_off: {"function concurrency": "wrong"},
    a_dead_letter: {"dead letters": "wrong"},
    an_open_breaker: {"breaker": "wrong"},
    a_machine_that_never_reported: {"breaker": "warning"},
    a_job_that_waits_for_a_quota: {"oldest waiting job": "warning"},
    a_job_that_has_waited_for_hours: {"oldest waiting job": "wrong"},
    a_job_that_has_waited_longer_than_the_alarm_lets_it: {"oldest waiting job": "wrong"},
    a_disabled_callback: {"callbacks": "warning"},
    a_callback_that_has_failed_for_a_day: {"callbacks": "warning"},
    a_message_that_was_given_up: {"exhausted deliveries": "warning"},
    no_log: {"last sweep": "wrong"},
    a_log_without_a_sweep: {"last sweep": "wrong"},
    a_sweep_with_a_step_that_fails: {"last sweep": "warning"},
    an_api_that_fails: {"API's log": "warning"},
    an_alarm_that_rings: {"alarms": "wrong"},
    an_alarm_that_rings_of_another_deployment: {},
    no_alarms: {"alarms": "warning", "alarms' subscribers": "warning"},
    an_alarm_that_is_gone: {"alarms": "warning"},
    an_alarm_that_is_muted: {"alarms' subscribers": "warning"},
    alarms_that_nobody_hears: {"alarms' subscribers": "warning"},
    no_orchestrator: {
        "orchestrator": "wrong",
        "schedule": "wrong",
        **dict.fromkeys(("spot quota", "on-demand quota", "machine types", "image"), "unknown"),
    },
}


WORDS: dict[Broken, str] = {
    an_alarm_that_is_gone: "these are gone: work-stalled.",
    a_key_that_is_about_to_be_deleted: f"--region {REGION} && aws kms enable-key --key-id ",
    a_function_of_another_release: f"is of release 99.0.0, and this command of {version()}.",
    a_setting_that_the_function_lacks: "LAUNCH_TEMPLATE_ID: field required.",
    a_job_that_waits_for_a_quota: "for quota: MaxSpotInstanceCountExceeded.",
    a_callback_that_has_failed_for_a_day: "cb_1 of acme has taken nothing since 20",
    a_message_that_was_given_up: "of 1 jobs that were made 3 to 14 days ago: 1 of acme to cb_1. When the receiver is "
    "mended, with a key of acme: `transcribe redeliver job_1 evt_1.cb_1`",
    a_log_without_a_sweep: "for 15 minutes. Its log's last complaint: [ERROR] Runtime.ImportModuleError",
    a_sweep_with_a_step_that_fails: "complaint: sweep.failed (reaper) AccessDenied",
}
"""What is said of these, remedy and all."""


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_what_is_broken_is_told_in_its_own_line_and_in_no_other_with_a_command_that_there_is(
    patient: Patient, examined: Examined, broken: Broken
) -> None:
    with contextmanager(broken)(examined):
        found = {name: one for name, one in examine(patient).items() if one.level is not Level.OK}
    assert {name: one.level.word for name, one in found.items()} == BROKEN[broken]
    assert WORDS.get(broken, "") in " ".join(f"{one.sentence} {one.remedy}" for one in found.values())
    for one in found.values():
        assert one.level is Level.UNKNOWN or one.remedy
        for command in re.findall(r"\baws [a-z](?:(?! &&|`).)*", one.remedy):
            assert_known(command)
            assert command.endswith(f"--region {REGION}")
        for told in re.findall(r"python -m tools.images (.*?)(?:, or|$)", one.remedy):
            whose, rest = images._parse(shlex.split(told))
            assert (whose.deployment, whose.region, whose.parameter) == (NAMES.deployment, REGION, IMAGE_PARAMETER)
            assert rest == []
        assert set(re.findall(r"\btranscribe (\w+)", one.remedy)) <= Transcribe.entries.keys()


@cache
def model(service: str) -> ServiceModel:
    """What AWS's programs know of a service; to read it takes long."""
    return botocore.session.get_session().get_service_model(service)


def assert_known(command: str) -> None:
    """AWS's command line takes such a command: this service, this operation and these options."""
    _, service, operation, *rest = shlex.split(command)
    if (service, operation) == ("logs", "tail"):
        return  # a command that only AWS's command line has
    names = {botocore.xform_name(name, "-"): name for name in model(service).operation_names}
    shape: Any = model(service).operation_model(names[operation]).input_shape
    options = {botocore.xform_name(name, "-") for name in shape.members} | {
        "overwrite",
        "no-overwrite",
        "enabled",
        "region",
    }
    assert {word.removeprefix("--") for word in rest if word.startswith("--")} <= options, command


def test_a_deployment_that_lacks_nothing_has_a_line_for_everything_and_no_remedies(
    patient: Patient, examined: Examined
) -> None:
    calls = set[str]()
    with each_call(patient, calls.add):
        found = examine(patient)
    assert {name for name, one in found.items() if one.level is not Level.OK or one.remedy} == set()
    assert found.keys() == examination.FIRST.keys() | examination.THEN.keys()
    assert calls == RIGHTS.keys() | {"GetCallerIdentity"}


@contextmanager
def each_call(patient: Patient, tell: Callable[[str], object]) -> Iterator[None]:
    """Tell of each call by its operation, before it is made; what `tell` raises is AWS's answer."""

    def before(model: Any, **_: object) -> None:
        tell(model.name)

    services = {right.partition(":")[0] for right in RIGHTS.values()} - {"servicequotas"}
    clients = [patient.client(service) for service in (services | {"service-quotas", "sts"})]
    for client in clients:
        client.meta.events.register("before-call", before)
    yield
    for client in clients:
        client.meta.events.unregister("before-call", before)


@pytest.mark.parametrize(("code", "status"), [("AccessDeniedException", 400), ("AuthorizationError", 403)])
def test_without_any_right_every_line_names_the_one_that_it_lacks_and_none_is_wrong(
    patient: Patient, examined: Examined, code: str, status: int
) -> None:
    def deny(operation: str) -> None:
        if operation in RIGHTS:
            raise refused(code, operation, status)

    with each_call(patient, deny):
        found = examine(patient)
    assert {one.level for name, one in found.items() if name not in examination.FIRST} == {Level.UNKNOWN}
    named = set(re.findall(r"the right (\S+)\.", " ".join(one.sentence for one in found.values())))
    assert named < set(RIGHTS.values())
    assert len(named) > 10
    assert {one.remedy for one in found.values()} >= {f"Allow {right} to them." for right in named}


@pytest.mark.parametrize(
    ("denied", "unseen"),
    [
        ("DescribeAlarms", ("alarms", "alarms' subscribers")),
        ("GetParameter", ("settings", "image")),
        ("GetPolicy", ("schedule",)),
        ("ListEventSourceMappings", ("mapping", "function concurrency")),
    ],
)
def test_one_right_that_is_missing_hides_only_what_needs_it(
    patient: Patient, examined: Examined, denied: str, unseen: tuple[str, ...]
) -> None:
    def deny(operation: str) -> None:
        if operation == denied:
            raise refused("AccessDenied", operation, 403)

    with each_call(patient, deny):
        assert lines(patient) == dict.fromkeys(unseen, "unknown")


def test_an_account_without_a_deployment_is_examined_to_the_end(
    emulator: Emulator, patient: Patient, examined: Examined
) -> None:
    nothing = examine(Patient(emulator.session, replace(NAMES, deployment="nowhere")))
    assert {one.level for one in nothing.values()} >= {Level.WRONG, Level.UNKNOWN}
    assert nothing["settings"].sentence == (
        "There is no parameter /nowhere/worker: no deployment of this name was applied in this region."
    )
    assert nothing["settings"].remedy == APPLY
    assert [one.sentence for one in nothing.values() if re.search("mistake of the program|refuses", one.sentence)] == []
    assert {nothing[name].level for name in ("spot quota", "function concurrency")} == {Level.OK}, "by the defaults"


def test_a_deployment_without_an_api_or_an_image_of_its_own_lacks_nothing(patient: Patient, examined: Examined) -> None:
    examined.put_parameter(FALLBACK_PARAMETER, examined.image)
    examined.put_parameter(IMAGE_PARAMETER, "none")
    with variables(examined, PUBLIC_URL=""):
        assert lines(patient) == {}
    examined.put_parameter(IMAGE_PARAMETER, examined.image)
    examined.client("ssm").delete_parameter(Name=FALLBACK_PARAMETER)


def test_an_api_that_answers_otherwise_is_wrong(patient: Patient, examined: Examined, replies: Replies) -> None:
    replies.by_request[HEALTH] = 503, None
    found = lines(patient)
    replies.by_request[HEALTH] = 200, {"status": "ok"}
    assert found == {"API": "wrong"}


@pytest.mark.parametrize(
    ("spot", "on_demand", "minutes", "told"),
    [
        (0, 0, "0", {"spot quota": "wrong"}),
        (8, 0, "0", {"spot quota": "warning"}),
        (0, 64, "10", {"spot quota": "warning"}),
        (64, 0, "10", {"on-demand quota": "wrong"}),
        (64, 8, "10", {"on-demand quota": "warning"}),
    ],
)
def test_a_quota_counts_as_far_as_the_deployment_needs_it(  # noqa: PLR0917 - the fixtures are three of them
    emulator: Emulator,
    patient: Patient,
    examined: Examined,
    spot: int,
    on_demand: int,
    minutes: str,
    told: dict[str, str],
) -> None:
    with (
        variables(examined, ON_DEMAND_AFTER_MINUTES=minutes),
        quotas(emulator, **{"spot": spot, "on-demand": on_demand}),
    ):
        found = examine(patient)
    assert {name: one.level.word for name, one in found.items() if one.level is not Level.OK} == told
    (name,) = told
    assert found[name].remedy.endswith(f"--desired-value 16 --region {REGION}")


def test_a_spot_quota_that_not_all_types_count_against_keeps_no_machine_from_starting(
    emulator: Emulator, patient: Patient, examined: Examined
) -> None:
    types = {"INSTANCE_TYPES": "g4dn.xlarge,p3.2xlarge", "ON_DEMAND_AFTER_MINUTES": "0"}
    with variables(examined, **types), quotas(emulator, spot=0):
        found = examine(patient)
    assert found["spot quota"].level is Level.WARNING


def test_settings_that_lambda_does_not_show_are_unknown(
    patient: Patient, examined: Examined, request: pytest.FixtureRequest
) -> None:
    def hide(parsed: dict[str, Any], **_: object) -> None:
        parsed["Environment"] = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "no kms:Decrypt"}}

    events, event = patient.client("lambda").meta.events, "after-call.lambda.GetFunctionConfiguration"
    events.register(event, hide)
    request.addfinalizer(lambda: events.unregister(event, hide))
    found = {name: one for name, one in examine(patient).items() if one.level is not Level.OK}
    assert {one.level for one in found.values()} == {Level.UNKNOWN}
    assert found["orchestrator"].sentence.endswith(f"the settings of {NAMES.orchestrator}: no kms:Decrypt")


def test_a_function_with_another_package_than_the_one_that_was_built_is_told(
    patient: Patient, examined: Examined, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/orchestrator.zip").write_bytes(PACKAGE)
    assert lines(patient) == {}
    (tmp_path / "dist/orchestrator.zip").write_bytes(b"another")
    assert lines(Patient(boto3.session.Session(), NAMES)) == {"orchestrator": "warning"}


def test_a_check_that_takes_too_long_or_breaks_hides_no_other(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    over = threading.Event()

    def slow(_: Patient) -> Finding:
        over.wait()
        return ok("too late")

    def broken(_: Patient) -> Finding:
        raise KeyError("x")

    monkeypatch.setattr(examination, "SECONDS", 0.5)
    monkeypatch.setattr(examination, "THEN", {"slow": slow, "broken": broken, "quick": lambda _: ok("there")})
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = examine(patient)
    over.set()
    assert [found[name].level for name in ("slow", "broken", "quick")] == [Level.UNKNOWN, Level.UNKNOWN, Level.OK]
    assert "0.5 seconds" in found["slow"].sentence
    assert "mistake of the program" in found["broken"].sentence


def test_if_aws_does_not_answer_at_all_that_is_wrong(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def slow(_: Patient) -> Finding:
        over.wait()
        return ok("too late")

    monkeypatch.setattr(examination, "SECONDS", 0.1)
    monkeypatch.setattr(examination, "FIRST", {"credentials": slow})
    found = examine(patient)
    over.set()
    assert {name: one.level for name, one in found.items()} == {"credentials": Level.WRONG}


def test_without_credentials_nothing_else_is_looked_at(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    found = examine(Patient(boto3.session.Session(region_name=REGION), NAMES))
    assert found.keys() == {"credentials", "clock"}
    assert found["credentials"].level is Level.WRONG
    assert "aws configure" in found["credentials"].remedy


class Told:
    """Plays STS, whose clock is so many seconds behind this machine's."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def client(self, _: str) -> Told:
        return self

    def get_caller_identity(self) -> dict[str, Any]:
        return {"ResponseMetadata": {"HTTPHeaders": {"date": formatdate(time.time() - self._seconds)}}}


@pytest.mark.parametrize(
    ("seconds", "level"), [(0, Level.OK), (100, Level.WARNING), (-100, Level.WARNING), (900, Level.WRONG)]
)
def test_a_clock_that_is_off_is_told_before_aws_refuses_requests(seconds: int, level: Level) -> None:
    found = clock(cast("Patient", Told(seconds)))
    assert found.level is level
    assert level is Level.OK or ("ahead" if seconds > 0 else "behind") in found.sentence


@pytest.fixture
def shell(emulator: Emulator, patient: Patient, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The variables of an operator."""
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("TABLE_NAME", NAMES.table)
    monkeypatch.delenv("CONFIG_PARAMETER", raising=False)
    deployment.settings.cache_clear()
    yield
    deployment.settings.cache_clear()


@pytest.mark.usefixtures("shell")
def test_the_command_prints_a_line_for_each_finding_and_ends_with_0(examined: Examined) -> None:
    done = CliRunner().invoke(app, ["doctor"], catch_exceptions=False)
    assert done.exit_code == Exit.DONE, done.output
    assert {line.split()[0] for line in done.stdout.splitlines()} == {"ok"}
    assert done.stderr == f"{len(done.stdout.splitlines())} ok\n"


@pytest.mark.usefixtures("shell")
def test_if_something_is_wrong_the_command_says_what_mends_it_and_ends_with_1(examined: Examined) -> None:
    with contextmanager(a_mapping_that_is_off)(examined):
        people = CliRunner().invoke(app, ["doctor", "--deployment", "news-desk"], catch_exceptions=False)
        programs = CliRunner().invoke(app, ["doctor", "--json"], catch_exceptions=False)
    remedy = f"aws lambda update-event-source-mapping --uuid {examined.mapping} --enabled --region {REGION}"
    assert (people.exit_code, programs.exit_code) == (Exit.FAILED, Exit.FAILED)
    assert f"→ {remedy}" in people.stdout
    told = json.loads(programs.stdout)
    assert (told["deployment"], told["region"], told["worst"]) == ("news-desk", REGION, "wrong")
    (finding,) = [one for one in told["findings"] if one["level"] != "ok"]
    assert (finding["name"], finding["remedy"]) == ("mapping", remedy)


@pytest.mark.usefixtures("shell")
def test_another_deployments_table_is_told(examined: Examined, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", "another-jobs")
    monkeypatch.setenv("CONFIG_PARAMETER", NAMES.config_parameter)
    deployment.settings.cache_clear()
    done = CliRunner().invoke(app, ["doctor", "--json"], catch_exceptions=False)
    (finding,) = [one for one in json.loads(done.stdout)["findings"] if one["level"] != "ok"]
    assert (finding["name"], finding["level"]) == ("settings", "wrong")
    assert "another-jobs" in finding["sentence"]
