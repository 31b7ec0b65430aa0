"""What the emulated EC2 says of machines that have ended, as AWS's does."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from services.common.machines.instances import Instances
from services.local.ec2 import POWERED_OFF
from services.local.emulator import instances
from services.orchestrator.console_output import lines_of
from services.orchestrator.state_reasons import Doing, end_of

TAGS: Any = [{"ResourceType": "instance", "Tags": [{"Key": "transcribe-deployment", "Value": "test"}]}]


@cache
def _client() -> Any:
    return boto3.client("ec2", "eu-north-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(instances, "_told", instances.Told())
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # hundreds, at each start, of which none is launched
    instances.apply()
    with mock_aws():
        yield _client()


def launch(ec2: Any) -> str:
    reply = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, TagSpecifications=TAGS)
    return str(reply["Instances"][0]["InstanceId"])


def code_of(ec2: Any, instance_id: str) -> str:
    return end_of(Instances(ec2, "test").named([instance_id])[instance_id]).code


def test_a_machine_that_we_end_was_ended_by_a_user_and_one_that_powers_off_ended_itself(ec2: Any) -> None:
    ours, its_own = launch(ec2), launch(ec2)
    instances.tell({"instance_id": its_own, "ends": POWERED_OFF})
    ec2.terminate_instances(InstanceIds=[ours, its_own])
    assert code_of(ec2, ours) == "Client.UserInitiatedShutdown"
    assert code_of(ec2, its_own) == "Client.InstanceInitiatedShutdown"
    ec2.terminate_instances(InstanceIds=[its_own])
    assert code_of(ec2, its_own) == "Client.InstanceInitiatedShutdown", "who ends it again changes nothing"


def test_a_launch_may_end_at_once_with_a_reason_and_the_next_one_lives(ec2: Any) -> None:
    instances.tell({"launches_end": [["Client.InternalError", "Client.InternalError: Client error on launch"]]})
    failed, sound = launch(ec2), launch(ec2)
    instances.launched([failed])
    instances.launched([sound])
    found = Instances(ec2, "test").named([failed, sound])
    assert end_of(found[failed]).cause.doing is Doing.ACCOUNT
    assert found[sound]["State"]["Name"] == "running"


def test_tags_fade_after_the_end_and_the_machine_is_still_known_by_its_id(ec2: Any) -> None:
    instance_id, ours = launch(ec2), Instances(ec2, "test")
    instances.tell({"tags_fade": True})
    assert list(ours.tagged()) == [instance_id]
    ours.terminate(instance_id)
    assert ours.tagged() == {}
    assert list(ours.named([instance_id, "i-0123456789abcdef0"])) == [instance_id]


def test_the_console_is_the_end_of_what_the_machine_wrote(ec2: Any, tmp_path: Path) -> None:
    instance_id, file = launch(ec2), tmp_path / "machine.log"
    assert "Output" not in ec2.get_console_output(InstanceId=instance_id)
    instances.tell({"instance_id": instance_id, "console": str(file)})
    file.write_bytes(b"x" * instances.CONSOLE_BYTES + "\nhej då\xff\n".encode("latin-1"))
    output = ec2.get_console_output(InstanceId=instance_id, Latest=True)["Output"]
    assert lines_of(output)[-1] == "hej d\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    assert len(output) == instances.CONSOLE_BYTES
