"""AWS as tests' processes see it: clients that are made once, calls that may be disturbed, and EC2 played by hand."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from services.common.aws import Aws
from tests.support.ec2 import FakeEc2
from tests.support.faults import Faults

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REGION: Literal["eu-north-1"] = "eu-north-1"


def _unsigned_dynamodb(aws: Aws) -> DynamoDBClient:
    """Leave DynamoDB's calls unsigned, since the emulator does not check signatures."""
    return aws._session.client("dynamodb", config=aws._config.merge(Config(signature_version=UNSIGNED)))  # noqa: SLF001 - as Aws does


class SharedAws(Aws):
    """Making clients takes longer than most tests, and nothing in them is a test's own: so they are made once."""

    dynamodb = cache(_unsigned_dynamodb)
    s3 = cache(Aws.s3)
    ssm = cache(Aws.ssm)
    kms = cache(Aws.kms)
    sqs = cache(Aws.sqs)

    def __init__(self) -> None:
        session = boto3.session.Session(
            aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION
        )
        # A name of its own, since botocore's is put together anew for every call.
        super().__init__(session, Config(user_agent="tests"))
        session.events.register_first("before-send", self._before_send)
        session.events.register("after-call", self._after_call)
        self.disturb(Faults())

    def disturb(self, faults: Faults, ec2: FakeEc2 | None = None) -> None:
        """Let all calls pass these faults from now on, and play EC2 with this fake."""
        self._faults = faults
        self._fake_ec2 = ec2 or FakeEc2(faults.around, lambda: None)

    def ec2(self, limits: Config | None = None) -> Any:
        return self._fake_ec2

    def _before_send(self, event_name: str, **_: Any) -> None:
        self._faults.before_send(event_name)

    def _after_call(self, **_: Any) -> None:
        self._faults.after_call()


@cache
def shared_aws() -> SharedAws:
    """The shared AWS of this process."""
    return SharedAws()
