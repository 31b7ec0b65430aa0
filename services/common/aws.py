"""AWS clients, built once per process. `AWS_ENDPOINT_URL` points them at an emulator; nothing else here knows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 5},
    max_pool_connections=128,  # as many as the sweep has senders
)
# In some regions the default signs links in the old form, which leaves the content's length unsigned.
_S3 = _CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))
# An emulator has no host name for each bucket.
_S3_EMULATED = _CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "path"}))


class Aws:
    """Makes clients of one session; boto3's sessions are not safe for threads, its clients are."""

    def __init__(self, session: boto3.session.Session | None = None) -> None:
        self._session = session or boto3.session.Session()

    def dynamodb(self) -> DynamoDBClient:
        return self._session.client("dynamodb", config=_CONFIG)

    def s3(self) -> S3Client:
        emulated = any(name in os.environ for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"))
        return self._session.client("s3", config=_S3_EMULATED if emulated else _S3)

    def ec2(self) -> EC2Client:
        return self._session.client("ec2", config=_CONFIG)

    def ssm(self) -> SSMClient:
        return self._session.client("ssm", config=_CONFIG)

    def kms(self) -> KMSClient:
        return self._session.client("kms", config=_CONFIG)

    def logs(self) -> CloudWatchLogsClient:
        return self._session.client("logs", config=_CONFIG)
