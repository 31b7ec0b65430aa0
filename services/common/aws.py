"""Makes AWS clients, once per process. If `AWS_ENDPOINT_URL` is set, they call an emulator."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import CredentialRetrievalError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 5},
    max_pool_connections=128,  # one for each sender of the sweep
)
IMPATIENT = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 3},
)
"""For a worker, which repeats calls by itself and must not wait long for one: a call without any answer gives up
after 45 seconds. An answer may still take 10 seconds, as long as AWS takes on a bad day."""
# In some regions boto3's default signs links in the old form, which does not sign the content's length.
_S3 = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
# An emulator has no host name for each bucket.
_S3_EMULATED = Config(signature_version="s3v4", s3={"addressing_style": "path"})


class Aws:
    """Makes the clients of one boto3 session. Clients are safe for threads; sessions are not."""

    def __init__(self, session: boto3.session.Session | None = None, limits: Config | None = None) -> None:
        """`limits`: other timeouts and retries than the default ones, for all clients."""
        self._session = session or boto3.session.Session()
        self._config = _CONFIG.merge(limits) if limits else _CONFIG

    def sign_in(self) -> None:
        """Find credentials before clients are made: a client that was made without them never looks again.

        Raises:
            CredentialRetrievalError: there are none, at least not now.

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

    def sqs(self, limits: Config | None = None) -> SQSClient:
        return self._session.client("sqs", config=self._limited(limits))

    def ssm(self) -> SSMClient:
        return self._session.client("ssm", config=self._config)

    def kms(self) -> KMSClient:
        return self._session.client("kms", config=self._config)

    def logs(self, limits: Config | None = None) -> CloudWatchLogsClient:
        return self._session.client("logs", config=self._limited(limits))

    def events(self) -> EventBridgeClient:
        return self._session.client("events", config=self._config)

    def functions(self) -> LambdaClient:
        return self._session.client("lambda", config=self._config)

    def _limited(self, limits: Config | None) -> Config:
        return self._config.merge(limits) if limits else self._config
