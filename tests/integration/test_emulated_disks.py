"""The emulator ends machines whose disks are under a key that the spot market may not use, as EC2 does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from services.local.emulator import disks

SPOT_ROLE = f"arn:aws:iam::123456789012:{disks.SPOT_ROLE}"
ENDED = ("terminated", {"Code": "Client.InternalError", "Message": "Client.InternalError: Client error on launch"})


class Account:
    def __init__(self, client: Callable[[str], Any]) -> None:
        self.ec2, self.kms = client("ec2"), client("kms")

    def new_key(self) -> str:
        return str(self.kms.create_key()["KeyMetadata"]["Arn"])

    def grant(self, key: str, *operations: str) -> None:
        self.kms.create_grant(KeyId=key, GranteePrincipal=SPOT_ROLE, Operations=operations)

    def launch(self, **disk: Any) -> tuple[str, Any]:
        """State of a machine on such a disk, and the reason for it."""
        template = self.ec2.create_launch_template(
            LaunchTemplateName="worker",
            LaunchTemplateData={
                "ImageId": "ami-0123456789abcdef0",
                "InstanceType": "g4dn.xlarge",
                "BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeType": "gp3", **disk}}],
            },
        )["LaunchTemplate"]
        fleet = self.ec2.create_fleet(
            Type="instant",
            LaunchTemplateConfigs=[
                {
                    "LaunchTemplateSpecification": {
                        "LaunchTemplateId": template["LaunchTemplateId"],
                        "Version": "$Default",
                    }
                }
            ],
            TargetCapacitySpecification={"TotalTargetCapacity": 1, "DefaultTargetCapacityType": "spot"},
        )
        described = self.ec2.describe_instances(InstanceIds=fleet["Instances"][0]["InstanceIds"])
        instance = described["Reservations"][0]["Instances"][0]
        return instance["State"]["Name"], instance.get("StateReason")


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # hundreds, which take longer to load than the tests
    disks.apply()
    with mock_aws():
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        yield Account(lambda service: boto3.client(service, "eu-north-1", **keys))  # type: ignore[call-overload]


def test_a_machine_starts_on_a_disk_under_awss_own_key(account: Account) -> None:
    assert account.launch(Encrypted=True)[0] == "running"


def test_it_ends_at_once_where_the_accounts_default_key_is_a_customers(account: Account) -> None:
    account.ec2.modify_ebs_default_kms_key_id(KmsKeyId=account.new_key())
    assert account.launch(Encrypted=True) == ENDED


def test_it_ends_at_once_on_a_key_that_is_named_and_not_granted(account: Account) -> None:
    key = account.new_key()
    account.grant(key, "Decrypt")
    assert account.launch(Encrypted=True, KmsKeyId=key) == ENDED


def test_it_starts_on_a_key_that_the_spot_market_was_granted(account: Account) -> None:
    key = account.new_key()
    account.grant(key, *disks.NEEDED)
    assert account.launch(Encrypted=True, KmsKeyId=key)[0] == "running"


def test_a_disk_that_is_not_encrypted_asks_for_no_key(account: Account) -> None:
    account.ec2.modify_ebs_default_kms_key_id(KmsKeyId=account.new_key())
    assert account.launch()[0] == "running"


def test_the_default_key_is_awss_until_another_is_chosen(account: Account) -> None:
    default = account.ec2.get_ebs_default_kms_key_id()["KmsKeyId"]
    assert account.kms.describe_key(KeyId=default)["KeyMetadata"]["KeyManager"] == "AWS"
    key = account.new_key()
    account.ec2.modify_ebs_default_kms_key_id(KmsKeyId=key)
    assert account.ec2.get_ebs_default_kms_key_id()["KmsKeyId"] == key
