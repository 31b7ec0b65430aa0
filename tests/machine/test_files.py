"""The image's files as the real programs read them: Packer, and systemd in the tree that the scripts provisioned."""

from __future__ import annotations

import difflib
import re
import subprocess
from pathlib import Path

import pytest

from tools import packer_copy

PACKER = Path(__file__).parents[2] / "packer"
UNITS = (
    "transcribe-worker.service",
    "transcribe-poweroff.service",
    "transcribe-scratch.service",
    "transcribe-boot-deadline.service",
    "transcribe-boot-deadline.timer",
    "transcribe-lifetime.timer",
)
MOST_EXPOSURE = 3.0
_PLAIN = ("env", "SYSTEMD_COLORS=0", "SYSTEMD_URLIFY=0")


@pytest.fixture(scope="module")
def old_packers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packer") / "copy"
    packer_copy.copy(PACKER, folder)
    return folder


@pytest.mark.parametrize("more", ["on_demand_type=", "on_demand_type=g4dn.xlarge", 'tags={"cost-center": "4711"}'])
def test_packer_finds_the_template_valid_on_either_market_and_with_tags(old_packers: Path, more: str) -> None:
    done = subprocess.run(
        ["packer", "validate", "-var", "artifact=image.pkr.hcl", "-var", more, "."],
        cwd=old_packers,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_packer_is_not_shown_is_two_blocks_and_nothing_else(old_packers: Path) -> None:
    gone = [
        line[2:].strip()
        for path in sorted(PACKER.glob("*.pkr.hcl"))
        for line in difflib.ndiff(path.read_text().splitlines(), (old_packers / path.name).read_text().splitlines())
        if line[:1] in "-+?"
    ]
    assert gone == [
        "metadata_options {",
        'http_endpoint               = "enabled"',
        'http_tokens                 = "required"',
        "http_put_response_hop_limit = 1",
        "}",
        *(line.strip() for line in (PACKER / "plugins.pkr.hcl").read_text().splitlines()),
    ]


def inside(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    nspawn = ("systemd-nspawn", f"--directory={tree}", "--volatile=overlay", "--register=no", "--keep-unit", "--quiet")
    return subprocess.run([*nspawn, "--pipe", *_PLAIN, *command], capture_output=True, text=True, check=False)


def test_systemd_has_nothing_to_say_about_the_units(tree: Path) -> None:
    done = inside(tree, "systemd-analyze", "verify", "--man=no", *UNITS)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "propagate" not in line]
    assert ours == []


def test_the_worker_is_little_exposed(tree: Path) -> None:
    done = inside(tree, "systemd-analyze", "security", "--offline=true", "--no-pager", "transcribe-worker.service")
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= MOST_EXPOSURE


def test_the_worker_may_write_nothing_of_its_program(tree: Path) -> None:
    program = tree / "opt/transcribe"
    mine = [
        path
        for path in program.rglob("*")
        if not path.is_symlink() and (path.stat().st_uid or path.stat().st_mode & 0o002)
    ]
    assert mine == []
