"""What AWS checks on a service's behalf without a call of its code, each with the source that says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support.aws_requests import ACCOUNT, REGION, Request

_DOCS = "https://docs.aws.amazon.com"
_FLEET = f"{_DOCS}/AWSEC2/latest/UserGuide/ec2-fleet-prerequisites.html"
_RUN = f"{_DOCS}/service-authorization/latest/reference/list_amazonec2.html#amazonec2-RunInstances"
_TAGS = f"{_DOCS}/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html"
_ROLES = f"{_DOCS}/IAM/latest/UserGuide/id_roles_use_passrole.html"
_LINKED = f"{_DOCS}/AWSEC2/latest/UserGuide/service-linked-roles-spot-instance-requests.html"
_MAPPING = f"{_DOCS}/lambda/latest/dg/services-sqs-configure.html"
_LOGS = f"{_DOCS}/lambda/latest/dg/monitoring-cloudwatchlogs.html"
_BOOT = "terraform/modules/gpu_worker/user-data.sh.tftpl"
_MULTIPART = f"{_DOCS}/AmazonS3/latest/userguide/mpuAndPermissions.html"
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
    subnet_arn: str
    security_group_arn: str
    template_arn: str
    bucket_arn: str
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


def _queue(deployed: Deployed) -> Iterator[Implied]:
    for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
        yield Implied(Request(f"sqs:{action}", deployed.queue_arn), _MAPPING)


def _machine(deployed: Deployed) -> Iterator[Implied]:
    yield Implied(Request("s3:GetObject", f"{deployed.bucket_arn}/artifacts/worker.tar.gz"), _BOOT)
    yield Implied(Request("s3:AbortMultipartUpload", f"{deployed.bucket_arn}/work/job/0000.flac"), _MULTIPART)


def _launch(deployed: Deployed) -> Iterator[Implied]:
    template = {"ec2:LaunchTemplate": [deployed.template_arn]}
    for kind in ("instance", "network-interface", "volume"):
        yield Implied(Request("ec2:CreateFleet", f"{_EC2}:{kind}/one"), _FLEET)
        yield Implied(Request("ec2:RunInstances", f"{_EC2}:{kind}/one", template), _RUN)
    for resource in (deployed.subnet_arn, deployed.security_group_arn, deployed.template_arn):
        yield Implied(Request("ec2:RunInstances", resource, template), _RUN)
    for owner in ("amazon", ACCOUNT):
        image = Request("ec2:RunInstances", f"arn:aws:ec2:{REGION}::image/ami-1", template | {"ec2:Owner": [owner]})
        yield Implied(image, _RUN)
    yield Implied(Request("ec2:CreateFleet", f"arn:aws:ec2:{REGION}::image/ami-1"), _FLEET)
    yield Implied(Request("ec2:CreateFleet", deployed.security_group_arn), _FLEET)
    for kind in ("instance", "volume", "fleet"):
        for how in ("CreateFleet", "RunInstances"):
            yield Implied(Request("ec2:CreateTags", f"{_EC2}:{kind}/one", {"ec2:CreateAction": [how]}), _TAGS)
    passed = {"iam:PassedToService": ["ec2.amazonaws.com"]}
    yield Implied(Request("iam:PassRole", deployed.worker_role_arn, passed), _ROLES)
    for name, role in (("spot", "EC2Spot"), ("ec2fleet", "EC2Fleet")):
        arn = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{name}.amazonaws.com/AWSServiceRoleFor{role}"
        principal = {"iam:AWSServiceName": [f"{name}.amazonaws.com"]}
        yield Implied(Request("iam:CreateServiceLinkedRole", arn, principal), _LINKED)
