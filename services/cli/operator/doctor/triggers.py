"""Checks of what calls the orchestrator: the bucket's notification, the queue's mapping and the schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.cli.operator.doctor.findings import Finding, judged, ok, wrong
from services.cli.operator.doctor.policies import lets, statements
from services.cli.operator.doctor.rights import found
from services.common.domain.object_keys import UPLOADS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.cli.operator.doctor.patient import Patient

CREATED = "s3:ObjectCreated:*"


def notification(patient: Patient) -> Finding:
    """Whether S3 tells the queue of every upload, and may."""
    bucket, queue = patient.setting("BUCKET_NAME"), patient.names.queue
    told = found(patient.client("s3").get_bucket_notification_configuration, Bucket=bucket)
    if told is None:
        return wrong(f"There is no bucket {bucket}.")
    arn = patient.queue_arn(queue)
    if not any(_tells(one, arn) for one in told.get("QueueConfigurations", [])):
        return wrong(
            f"The bucket {bucket} does not tell {queue} of uploads: they become no jobs until the search finds them."
        )
    source = patient.bucket_arn(bucket)
    if not any(lets(one, "s3.amazonaws.com", "sqs:SendMessage", source) for one in _queue_policy(patient, queue)):
        return wrong(f"The policy of the queue {queue} does not let the bucket tell it of uploads.")
    return ok(f"The bucket tells {queue} of every upload.")


def mapping(patient: Patient) -> Finding:
    """Whether the queue calls the orchestrator."""
    told, queue = patient.mapping(), patient.names.queue
    if told is None:
        return wrong(f"Nothing leads from the queue {queue} to {patient.names.orchestrator}: uploads wait.")
    if told["State"] in ("Enabled", "Enabling", "Creating"):
        return ok(f"The queue calls {patient.names.orchestrator}.")
    return wrong(
        f"The mapping from the queue {queue} to the function is switched off ({told['State']}): uploads wait.",
        patient.aws(f"lambda update-event-source-mapping --uuid {told['UUID']} --enabled"),
    )


def schedule(patient: Patient) -> Finding:
    """Whether the sweep is called once a minute, and may be."""
    rule, function = patient.names.sweep_rule, patient.names.orchestrator
    events = patient.client("events")
    told = found(events.describe_rule, Name=rule)
    if told is None:
        return wrong(f"There is no schedule {rule}: nothing that is overdue is seen to.")
    if told["State"] != "ENABLED":
        return wrong(
            f"The schedule {rule} is switched off: nothing that is overdue is seen to.",
            patient.aws(f"events enable-rule --name {rule}"),
        )
    targets = [target["Arn"] for target in events.list_targets_by_rule(Rule=rule)["Targets"]]
    faults = []
    if not any(arn.endswith(f":function:{function}") for arn in targets):
        faults.append(f"The schedule {rule} does not call {function}.")
    policy = found(patient.client("lambda").get_policy, FunctionName=function) or {}
    may = statements(policy.get("Policy"))
    if not any(lets(one, "events.amazonaws.com", "lambda:InvokeFunction", told["Arn"]) for one in may):
        faults.append(f"{function} may not be called by the schedule.")
    return judged(faults, f"The schedule calls {function}: {told['ScheduleExpression']}.")


def _tells(told: Mapping[str, Any], queue_arn: str) -> bool:
    """Whether a notification tells a queue of all uploads."""
    rules = told.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    narrowed = any(not (rule["Name"].lower() == "prefix" and UPLOADS.startswith(rule["Value"])) for rule in rules)
    return told["QueueArn"] == queue_arn and CREATED in told["Events"] and not narrowed


def _queue_policy(patient: Patient, name: str) -> Sequence[Mapping[str, Any]]:
    sqs = patient.client("sqs")
    url = found(sqs.get_queue_url, QueueName=name)
    if url is None:
        return ()
    told = sqs.get_queue_attributes(QueueUrl=url["QueueUrl"], AttributeNames=["Policy"]).get("Attributes", {})
    return statements(told.get("Policy"))


CHECKS = {"notification": notification, "mapping": mapping, "schedule": schedule}
