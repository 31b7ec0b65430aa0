"""What EC2 says, and what it means for whoever waits."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from services.common.domain.errors import unrecorded
from services.common.domain.states import Waiting
from services.orchestrator.launch import Launched, Launcher, Refused, classify
from services.orchestrator.settings import OrchestratorSettings
from tests.support.faults import aws_error

CAPACITY, QUOTA, IMAGE = Waiting.CAPACITY, Waiting.QUOTA, Waiting.IMAGE
SETTINGS = OrchestratorSettings(
    table_name="table",
    bucket_name="bucket",
    deployment="test",
    secrets_key_id="key",
    models=("model",),
    launch_template_id="lt-1",
    subnet_ids=("subnet-a",),
    instance_types=("g4dn.xlarge",),
    image_parameter="/image",
    fallback_image_parameter="/aws/service/base-image",
    max_workers=1,
)


@pytest.mark.parametrize(
    ("code", "status", "waiting"),
    [
        # Within a fleet's reply: no machine came from that pool.
        ("InsufficientInstanceCapacity", 200, CAPACITY),
        ("UnfulfillableCapacity", 200, CAPACITY),
        ("InternalError", 200, CAPACITY),
        ("MaxSpotInstanceCountExceeded", 200, QUOTA),
        ("InvalidAMIID.NotFound", 200, IMAGE),
        ("InvalidFleetConfiguration", 200, CAPACITY),  # that type is not offered in that zone; others are
        ("SomethingNew", 200, IMAGE),
        # Instead of a reply, and certain all the same.
        ("InsufficientInstanceCapacity", 500, CAPACITY),
        ("RequestLimitExceeded", 503, CAPACITY),
        ("VcpuLimitExceeded", 400, QUOTA),
        ("InvalidFleetConfiguration", 400, IMAGE),
        ("OptInRequired", 401, IMAGE),
        ("PendingVerification", 400, IMAGE),
        ("UnauthorizedOperation", 403, IMAGE),
        ("IdempotentParameterMismatch", 400, IMAGE),
        ("SomethingNew", 400, IMAGE),
        # Instead of a reply, and a machine may have come.
        ("InternalError", 500, None),
        ("InternalFailure", 500, None),
        ("Unavailable", 503, None),
        ("SomethingNew", 500, None),
    ],
)
def test_every_answer_is_a_refusal_with_ec2s_words_unless_a_machine_may_have_come(
    code: str, status: int, waiting: Waiting | None
) -> None:
    expected = Refused(waiting=waiting, reason=f"{code}: its words") if waiting else None
    assert classify(code, "its words", status=status) == expected


class Ec2:
    def __init__(self, code: str, status: int) -> None:
        self._error = aws_error(code, "CreateFleet", status=status)

    def create_fleet(self, **_: Any) -> Any:
        raise self._error


class Ssm:
    """A parameter store with these parameters."""

    class exceptions:  # noqa: N801 - as boto3 has it
        class ParameterNotFound(Exception):  # noqa: N818 - AWS's name
            """No such parameter."""

    def __init__(self, **parameters: str) -> None:
        self._parameters = {f"/{name}": value for name, value in parameters.items()}

    def get_parameter(self, Name: str) -> Any:  # noqa: N803 - AWS's name
        if Name not in self._parameters:
            raise self.exceptions.ParameterNotFound
        return {"Parameter": {"Value": self._parameters[Name]}}


def test_no_machine_is_launched_that_could_not_fetch_the_default_model() -> None:
    known = SETTINGS.model_copy(update={"unrecorded_models": ("model",)})
    refused = Launcher(None, Ssm(image="none"), known).request(slot="00", launch_id="launch", market="spot")  # type: ignore[arg-type] # as boto3's
    assert refused == Refused(waiting=IMAGE, reason=unrecorded("model"))
    assert "python -m tools.models record model" in refused.reason


def test_an_image_of_ones_own_may_hold_what_is_not_recorded() -> None:
    known = SETTINGS.model_copy(update={"unrecorded_models": ("model",)})
    request = Launcher(None, Ssm(image="ami-1"), known).request(slot="00", launch_id="launch", market="spot")  # type: ignore[arg-type] # as boto3's
    assert not isinstance(request, Refused)


def launcher(ec2: Any = None, ssm: Any = Ssm(image="ami-1")) -> Launcher:  # noqa: B008 - nobody changes it
    return Launcher(ec2, ssm, SETTINGS)


def asked(made: Launcher) -> Launched | Refused:
    request = made.request(slot="00", launch_id="launch", market="spot")
    assert not isinstance(request, Refused)
    return made.launch(request)


def test_a_server_error_leaves_it_open_whether_a_machine_came() -> None:
    with pytest.raises(ClientError):
        asked(launcher(Ec2("InternalError", 500)))


def test_a_client_error_is_an_answer() -> None:
    answer = asked(launcher(Ec2("OptInRequired", 401)))
    assert isinstance(answer, Refused)
    assert answer.waiting is IMAGE


@pytest.mark.parametrize(("ssm", "missing"), [(Ssm(), "/image"), (Ssm(image="none"), "/aws/service/base-image")])
def test_the_parameter_that_is_missing_is_the_one_that_is_named(ssm: Ssm, missing: str) -> None:
    refused = launcher(ssm=ssm).request(slot="00", launch_id="launch", market="spot")
    assert isinstance(refused, Refused)
    assert f"The parameter {missing} " in refused.reason
