"""The rights to read that the checks use, and what AWS's refusals mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from services.cli.explained import DENIED, EXPIRED, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

RIGHTS = {
    "DescribeAlarms": "cloudwatch:DescribeAlarms",
    "DescribeContinuousBackups": "dynamodb:DescribeContinuousBackups",
    "DescribeTable": "dynamodb:DescribeTable",
    "DescribeTimeToLive": "dynamodb:DescribeTimeToLive",
    "GetItem": "dynamodb:GetItem",
    "Query": "dynamodb:Query",
    "DescribeImages": "ec2:DescribeImages",
    "DescribeInstanceTypeOfferings": "ec2:DescribeInstanceTypeOfferings",
    "DescribeInstanceTypes": "ec2:DescribeInstanceTypes",
    "DescribeSubnets": "ec2:DescribeSubnets",
    "DescribeRule": "events:DescribeRule",
    "ListTargetsByRule": "events:ListTargetsByRule",
    "GetRole": "iam:GetRole",
    "DescribeKey": "kms:DescribeKey",
    "GetFunctionConcurrency": "lambda:GetFunctionConcurrency",
    "GetFunctionConfiguration": "lambda:GetFunctionConfiguration",
    "GetPolicy": "lambda:GetPolicy",
    "ListEventSourceMappings": "lambda:ListEventSourceMappings",
    "FilterLogEvents": "logs:FilterLogEvents",
    "GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "GetBucketPolicy": "s3:GetBucketPolicy",
    "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "GetServiceQuota": "servicequotas:GetServiceQuota",
    "ListSubscriptionsByTopic": "sns:ListSubscriptionsByTopic",
    "GetQueueAttributes": "sqs:GetQueueAttributes",
    "GetQueueUrl": "sqs:GetQueueUrl",
    "GetParameter": "ssm:GetParameter",
}
"""The right that each call needs which a check makes. Who asks AWS's STS who he is needs none."""
MISSING = frozenset(
    {
        *("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NoSuchBucket", "NoSuchBucketPolicy"),
        *("NoSuchEntity", "NoSuchLifecycleConfiguration", "NoSuchPublicAccessBlockConfiguration", "NotFound"),
        *("NotFoundException", "ParameterNotFound", "ResourceNotFound", "ResourceNotFoundException"),
        "TableNotFoundException",
        *("InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "InvalidAMIID.Unavailable", "InvalidSubnetID.NotFound"),
    }
)
"""AWS's codes for what is not there."""
FORBIDDEN = 403


def is_missing(error: Exception) -> bool:
    """Whether AWS says that what it was asked about is not there."""
    return isinstance(error, ClientError) and _code(error) in MISSING


def found(call: Callable[..., Any], **asked: object) -> Any:  # noqa: ANN401 - the reply of any call
    """What AWS replies to a call; None if what it asks for is not there."""
    try:
        return call(**asked)
    except ClientError as error:
        if is_missing(error):
            return None
        raise


def missing_right(error: Exception) -> str | None:
    """The right for want of which AWS refused a call, such as `ssm:GetParameter`; None: it failed otherwise."""
    if not isinstance(error, ClientError) or _code(error) in (*EXPIRED, *UNKNOWN):
        return None
    forbidden = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == FORBIDDEN
    return RIGHTS.get(error.operation_name, error.operation_name) if forbidden or _code(error) in DENIED else None


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code"))
