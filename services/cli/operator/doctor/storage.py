"""Checks of the table, the bucket and the key of webhook secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.cli.operator.doctor.findings import Finding, judged, ok, wrong
from services.cli.operator.doctor.policies import statements, words
from services.cli.operator.doctor.rights import found
from services.common.domain import object_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.cli.operator.doctor.patient import Patient

INDEXES = {"due": ("due_kind", "due_at"), "by_client": ("client_id", "sort")}
EXPIRES = "expires_at"
ACTIVE = ("ACTIVE", "UPDATING")
"""What can be read and written."""


def table(patient: Patient) -> Finding:
    """Whether the table and both its indexes can be used."""
    name = patient.table_name
    reply = found(patient.client("dynamodb").describe_table, TableName=name)
    if reply is None:
        return wrong(f"There is no table {name}.")
    told = reply["Table"]
    faults = [] if told["TableStatus"] in ACTIVE else [f"The table {name} is {told['TableStatus']}."]
    indexes = {index["IndexName"]: index for index in told.get("GlobalSecondaryIndexes", [])}
    for index, keys in INDEXES.items():
        if index not in indexes:
            faults.append(f"The table has no index {index}.")
        elif tuple(key["AttributeName"] for key in indexes[index]["KeySchema"]) != keys:
            faults.append(f"The index {index} is not by {' and '.join(keys)}.")
        elif indexes[index].get("IndexStatus") not in ACTIVE:
            faults.append(f"The index {index} is {indexes[index].get('IndexStatus')}.")
    return judged(faults, f"The table {name} and its indexes can be used.")


def expiry(patient: Patient) -> Finding:
    """Whether the table forgets what is past its time."""
    told = patient.client("dynamodb").describe_time_to_live(TableName=patient.table_name)["TimeToLiveDescription"]
    if told.get("TimeToLiveStatus") in ("ENABLED", "ENABLING") and told.get("AttributeName") == EXPIRES:
        return ok("The table forgets jobs that are older than they are kept.")
    return wrong(f"Time to live by {EXPIRES} is off: the table forgets nothing, so jobs are kept for ever.")


def backups(patient: Patient) -> Finding:
    """Whether the table can be brought back as it was at any moment."""
    reply = patient.client("dynamodb").describe_continuous_backups(TableName=patient.table_name)
    told = reply["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    if told.get("PointInTimeRecoveryStatus") == "ENABLED":
        return ok("The table can be brought back as it was at any moment of the last weeks.")
    return wrong("Point-in-time recovery is off: what is lost in the table cannot be brought back.")


def access(patient: Patient) -> Finding:
    """Whether the bucket is closed to the world and to whoever speaks without TLS."""
    bucket, s3 = patient.setting("BUCKET_NAME"), patient.client("s3")
    block = found(s3.get_public_access_block, Bucket=bucket) or {}
    settings = block.get("PublicAccessBlockConfiguration", {})
    closed = len(settings) > 0 and all(settings.values())
    faults = [] if closed else [f"The bucket {bucket} does not refuse to be made public."]
    policy = found(s3.get_bucket_policy, Bucket=bucket) or {}
    if not any(map(_denies_without_tls, statements(policy.get("Policy")))):
        faults.append(f"The bucket {bucket} lets in requests without TLS.")
    return judged(faults, f"The bucket {bucket} is closed to the world, and to requests without TLS.")


def lifecycle(patient: Patient) -> Finding:
    """Whether S3 deletes in the end what nobody else has deleted."""
    bucket = patient.setting("BUCKET_NAME")
    reply = found(patient.client("s3").get_bucket_lifecycle_configuration, Bucket=bucket) or {}
    rules = [rule for rule in reply.get("Rules", []) if rule["Status"] == "Enabled"]
    expiring = {_prefix(rule) for rule in rules if "Days" in rule.get("Expiration", {})}
    prefixes = (object_keys.UPLOADS, object_keys.RESULTS, object_keys.WORK)
    faults = [f"Nothing below {prefix} ever expires." for prefix in prefixes if not expiring & {prefix, ""}]
    if not any("AbortIncompleteMultipartUpload" in rule for rule in rules):
        faults.append("Uploads in parts that were given up are kept, and paid for.")
    return judged(faults, "S3 deletes in the end what nobody else has deleted.")


def key(patient: Patient) -> Finding:
    """Whether the secrets of callbacks can be opened."""
    key_id = patient.setting("SECRETS_KEY_ID")
    reply = found(patient.client("kms").describe_key, KeyId=key_id)
    if reply is None:
        return wrong(f"The key of webhook secrets, {key_id}, is gone: no webhook can be signed.")
    state = reply["KeyMetadata"]["KeyState"]
    if state == "Enabled":
        return ok("The key of webhook secrets can be used.")
    remedy = patient.aws(f"kms enable-key --key-id {key_id}")
    if state == "PendingDeletion":  # which leaves it disabled
        remedy = f"{patient.aws(f'kms cancel-key-deletion --key-id {key_id}')} && {remedy}"
    return wrong(f"The key of webhook secrets is {state}: no webhook can be signed.", remedy)


def _denies_without_tls(statement: Mapping[str, Any]) -> bool:
    told = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
    return statement["Effect"] == "Deny" and words(str(told).lower() if isinstance(told, bool) else told) == ["false"]


def _prefix(rule: Mapping[str, Any]) -> str:
    return str(rule.get("Filter", {}).get("Prefix", rule.get("Prefix", "")))


CHECKS = {
    "table": table,
    "table's expiry": expiry,
    "table's backups": backups,
    "bucket's access": access,
    "bucket's lifecycle": lifecycle,
    "webhook key": key,
}
