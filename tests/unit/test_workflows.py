"""What runs on GitHub is what was looked at, with no more rights than it needs; and what the bot may not raise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.y*ml"))
_USES = re.compile(r"^ +(?:- )?uses: *(.*)$", re.MULTILINE)
_PINNED = re.compile(r"([\w.-]+/[\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)")
_BOUNDED = re.compile(r'"([\w-]+)[^"]*<(\d+)"')


def used(path: Path) -> list[str]:
    """What stands behind each `uses:` of a workflow."""
    return _USES.findall(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_its_commit_with_the_version_beside_it(path: Path) -> None:
    assert used(path), "a workflow without actions reads nothing of the repository"
    assert [action for action in used(path) if not _PINNED.fullmatch(action)] == []


def test_all_workflows_use_the_same_commit_of_an_action() -> None:
    pins = {found.groups() for path in WORKFLOWS for action in used(path) if (found := _PINNED.fullmatch(action))}
    assert len({name for name, _, _ in pins}) == len(pins)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_read_the_repository_and_a_single_job_says_so_if_it_may_more(path: Path) -> None:
    text = re.sub(r" *#.*", "", path.read_text(encoding="utf-8"))
    assert re.findall(r"^permissions:.*\n((?:  .*\n)*)", text, re.MULTILINE) == ["  contents: read\n"]
    jobs = re.findall(r"^    permissions:.*\n((?:      .*\n)*)", text, re.MULTILINE)
    assert [rights for rights in jobs if not re.fullmatch(r"( {6}[a-z-]+: (read|write)\n)+", rights)] == []
    assert text.count("write") == sum(rights.count("write") for rights in jobs)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_checkout_leaves_a_token_behind(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")


def test_the_bot_knows_the_upper_bounds_that_pyproject_has() -> None:
    bounds = _BOUNDED.findall((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    bot = (GITHUB / "dependabot.yml").read_text(encoding="utf-8")
    told = re.findall(r'dependency-name: ([\w-]+)\n +versions: \[">=(\d+)"\]', bot)
    assert sorted(told) == sorted(set(bounds))
    assert bounds, "or this test and the bot's exceptions can go"


def test_hooks_call_the_tools_that_are_pinned() -> None:
    """Or a program that a machine may lack, which is then left out."""
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    entries = re.findall(r"^ +entry: (\S+)", text, re.MULTILINE)
    assert set(re.findall(r"^  - repo: (\S+)", text, re.MULTILINE)) == {"local"}
    assert [entry for entry in entries if not entry.startswith(".nox/tests/bin/")] == ["sh"]
    assert "if command -v terraform" in text
