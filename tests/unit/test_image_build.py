"""An image is built for the deployment that Terraform made, and is held against what that needs."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import hcl2
import pytest

from services.cli.operator.cleanup.machine_images import TAG
from services.gpu_worker.engine.decode.catalogue import SPEAKERS
from tools import deployment, image_build, images, models
from tools.deployment import Names, Needs, RefusedError, outputs
from tools.image_build import build

OF_THE_ACCOUNT = {"cost-center": "4711", "owner": "the newsroom's"}
NEEDS = Needs(
    names=Names.of({"deployment": "news", "region": "eu-west-1", "session_manager": True, "tags": OF_THE_ACCOUNT}),
    region="eu-west-1",
    models=("KBLab/kb-whisper-small", "KBLab/kb-whisper-small@strict"),
    lifetime_minutes=375,
)
IMAGE: Any = {"Architecture": "x86_64", "RootDeviceName": "/dev/sda1"}
TAGS = {
    "transcribe-models": "KBLab/kb-whisper-large,KBLab/kb-whisper-small,KBLab/kb-whisper-small@strict",
    "transcribe-lifetime-minutes": "375",
    "transcribe-session-manager": "yes",
}


class Programs:
    """Programs that write down what they were given."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._said = folder / "said"

    def put(self, name: str, answer: str = "", status: int = 0) -> None:
        script = f"#!/bin/sh\necho {name} \"$@\" >>{self._said}\ncat <<'END'\n{answer}\nEND\nexit {status}\n"
        (self._folder / name).write_text(script)
        (self._folder / name).chmod(0o755)

    @property
    def ran(self) -> list[str]:
        return self._said.read_text().splitlines()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(image_build, "ARTIFACT", tmp_path / "worker.tar.gz")
    (tmp_path / "worker.tar.gz").write_bytes(b"packed")
    monkeypatch.setattr(models, "record_if_reachable", lambda _: None)
    made = Programs(tmp_path)
    made.put("packer")
    made.put("git", "c0ffee")
    return made


def test_an_image_is_built_with_what_the_deployment_needs_and_says_for_whom(
    programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    build(NEEDS)
    init, built = (line for line in programs.ran if line.startswith("packer"))
    assert init == "packer init packer"
    wanted = {
        *("-var=region=eu-west-1", "-var=deployment=news", "-var=lifetime_minutes=375", "-var=session_manager=yes"),
        *("-var=models=KBLab/kb-whisper-small,KBLab/kb-whisper-small@strict", "-var=commit=c0ffee"),
    }
    assert wanted <= set(built.split())
    assert built.split()[:2] == ["packer", "build"]
    assert built.endswith(" packer")
    assert "An image for the deployment news, as it was applied: region eu-west-1" in capsys.readouterr().out


def test_an_account_that_refuses_untagged_machines_gets_its_tags_on_all_that_a_build_makes(programs: Programs) -> None:
    build(NEEDS)
    assert f"-var=tags={json.dumps(OF_THE_ACCOUNT)}" in programs.ran[-1]
    [source] = hcl2.loads(Path("packer/image.pkr.hcl").read_text(encoding="utf-8"))["source"]
    builder = source['"amazon-ebs"']['"worker"']
    for made in ("run_tags", "run_volume_tags", "spot_tags"):
        assert "local.build_tags" in builder[made]
    for made in ("snapshot_tags", "tags"):
        assert builder[made].startswith("${merge(var.tags, ")


def test_an_image_and_its_snapshots_are_found_by_the_deployments_tag() -> None:
    [source] = hcl2.loads(Path("packer/image.pkr.hcl").read_text(encoding="utf-8"))["source"]
    builder = source['"amazon-ebs"']['"worker"']
    assert [TAG in builder[made] for made in ("snapshot_tags", "tags")] == [True, True]


@pytest.mark.parametrize("given", [["-var", "models=whisper-base"], ["-var=models=whisper-base"]])
def test_what_a_person_gives_wins_and_is_told_apart(
    programs: Programs, capsys: pytest.CaptureFixture[str], given: list[str]
) -> None:
    build(NEEDS, ["-on-error=abort", *given])
    assert " ".join(["-on-error=abort", *given, "packer"]) in programs.ran[-1]
    assert programs.ran[-1].count("models=") == 1
    assert "models whisper-base (given)" in capsys.readouterr().out


def test_without_a_deployment_packers_defaults_are_used_and_that_is_said(
    programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    build(None)
    assert "-var=region" not in programs.ran[-1]
    assert "built by Packer's defaults" in capsys.readouterr().out


def test_the_models_of_the_image_are_recorded_first(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: list[str] = []
    monkeypatch.setattr(models, "record_if_reachable", recorded.extend)
    build(NEEDS)
    build(NEEDS, ["-var", "models=whisper-base"])
    assert recorded == [SPEAKERS, *NEEDS.models, SPEAKERS, "whisper-base"]


def test_an_image_that_could_not_say_what_it_holds_is_not_built(programs: Programs) -> None:
    with pytest.raises(RefusedError, match="more than 256 characters"):
        build(None, ["-var", "models=" + ",".join(["KBLab/kb-whisper-small"] * 12)])


@pytest.mark.parametrize(
    ("told", "given", "built_for"),
    [
        ({"deployment": "news"}, ["-var", "models=x", "-debug"], NEEDS),
        ({}, ["--deployment", "news", "-var", "models=x", "-debug"], NEEDS),
        ({}, ["-var", "models=x", "-debug"], None),
    ],
    ids=["applied here", "named by a person", "none"],
)
def test_the_command_reads_the_deployment_and_hands_packers_arguments_on(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, str], given: list[str], built_for: Needs | None
) -> None:
    built: list[tuple[Needs | None, list[str]]] = []
    monkeypatch.setattr(deployment, "outputs", lambda _: told)
    monkeypatch.setattr(deployment, "needs", lambda names: NEEDS if names.deployment == "news" else None)
    monkeypatch.setattr(image_build, "build", lambda needs, rest: built.append((needs, rest)))
    assert images.main(["build", *given]) == 0
    assert built == [(built_for, ["-var", "models=x", "-debug"])]


def test_a_region_that_a_person_names_is_packers_where_there_is_no_deployment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built: list[list[str]] = []
    monkeypatch.setattr(deployment, "outputs", lambda _: {})
    monkeypatch.setattr(image_build, "build", lambda _, rest: built.append(rest))
    assert images.main(["build", "--region", "eu-west-1"]) == 0
    assert built == [["-var=region=eu-west-1"]]


def test_variables_in_a_file_are_refused_since_nobody_could_say_what_is_built(programs: Programs) -> None:
    with pytest.raises(RefusedError, match="give each variable with -var"):
        build(None, ["-var-file=mine.hcl"])


def test_packers_own_failure_is_the_commands(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "outputs", lambda _: {})
    programs.put("packer", status=3)
    assert images.main(["build"]) == 3


def test_nothing_is_built_of_a_worker_that_was_not_packed(programs: Programs) -> None:
    image_build.ARTIFACT.unlink()
    with pytest.raises(RefusedError, match=r"\./nox -s package"):
        build(None)


def test_an_image_that_holds_more_covers_the_deployment() -> None:
    assert NEEDS.lacking(IMAGE, TAGS) == []


@pytest.mark.parametrize(
    ("tags", "difference"),
    [
        ({"transcribe-models": "KBLab/kb-whisper-small"}, "it does not hold KBLab/kb-whisper-small@strict"),
        ({"transcribe-lifetime-minutes": "735"}, "its machines power off after 735 minutes instead of 375"),
        ({"transcribe-session-manager": "no"}, "it was built without the agent of Session Manager"),
    ],
)
def test_each_difference_to_the_deployment_is_named(tags: dict[str, str], difference: str) -> None:
    assert NEEDS.lacking(IMAGE, TAGS | tags) == [difference]
    assert NEEDS.lacking(IMAGE, {}) != [], "an image of an earlier version says nothing of itself"


def test_an_image_for_another_kind_of_machine_is_told() -> None:
    other: Any = {"Architecture": "arm64", "RootDeviceName": "/dev/xvda"}
    assert NEEDS.lacking(other, TAGS) == [
        "its Architecture is arm64 instead of x86_64",
        "its RootDeviceName is /dev/xvda instead of /dev/sda1",
    ]


def test_the_command_that_is_named_builds_what_is_needed() -> None:
    words = shlex.split(NEEDS.command())
    assert words[:4] == ["./nox", "-s", "image", "--"]
    assert image_build._variables(words[4:]) == NEEDS.variables()


def test_terraform_tells_where_it_was_begun(programs: Programs, tmp_path: Path) -> None:
    assert outputs(tmp_path) == {}, "nobody has begun here"
    (tmp_path / ".terraform").mkdir()
    programs.put("terraform", json.dumps({"region": {"value": "eu-west-1"}, "session_manager": {"value": False}}))
    assert outputs(tmp_path) == {"region": "eu-west-1", "session_manager": False}
    programs.put("terraform", status=1)
    with pytest.raises(RefusedError, match="does not say which deployment"):
        outputs(tmp_path)


def test_another_deployment_than_terraforms_is_found_by_its_own_name() -> None:
    told = {"deployment": "news", "region": "eu-west-1", "image_parameter": "/images/news"}
    assert Names.of(told, "news").image_parameter == "/images/news"
    other = Names.of(told, "sport", "eu-north-1")
    assert (other.image_parameter, other.config_parameter) == ("/sport/image", "/sport/worker")
    assert (other.region, other.known) == ("eu-north-1", True)
    assert not Names.of({}).known
