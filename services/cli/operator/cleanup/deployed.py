"""A deployment that is known by its name and region alone: its names and tags lead to everything else."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from services.cli.errors import RefusedError
from services.cli.operator.names import Names
from services.common.machines.instances import Instances
from services.common.store.store import Store

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

    from services.common.aws import Aws


class Settings(NamedTuple):
    """What the orchestrator's function is told of where things are."""

    table: str
    bucket: str
    image_parameter: str


class Deployed:
    """A deployment in AWS. Nothing is asked before it is needed."""

    def __init__(self, name: str, aws: Aws) -> None:
        self.name = name
        self._aws = aws

    @property
    def region(self) -> str:
        return self.ec2.meta.region_name

    @property
    def names(self) -> Names:
        """What Terraform calls its resources."""
        return Names(deployment=self.name, region=self.region)

    @cached_property
    def ec2(self) -> EC2Client:
        return self._aws.ec2()

    @cached_property
    def s3(self) -> S3Client:
        return self._aws.s3()

    @cached_property
    def ssm(self) -> SSMClient:
        return self._aws.ssm()

    @cached_property
    def functions(self) -> LambdaClient:
        return self._aws.functions()

    @cached_property
    def events(self) -> EventBridgeClient:
        return self._aws.events()

    @cached_property
    def instances(self) -> Instances:
        return Instances(self.ec2, self.name)

    @cached_property
    def settings(self) -> Settings:
        """The deployment's settings, in the environment of its orchestrator.

        They are read in the region in which machines are looked for: with a table of another one, machines would seem
        to have no slot.

        Raises:
            RefusedError: there is no such deployment here, or somebody has changed its function by hand.

        """
        try:
            told = self.functions.get_function_configuration(FunctionName=self.names.orchestrator)
        except self.functions.exceptions.ResourceNotFoundException:
            raise RefusedError(
                f"{self.region} has no function {self.names.orchestrator}: compare the name, and AWS_REGION"
            ) from None
        environment = told.get("Environment", {})
        if hidden := environment.get("Error"):
            why = hidden.get("Message", "it does not say why")
            raise RefusedError(f"Lambda does not show the environment of {self.names.orchestrator}: {why}")
        there = environment.get("Variables", {})
        try:
            return Settings(there["TABLE_NAME"], there["BUCKET_NAME"], there["IMAGE_PARAMETER"])
        except KeyError as lacking:
            raise RefusedError(
                f"the environment of {self.names.orchestrator} lacks {lacking.args[0]}: `terraform apply` puts it right"
            ) from None

    @cached_property
    def store(self) -> Store:
        """Its table. Raises as `settings`."""
        return Store(self._aws.dynamodb(), self.settings.table)
