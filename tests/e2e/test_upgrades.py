"""An upgrade changes a deployment and takes nothing of it away, whichever release it was made by.

Terraform's state after an apply of each release lies in tests/baselines. What a plan would do to it is the upgrade.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.baselines import path_of, recordings, released_version
from tests.baselines.deployment import configuration, upgrade
from tests.support.emulator import Emulator
from tests.support.terraform import Terraform

pytestmark = pytest.mark.terraform


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture(scope="module")
def terraform(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    return configuration(tmp_path_factory.mktemp("upgrade"), emulator)


@pytest.mark.parametrize("release", recordings(), ids=lambda path: path.stem)
def test_an_upgrade_destroys_replaces_and_forgets_nothing(release: Path, terraform: Terraform) -> None:
    recording = json.loads(release.read_text(encoding="utf-8"))
    planned = upgrade(terraform, recording["state"], recording["variables"])
    assert planned.losses == {}, "a resource that got another address needs a `moved` block"
    assert planned.warnings == [], "whoever sets a variable of a release may keep it in terraform.tfvars"


def test_a_lost_address_a_replaced_table_and_a_variable_that_is_gone_would_be_noticed(terraform: Terraform) -> None:
    recording = json.loads(path_of(released_version()).read_text(encoding="utf-8"))
    topic = next(entry for entry in recording["state"]["resources"] if entry["type"] == "aws_sns_topic")
    topic["name"] = "known_by_another_name"
    variables = recording["variables"] | {"table_name": "another", "gone": 1}
    planned = upgrade(terraform, recording["state"], variables)
    lost = {"module.observability.aws_sns_topic.known_by_another_name": "delete"}
    assert planned.losses.items() >= (lost | {"module.jobs_table.aws_dynamodb_table.this": "replace"}).items()
    assert ['"gone"' in warning for warning in planned.warnings] == [True]


def test_the_released_version_is_recorded() -> None:
    assert path_of(released_version()).is_file(), "run: ./nox -s baseline"
