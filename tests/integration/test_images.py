"""Only an image that passed the self-test and covers the deployment is published; only what nobody needs is removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from services.cli.operator.cleanup.machine_images import ours
from tools import deployment, images

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ssm import SSMClient

PARAMETER, CONFIG = "/transcription/image", "/transcription/worker"
SETTINGS = {"MODELS": "KBLab/kb-whisper-small,KBLab/kb-whisper-small@strict", "MAX_LIFETIME_MINUTES": "360"}
"""Of the deployment that Terraform is said to have made."""
COVERING = {
    "transcribe-image": "transcription",
    "transcribe-self-test-passed": "true",
    "transcribe-models": "KBLab/kb-whisper-small,KBLab/kb-whisper-large,KBLab/kb-whisper-small@strict",
    "transcribe-lifetime-minutes": "375",
    "transcribe-session-manager": "no",
}


@cache
def clients() -> tuple[EC2Client, SSMClient]:
    """Of EC2 and SSM, made once: the emulator answers them whenever it is on, and they take longer than a test."""
    return boto3.client("ec2", region_name="eu-north-1"), boto3.client("ssm", region_name="eu-north-1")


class Account:
    def __init__(self) -> None:
        self.outputs: dict[str, Any] = {}
        """What `terraform output` says."""
        self.ec2, self.ssm = clients()
        self.ssm.put_parameter(Name=PARAMETER, Value="none", Type="String")
        self.ssm.put_parameter(Name=CONFIG, Value=json.dumps(SETTINGS), Type="String")
        started = self.ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1)
        self._machine = started["Instances"][0]["InstanceId"]

    def image(self, name: str, **tags: str) -> str:
        made = self.ec2.create_image(InstanceId=self._machine, Name=name)["ImageId"]
        told = COVERING | {key.replace("_", "-"): value for key, value in tags.items()}
        self.ec2.create_tags(Resources=[made], Tags=[{"Key": key, "Value": value} for key, value in told.items()])
        return made

    def published(self) -> str:
        return self.ssm.get_parameter(Name=PARAMETER)["Parameter"]["Value"]

    def left(self) -> set[str]:
        return {image.name for image in ours(self.ec2, "transcription")}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # hundreds, which take longer to load than the tests
    with mock_aws():
        made = Account()
        monkeypatch.setattr(deployment, "outputs", lambda _: made.outputs)
        yield made


def manifest(folder: Path, image_id: str, region: str = "eu-north-1") -> str:
    old: dict[str, Any] = {"artifact_id": "eu-north-1:ami-0000", "packer_run_uuid": "before"}
    new: dict[str, Any] = {"artifact_id": f"{region}:{image_id}", "packer_run_uuid": "last"}
    path = folder / "image.json"
    path.write_text(json.dumps({"builds": [old, new], "last_run_uuid": "last"}))
    return str(path)


def test_the_image_of_the_last_build_is_published(account: Account, tmp_path: Path) -> None:
    made = account.image("new")
    assert images.main(["publish", "--manifest", manifest(tmp_path, made)]) == 0
    assert account.published() == made


def test_an_image_without_a_passed_self_test_is_not_published(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = account.image("new", transcribe_self_test_passed="false")
    assert images.main(["publish", "--manifest", manifest(tmp_path, made)]) == 1
    assert account.published() == "none"
    assert "lacks the tag transcribe-self-test-passed" in capsys.readouterr().err


def test_without_a_build_nothing_is_published(account: Account, tmp_path: Path) -> None:
    assert images.main(["publish", "--manifest", str(tmp_path / "image.json")]) == 1
    assert account.published() == "none"


def test_an_image_is_not_published_where_no_machine_looks(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = account.image("new")
    assert images.main(["publish", "--manifest", manifest(tmp_path, made), "--parameter", "/other/image"]) == 1
    assert "terraform output -raw image_parameter" in capsys.readouterr().err


def test_an_image_that_does_not_cover_the_deployment_is_refused_with_the_difference_and_the_command(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = account.image("new", transcribe_models="KBLab/kb-whisper-small")
    assert images.main(["publish", "--manifest", manifest(tmp_path, made)]) == 1
    assert account.published() == "none"
    said = capsys.readouterr().err
    assert "it does not hold KBLab/kb-whisper-small@strict" in said
    assert (
        f"./nox -s image -- -var region=eu-north-1 -var deployment=transcription -var models={SETTINGS['MODELS']}"
        in said
    )


def test_an_image_of_another_region_is_refused(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = account.image("new")
    assert images.main(["publish", "--manifest", manifest(tmp_path, made, region="eu-west-1")]) == 1
    assert f"{made} was built in eu-west-1, and transcription is in eu-north-1" in capsys.readouterr().err


def test_an_image_is_held_against_the_deployment_that_terraform_made_and_published_where_that_looks(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.outputs = {
        "deployment": "news",
        "region": "eu-north-1",
        "image_parameter": "/images/news",
        "config_parameter": "/news/worker",
    }
    account.ssm.put_parameter(Name="/images/news", Value="none", Type="String")
    account.ssm.put_parameter(Name="/news/worker", Value=json.dumps(SETTINGS), Type="String")
    made = account.image("new")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert images.main(["publish", "--manifest", manifest(tmp_path, made)]) == 0, "in its own region"
    assert account.ssm.get_parameter(Name="/images/news")["Parameter"]["Value"] == made
    assert account.published() == "none"


def test_what_nobody_can_hold_against_a_deployment_is_not_published(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = account.image("new")
    given = ["publish", "--deployment", "other", "--manifest", manifest(tmp_path, made)]
    assert images.main(given) == 1
    assert "cannot be read from the parameter /other/worker" in capsys.readouterr().err


def test_prune_says_what_it_would_remove_and_removes_nothing(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(4):
        account.image(f"image-{number}")
    images.main(["prune", "--keep", "1"])
    assert capsys.readouterr().out.count("would remove") == 3
    assert len(account.left()) == 4


def test_prune_keeps_the_newest_the_one_in_use_and_those_of_others(account: Account) -> None:
    used = account.image("image-0")
    for number in range(1, 4):
        account.image(f"image-{number}")
    account.image("another", transcribe_image="another")
    account.ssm.put_parameter(Name=PARAMETER, Value=used, Type="String", Overwrite=True)
    images.main(["prune", "--keep", "1", "--really"])
    assert account.left() == {"image-0", "image-3"}
    assert [image.name for image in ours(account.ec2, "another")] == ["another"]


def test_the_snapshots_of_a_removed_image_go_with_it(account: Account) -> None:
    account.image("old")
    (old,) = ours(account.ec2, "transcription")
    assert old.snapshots
    images.main(["prune", "--keep", "0", "--really"])
    left = account.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert not set(old.snapshots) & {snapshot["SnapshotId"] for snapshot in left}
