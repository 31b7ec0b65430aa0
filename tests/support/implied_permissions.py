"""What AWS checks on a service's behalf without a call of its code, each with the source that says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from services.local.resources import INSTANCE_TYPES
from tests.support.aws_requests import ACCOUNT, REGION, Request

_DOCS = "https://docs.aws.amazon.com"
_FLEET = f"{_DOCS}/AWSEC2/latest/UserGuide/ec2-fleet-prerequisites.html"
_RUN = f"{_DOCS}/service-authorization/latest/reference/list_amazonec2.html#amazonec2-RunInstances"
_TAGS = f"{_DOCS}/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html"
_SPOT_TAGS = f"{_DOCS}/AWSEC2/latest/UserGuide/concepts-spot-instances-request-tags.html"
_KARPENTER = "https://karpenter.sh/docs/reference/cloudformation/, AllowScopedEC2InstanceActionsWithTags"
_ROLES = f"{_DOCS}/IAM/latest/UserGuide/id_roles_use_passrole.html"
_LINKED = f"{_DOCS}/AWSEC2/latest/UserGuide/service-linked-roles-spot-instance-requests.html"
_MAPPING = f"{_DOCS}/lambda/latest/dg/services-sqs-configure.html"
_LOGS = f"{_DOCS}/lambda/latest/dg/monitoring-cloudwatchlogs.html"
_BOOT = "terraform/modules/gpu_worker/user-data.sh.tftpl"
_MODELS = "services/gpu_worker/image/bucket_models.py, where a model lies in the bucket; here it lies on the machine"
_DISKS = f"{_DOCS}/ebs/latest/userguide/ebs-encryption-requirements.html"
_EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"


@dataclass(frozen=True)
class Implied:
    """One permission that is needed and does not show in any call."""

    request: Request
    source: str


@dataclass(frozen=True)
class Deployed:
    """What Terraform made, as far as these permissions name it."""

    queue_arn: str
    worker_role_arn: str
    subnet_arns: list[str]
    security_group_arn: str
    template_arns: dict[str, str]
    """By market."""
    bucket_arn: str
    disk_key_arn: str
    log_groups: dict[str, str] = field(default_factory=dict)
    """Of the functions, whose output Lambda itself writes there."""


def implied(service: str, deployed: Deployed) -> Iterator[Implied]:
    """The rows of one service."""
    if service in deployed.log_groups:
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            yield Implied(Request(action, f"{deployed.log_groups[service]}:log-stream:one"), _LOGS)
    if service == "gpu_worker":
        yield from _machine(deployed)
    if service == "orchestrator":
        yield from _queue(deployed)
        yield from _launch(deployed)
        yield from _encrypted_disk(deployed)


def _queue(deployed: Deployed) -> Iterator[Implied]:
    for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
        yield Implied(Request(f"sqs:{action}", deployed.queue_arn), _MAPPING)


def _machine(deployed: Deployed) -> Iterator[Implied]:
    yield Implied(Request("s3:GetObject", f"{deployed.bucket_arn}/artifacts/worker.tar.gz"), _BOOT)
    yield Implied(Request("s3:GetObject", f"{deployed.bucket_arn}/models/name/revision/model.bin"), _MODELS)


def _launch(deployed: Deployed) -> Iterator[Implied]:
    for arn in deployed.template_arns.values():
        yield from _machine_from(arn, deployed)
    for kind in ("instance", "network-interface", "volume"):
        yield Implied(Request("ec2:CreateFleet", f"{_EC2}:{kind}/one"), _FLEET)
    yield Implied(Request("ec2:CreateFleet", f"arn:aws:ec2:{REGION}::image/ami-1"), _FLEET)
    yield Implied(Request("ec2:CreateFleet", deployed.security_group_arn), _FLEET)
    spot_request = f"{_EC2}:spot-instances-request/one"
    yield Implied(Request("ec2:CreateFleet", spot_request), _KARPENTER)
    tagged = {
        "ec2:LaunchTemplate": [deployed.template_arns["spot"]],
        "aws:RequestTag/transcribe-deployment": ["transcription"],
    }
    yield Implied(Request("ec2:RunInstances", spot_request, tagged), _SPOT_TAGS)
    for kind in ("instance", "spot-instances-request", "volume"):
        for how in ("CreateFleet", "RunInstances"):
            yield Implied(Request("ec2:CreateTags", f"{_EC2}:{kind}/one", {"ec2:CreateAction": [how]}), _TAGS)
    passed = {"iam:PassedToService": ["ec2.amazonaws.com"]}
    yield Implied(Request("iam:PassRole", deployed.worker_role_arn, passed), _ROLES)
    arn = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"
    yield Implied(Request("iam:CreateServiceLinkedRole", arn, {"iam:AWSServiceName": ["spot.amazonaws.com"]}), _LINKED)


def _machine_from(template_arn: str, deployed: Deployed) -> Iterator[Implied]:
    template = {"ec2:LaunchTemplate": [template_arn]}
    for kind in ("network-interface", "volume"):
        yield Implied(Request("ec2:RunInstances", f"{_EC2}:{kind}/one", template), _RUN)
    for name in INSTANCE_TYPES:
        yield Implied(
            Request("ec2:RunInstances", f"{_EC2}:instance/one", template | {"ec2:InstanceType": [name]}), _RUN
        )
    for resource in (*deployed.subnet_arns, deployed.security_group_arn, template_arn):
        yield Implied(Request("ec2:RunInstances", resource, template), _RUN)
    for owner in ("amazon", ACCOUNT):
        image = Request("ec2:RunInstances", f"arn:aws:ec2:{REGION}::image/ami-1", template | {"ec2:Owner": [owner]})
        yield Implied(image, _RUN)


def _encrypted_disk(deployed: Deployed) -> Iterator[Implied]:
    through = {"kms:ViaService": [f"ec2.{REGION}.amazonaws.com"]}
    for action in ("Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"):
        yield Implied(Request(f"kms:{action}", deployed.disk_key_arn, through), _DISKS)
    granting = through | {"kms:GrantIsForAWSResource": ["true"]}
    yield Implied(Request("kms:CreateGrant", deployed.disk_key_arn, granting), _DISKS)
