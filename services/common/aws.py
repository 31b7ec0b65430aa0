"""AWS clients, built once per process. `AWS_ENDPOINT_URL` points them at an emulator; nothing else here knows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import CredentialRetrievalError

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
IMPATIENT = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 3},
)
"""For a worker, which asks again by itself and must not stand still meanwhile: a call whose answers all stay away has
given up after three quarters of a minute. An answer may still take as long as AWS's do on a bad day."""
# In some regions the default signs links in the old form, which leaves the content's length unsigned.
_S3 = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
# An emulator has no host name for each bucket.
_S3_EMULATED = Config(signature_version="s3v4", s3={"addressing_style": "path"})


class Aws:
    """Makes clients of one session; boto3's sessions are not safe for threads, its clients are."""

    def __init__(self, session: boto3.session.Session | None = None, limits: Config | None = None) -> None:
        """`limits`: how long its clients wait and how often they ask, where that is not as usual."""
        self._session = session or boto3.session.Session()
        self._config = _CONFIG.merge(limits) if limits else _CONFIG

    def sign_in(self) -> None:
        """Look for credentials, as no client does that was made without.

        Raises:
            CredentialRetrievalError: nobody gives any, at least not now.

        """
        if self._session.get_credentials() is None:
            raise CredentialRetrievalError(provider="any", error_msg="none has credentials for this process")

    def dynamodb(self) -> DynamoDBClient:
        return self._session.client("dynamodb", config=self._config)

    def s3(self) -> S3Client:
        emulated = any(name in os.environ for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"))
        return self._session.client("s3", config=self._config.merge(_S3_EMULATED if emulated else _S3))

    def ec2(self, limits: Config | None = None) -> EC2Client:
        return self._session.client("ec2", config=self._limited(limits))

    def ssm(self) -> SSMClient:
        return self._session.client("ssm", config=self._config)

    def kms(self) -> KMSClient:
        return self._session.client("kms", config=self._config)

    def logs(self, limits: Config | None = None) -> CloudWatchLogsClient:
        return self._session.client("logs", config=self._limited(limits))

    def _limited(self, limits: Config | None) -> Config:
        return self._config.merge(limits) if limits else self._config
