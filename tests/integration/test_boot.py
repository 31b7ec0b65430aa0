"""A boot waits for whoever does not answer yet: the machine's credentials, its parameter."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, CredentialRetrievalError

from services.gpu_worker import main
from services.gpu_worker.machine import retrying
from services.gpu_worker.machine.log_shipping import LogShipping
from services.gpu_worker.machine.metadata import Machine
from services.gpu_worker.machine.preflight import UnfitError
from tests.support.faults import aws_error

MACHINE = Machine(
    instance_id="i-1",
    instance_type="g4dn.xlarge",
    zone="eu-north-1a",
    region="eu-north-1",
    tags={"transcribe-config": "/d/worker", "transcribe-slot": "00", "transcribe-launch-id": "launch_1"},
)
TOLD = {
    "TABLE_NAME": "t", "BUCKET_NAME": "b", "DEPLOYMENT": "d", "SECRETS_KEY_ID": "k", "MODELS": "whisper-base"
}  # fmt: skip


class Aws:
    """Answers in the end; each call is preceded by these errors."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.meta = SimpleNamespace(endpoint_url="https://ssm.example.com")
        self.calls: list[str] = []

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self._errors:
            raise self._errors.pop(0)

    def sign_in(self) -> None:
        self._call("sign_in")

    def ssm(self) -> Any:
        return self

    def dynamodb(self) -> None:
        """Nothing is asked of it here."""

    def get_parameter(self, Name: str) -> Any:  # noqa: N803 - as boto3 calls it
        self._call(Name)
        return {"Parameter": {"Value": json.dumps(TOLD)}}


class Presence:
    """Of this machine."""

    noted: tuple[str, ...] = ()

    def __init__(self, *_: Any) -> None:
        """Of whom does not matter."""

    def reached(self, stage: str, **_: float) -> None:
        Presence.noted = (*Presence.noted, stage)

    def try_to_leave(self, _: str) -> None:
        """It has nobody to tell."""


@pytest.fixture
def boot(monkeypatch: pytest.MonkeyPatch) -> Any:
    """One that ends where the machine's fitness is looked at."""
    for name in TOLD:
        monkeypatch.delenv(name, raising=False)

    def unfit(_: Any) -> None:
        raise UnfitError("So far and no further.")

    Presence.noted = ()
    monkeypatch.setattr(retrying, "FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(main, "Metadata", lambda: SimpleNamespace(machine=lambda _: MACHINE))
    monkeypatch.setattr(main, "clock_skew", lambda *_: 0)
    monkeypatch.setattr(main, "Store", lambda *_: None)
    monkeypatch.setattr(main, "Presence", Presence)
    monkeypatch.setattr(main, "require_fit", unfit)

    def run(aws: Aws) -> None:
        monkeypatch.setattr(main, "aws_of", lambda _: aws)
        main.run(LogShipping())

    return run


def test_a_boot_waits_for_its_credentials(boot: Any) -> None:
    late = CredentialRetrievalError(provider="iam-role", error_msg="late")
    aws = Aws(late, late)
    with pytest.raises(UnfitError):
        boot(aws)
    assert aws.calls == ["sign_in"] * 3 + ["/d/worker"]
    assert Presence.noted == ("kernel_up", "booted")


def test_a_parameter_that_is_refused_for_a_while_is_asked_for_again(boot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    throttled = aws_error("ThrottlingException", "GetParameter")
    aws = Aws(*[throttled] * 20)
    monkeypatch.setattr(aws, "sign_in", lambda: None)
    with pytest.raises(UnfitError):
        boot(aws)
    assert aws.calls == ["/d/worker"] * 21


def test_a_parameter_that_may_not_be_read_ends_the_boot_at_once(boot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    aws = Aws(aws_error("AccessDeniedException", "GetParameter"))
    monkeypatch.setattr(aws, "sign_in", lambda: None)
    with pytest.raises(ClientError):
        boot(aws)
    assert aws.calls == ["/d/worker"]
