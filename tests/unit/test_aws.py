"""How long AWS is waited for, and by whom."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import CredentialRetrievalError

from services.common.aws import IMPATIENT, Aws

REGION = "eu-north-1"
CLIENTS = ("dynamodb", "s3", "ssm", "kms", "logs")


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> boto3.session.Session:
    """Nobody gives credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    return boto3.session.Session(region_name=REGION)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_workers_call_gives_up_before_systemd_takes_the_worker_for_hung(
    session: boto3.session.Session, name: str
) -> None:
    config = getattr(Aws(session, IMPATIENT), name)().meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 10)
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}
    assert config.max_pool_connections == 128


@pytest.mark.parametrize("name", CLIENTS)
def test_who_does_not_ask_again_by_itself_has_clients_that_do(session: boto3.session.Session, name: str) -> None:
    config = getattr(Aws(session), name)().meta.config
    assert (config.read_timeout, config.retries["total_max_attempts"]) == (20, 5)


def test_links_are_signed_in_the_new_form_whatever_the_limits(session: boto3.session.Session) -> None:
    config: Any = Aws(session, IMPATIENT).s3().meta.config
    assert (config.signature_version, config.s3["addressing_style"]) == ("s3v4", "virtual")


def test_who_has_no_credentials_yet_finds_them_when_they_come(
    session: boto3.session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that was made before would be without for ever."""
    aws = Aws(session, IMPATIENT)
    with pytest.raises(CredentialRetrievalError):
        aws.sign_in()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "late")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "late")
    aws.sign_in()
    assert session.get_credentials()


def test_a_process_signs_with_the_credentials_that_it_began_with_and_the_next_one_with_its_own(
    session: boto3.session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a form that is renewed by the same execution environment of Lambda ends no later than the one before."""

    def token(aws: Aws) -> str:
        fields = aws.s3().generate_presigned_post("recordings", "uploads/a")["fields"]
        return str(fields["x-amz-security-token"])

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "first")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    environment = Aws()
    assert token(environment) == "first"
    monkeypatch.setenv("AWS_SESSION_TOKEN", "second")
    assert token(environment) == "first"
    assert token(Aws()) == "second"
