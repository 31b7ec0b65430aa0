"""What AWS authorises for a recorded call: IAM actions, resources and the condition keys that policies here use.

The mapping follows the Service Authorization Reference of each service
(https://docs.aws.amazon.com/service-authorization/latest/reference/).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACCOUNT, REGION = "123456789012", "eu-north-1"
_EQUALS = re.compile(r"(#?\w+)\s*=\s*(:\w+)")
_PARTITION_KEYS = {None: "pk", "due": "due_kind", "by_client": "client_id"}
_S3_OBJECT = {
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "ListParts": "s3:ListMultipartUploadParts",
    "DeleteObject": "s3:DeleteObject",
}


@dataclass(frozen=True)
class Request:
    """One thing that AWS asks its policies about."""

    action: str
    resource: str
    context: Mapping[str, list[str]] = field(default_factory=dict, hash=False)


def recorded(file: Path) -> Iterator[Request]:
    """The distinct requests of a process's recorded calls.

    Raises:
        LookupError: a call that the mapping does not know; it must be added here.

    """
    seen = set()
    for line in file.read_text(encoding="utf-8").splitlines():
        call = json.loads(line)
        for request in requests_of(call["service"], call["operation"], call["params"]):
            key = (request.action, request.resource, json.dumps(request.context, sort_keys=True))
            if key not in seen:
                seen.add(key)
                yield request


def requests_of(service: str, operation: str, params: dict[str, Any]) -> list[Request]:
    """The requests as which one call is authorised."""
    mapping = {"dynamodb": _dynamodb, "s3": _s3, "ssm": _ssm, "kms": _kms, "ec2": _ec2, "logs": _logs, "sqs": _sqs}
    if service not in mapping:
        raise LookupError(f"{service}:{operation} has no place in tests/support/aws_requests.py yet")
    return mapping[service](operation, params)


def _dynamodb(operation: str, params: dict[str, Any]) -> list[Request]:
    if operation == "TransactWriteItems":
        names = {
            "Put": "PutItem",
            "Update": "UpdateItem",
            "Delete": "DeleteItem",
            "ConditionCheck": "ConditionCheckItem",
        }
        steps = [(names[kind], body) for item in params["TransactItems"] for kind, body in item.items()]
        return [_item(name, body) for name, body in steps]
    if operation == "TransactGetItems":
        return [_item("GetItem", item["Get"]) for item in params["TransactItems"]]
    if operation == "Query":
        index = params.get("IndexName")
        context = {"dynamodb:LeadingKeys": [_queried(params)]}
        if "Select" in params:
            context["dynamodb:Select"] = [params["Select"]]
        return [Request("dynamodb:Query", f"{_table(params)}/index/{index}" if index else _table(params), context)]
    if operation in {"GetItem", "PutItem", "UpdateItem", "DeleteItem"}:
        return [_item(operation, params)]
    raise LookupError(f"dynamodb:{operation} has no place in tests/support/aws_requests.py yet")


def _item(operation: str, params: dict[str, Any]) -> Request:
    key = params.get("Key") or params["Item"]
    return Request(f"dynamodb:{operation}", _table(params), {"dynamodb:LeadingKeys": [key["pk"]["S"]]})


def _table(params: dict[str, Any]) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{params['TableName']}"


def _queried(params: dict[str, Any]) -> str:
    """The partition key that a query asks for, of the table or of its index."""
    key = _PARTITION_KEYS[params.get("IndexName")]
    names = params.get("ExpressionAttributeNames", {})
    for name, value in _EQUALS.findall(params["KeyConditionExpression"]):
        if names.get(name, name) == key:
            return str(params["ExpressionAttributeValues"][value]["S"])
    raise LookupError(f"no partition key in {params['KeyConditionExpression']}")


def _s3(operation: str, params: dict[str, Any]) -> list[Request]:
    bucket = f"arn:aws:s3:::{params['Bucket']}"
    if operation in {"ListObjectsV2", "ListObjects"}:
        return [Request("s3:ListBucket", bucket, {"s3:prefix": [params.get("Prefix", "")]})]
    if operation == "ListMultipartUploads":
        return [Request("s3:ListBucketMultipartUploads", bucket, {"s3:prefix": [params.get("Prefix", "")]})]
    if operation == "DeleteObjects":
        return [Request("s3:DeleteObject", f"{bucket}/{entry['Key']}") for entry in params["Delete"]["Objects"]]
    needed = [_S3_OBJECT[operation]]
    # S3 compares an object only for whoever may read it:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-delete-enforce.html
    if operation in {"DeleteObject", "PutObject"} and "IfMatch" in params:
        needed.append("s3:GetObject")
    return [Request(action, f"{bucket}/{params['Key']}") for action in needed]


def _ssm(operation: str, params: dict[str, Any]) -> list[Request]:
    names = [params["Name"]] if operation == "GetParameter" else params["Names"]
    # Amazon's public parameters belong to no account.
    return [
        Request(
            f"ssm:{operation}", f"arn:aws:ssm:{REGION}:{'' if name.startswith('/aws/') else ACCOUNT}:parameter{name}"
        )
        for name in names
    ]


def _kms(operation: str, params: dict[str, Any]) -> list[Request]:
    context = {f"kms:EncryptionContext:{name}": [value] for name, value in params.get("EncryptionContext", {}).items()}
    return [Request(f"kms:{operation}", params["KeyId"], context)]


def _logs(operation: str, params: dict[str, Any]) -> list[Request]:
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{params['logGroupName']}"
    return [Request(f"logs:{operation}", f"{group}:log-stream:{params['logStreamName']}")]


def _sqs(operation: str, params: dict[str, Any]) -> list[Request]:
    *_, account, name = params["QueueUrl"].split("/")
    return [Request(f"sqs:{operation}", f"arn:aws:sqs:{REGION}:{account}:{name}")]


def _ec2(operation: str, params: dict[str, Any]) -> list[Request]:
    prefix = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
    if operation.startswith("Describe"):
        return [Request(f"ec2:{operation}", "*")]
    if operation in {"TerminateInstances", "GetConsoleOutput"}:
        # Whether the tag was on the machine is asserted where the call is made.
        context = {"ec2:ResourceTag/transcribe-deployment": ["transcription"]}
        names = params.get("InstanceIds") or [params["InstanceId"]]
        return [Request(f"ec2:{operation}", f"{prefix}:instance/{name}", context) for name in names]
    if operation == "CreateFleet":
        templates = {
            config["LaunchTemplateSpecification"]["LaunchTemplateId"] for config in params["LaunchTemplateConfigs"]
        }
        subnets = {
            override["SubnetId"] for config in params["LaunchTemplateConfigs"] for override in config["Overrides"]
        }
        resources = [f"{prefix}:fleet/fleet-1", *(f"{prefix}:launch-template/{template}" for template in templates)]
        return [
            Request("ec2:CreateFleet", resource)
            for resource in [*resources, *(f"{prefix}:subnet/{subnet}" for subnet in subnets)]
        ]
    raise LookupError(f"ec2:{operation} has no place in tests/support/aws_requests.py yet")
