"""Creates in the emulator what Terraform creates in an account, with the same names and shapes, and nothing more.

A test compares this file with Terraform's plan.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from services.common.domain import object_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    import boto3

DEPLOYMENT = "transcribe"
REGION = "eu-north-1"
BUCKET = "transcribe-local"
TABLE = "transcription-jobs"
QUEUE = "transcribe-uploads"
DEAD_LETTERS = "transcribe-uploads-dead"
CONFIG_PARAMETER = "/transcribe/worker"
WORKER_LOG_GROUP = "/transcribe/worker"
IMAGE_PARAMETER = "/transcribe/image"
FALLBACK_IMAGE_PARAMETER = "/transcribe/base-image"
IMAGE = "ami-0123456789abcdef0"
INSTANCE_TYPES = ("g4dn.xlarge", "g4dn.2xlarge", "g5.xlarge")
TAGGED = {"on-demand": ("instance", "volume"), "spot": ("instance", "volume", "spot-instances-request")}
"""What each market's launch template tags."""
ZONES = ("a", "b", "c")
SECRETS_KEY = "webhook secrets"
"""The description of the key that seals secrets."""
MAX_RECEIVES = 5
METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
PAGE_ROUTES = ("GET /", "GET /page/{proxy+}")
ROUTES = (*(f"{method} /api/{{proxy+}}" for method in METHODS), *PAGE_ROUTES)
ORIGIN = r"^https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$"
"""An origin as browsers send it, but for the port that its scheme has anyway, which they leave out."""

TABLE_SHAPE: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
        {"AttributeName": "due_kind", "AttributeType": "S"},
        {"AttributeName": "due_at", "AttributeType": "N"},
        {"AttributeName": "client_id", "AttributeType": "S"},
        {"AttributeName": "sort", "AttributeType": "S"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "due",
            "KeySchema": [
                {"AttributeName": "due_kind", "KeyType": "HASH"},
                {"AttributeName": "due_at", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        },
        {
            "IndexName": "by_client",
            "KeySchema": [
                {"AttributeName": "client_id", "KeyType": "HASH"},
                {"AttributeName": "sort", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        },
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


@dataclass(frozen=True, kw_only=True)
class Resources:
    """The created resources whose ids are not known before."""

    queue_url: str
    secrets_key_id: str
    launch_template_ids: dict[str, str]
    """By market: `spot` and `on-demand`."""
    subnet_ids: tuple[str, ...]


def bucket_cors(origins: Sequence[str]) -> dict[str, Any]:
    """The bucket's `CORSConfiguration` for pages of these origins."""
    rule = {
        "AllowedOrigins": list(origins),
        "AllowedMethods": ["GET", "HEAD", "POST", "PUT"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag", "x-amz-id-2", "x-amz-request-id"],
        "MaxAgeSeconds": 3600,
    }
    return {"CORSRules": [rule]}


def gateway_cors(origins: Sequence[str]) -> dict[str, Any] | None:
    """The gateway's `CorsConfiguration` for pages of these origins; none without origins, as in Terraform."""
    if not origins:
        return None
    told = (
        *("accept", "content-disposition", "content-encoding", "etag", "idempotent-replayed", "location"),
        *("retry-after", "www-authenticate", "x-request-id"),
    )
    return {
        "AllowOrigins": list(origins),
        "AllowMethods": list(METHODS),
        "AllowHeaders": ["authorization", "content-type", "idempotency-key", "if-match"],
        "ExposeHeaders": list(told),
        "MaxAge": 3600,
    }


def create(session: boto3.session.Session, endpoint: str, cors_origins: Sequence[str] = ()) -> Resources:
    """Create every resource that a deployment needs. What the emulator has kept comes back with what holds it.

    Args:
        session: with the account's credentials.
        endpoint: the emulator's address.
        cors_origins: whose pages may use links and forms.

    """

    def client(service: str) -> Any:  # noqa: ANN401 - boto3's clients of many kinds
        return session.client(service, endpoint_url=endpoint, region_name=REGION)  # type: ignore[call-overload]

    client("dynamodb").create_table(TableName=TABLE, **TABLE_SHAPE)
    queue_url = _queue(client("sqs"))
    s3 = client("s3")
    _bucket(s3, client("sqs"), queue_url)
    if cors_origins:
        s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration=bucket_cors(cors_origins))
    client("logs").create_log_group(logGroupName=WORKER_LOG_GROUP)
    ssm = client("ssm")
    ssm.put_parameter(Name=IMAGE_PARAMETER, Value=IMAGE, Type="String")
    ssm.put_parameter(Name=FALLBACK_IMAGE_PARAMETER, Value=IMAGE, Type="String")
    ec2 = client("ec2")
    return Resources(
        queue_url=queue_url,
        secrets_key_id=_secrets_key(client("kms")),
        launch_template_ids={market: launch_template(ec2, market) for market in TAGGED},
        subnet_ids=_subnets(ec2),
    )


def _secrets_key(kms: Any) -> str:  # noqa: ANN401 - KMSClient
    """The key that seals secrets: a kept account has it, and what it has sealed, from its first start on."""
    for entry in kms.list_keys()["Keys"]:
        if kms.describe_key(KeyId=entry["KeyId"])["KeyMetadata"]["Description"] == SECRETS_KEY:
            return str(entry["KeyId"])
    return str(kms.create_key(Description=SECRETS_KEY)["KeyMetadata"]["KeyId"])


def _queue(sqs: Any) -> str:  # noqa: ANN401 - SQSClient
    dead = sqs.create_queue(QueueName=DEAD_LETTERS)["QueueUrl"]
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = {"deadLetterTargetArn": dead_arn, "maxReceiveCount": MAX_RECEIVES}
    url: str = sqs.create_queue(
        QueueName=QUEUE, Attributes={"RedrivePolicy": json.dumps(redrive), "VisibilityTimeout": "30"}
    )["QueueUrl"]
    return url


def _bucket(s3: Any, sqs: Any, queue_url: str) -> None:  # noqa: ANN401 - S3Client, SQSClient
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    uploads = {"Key": {"FilterRules": [{"Name": "prefix", "Value": object_keys.UPLOADS}]}}
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": uploads}]
        },
    )


def _subnets(ec2: Any) -> tuple[str, ...]:  # noqa: ANN401 - EC2Client
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return tuple(
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
            "SubnetId"
        ]
        for number, zone in enumerate(ZONES)
    )


def launch_template(
    ec2: Any,  # noqa: ANN401 - EC2Client
    market: str,
    name: str = "transcribe-worker",
    *,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Create the launch template of one market, with tags of an operator's own; returns its id."""
    tagged = {**tags, "transcribe-deployment": DEPLOYMENT, "transcribe-config": CONFIG_PARAMETER}
    template = ec2.create_launch_template(
        LaunchTemplateName=f"{name}-{market}",
        LaunchTemplateData={
            "ImageId": IMAGE,
            "InstanceType": INSTANCE_TYPES[0],
            "InstanceInitiatedShutdownBehavior": "terminate",
            "MetadataOptions": {"HttpTokens": "required", "InstanceMetadataTags": "enabled"},
            "TagSpecifications": [
                {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tagged.items()]}
                for kind in TAGGED[market]
            ],
        },
    )
    template_id: str = template["LaunchTemplate"]["LaunchTemplateId"]
    return template_id
