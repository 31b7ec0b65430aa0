"""Whoever follows docs/deploy.md word by word types only what there is; blocks that can be run are run in tests/e2e."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache

import hcl2
import pytest
from botocore.exceptions import ParamValidationError

from tests.support import aws_command
from tests.support.guide import FOLLOWED, LEFT_OUT, ROOT, STAND_INS, blocks, commands

COMMANDS = [words for block in blocks() for words in commands(block)]
TEXTS = [
    *(ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))),
    *sorted(path for path in (ROOT / "terraform").rglob("*.tf") if ".terraform" not in path.parts),
]
NO_API = {("s3", "cp"), ("s3", "sync"), ("logs", "tail")}
"""Commands of AWS's command line that are no operation of an API."""


def of(program: str) -> list[list[str]]:
    return [words[1:] for words in COMMANDS if words[0] == program]


def terraform_names(file: str, kind: str) -> set[str]:
    parsed = hcl2.loads((ROOT / "terraform" / file).read_text(encoding="utf-8"))
    return {name.strip('"') for block in parsed[kind] for name in block}


@cache
def help_of(module: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_every_block_is_run_or_it_is_said_why_not() -> None:
    known = (*FOLLOWED, *LEFT_OUT)
    assert [[name for name in known if block.startswith(name)] for block in blocks()].count([]) == 0
    assert {name for name in known if not any(block.startswith(name) for block in blocks())} == set()


def test_no_program_is_used_that_nothing_here_looks_at() -> None:
    shell = {"echo", "export", "python3", "."}
    assert {words[0] for words in COMMANDS} == {"./nox", "terraform", "python", *STAND_INS, *shell}


@pytest.mark.parametrize("words", of("aws"), ids=" ".join)
def test_aws_understands_a_command(words: list[str]) -> None:
    if tuple(words[:2]) not in NO_API:
        aws_command.check(words)


def named() -> list[tuple[str, str]]:
    """Each command of AWS's that a sentence of the guides or a message of Terraform's names, and where."""
    command = re.compile(r"`aws ([a-z0-9-]+ [a-z-]+[^`\n]*)|(?:: |\()aws ([a-z0-9-]+ [a-z-]+[^`)\n\"]*)")
    return [
        (path.name, (quoted or plain).replace('\\"', '"'))
        for path in TEXTS
        for quoted, plain in command.findall(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(("where", "command"), named())
def test_aws_has_the_operation_and_the_options_that_a_sentence_names(where: str, command: str) -> None:
    service, operation, *rest = command.split()
    if (service, operation) not in NO_API:
        assert aws_command.look_up(service, operation, [word for word in rest if word.startswith("--")]), where


@pytest.mark.parametrize("words", of("./nox"), ids=" ".join)
def test_nox_has_the_session(words: list[str]) -> None:
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    assert words[0] == "-s"
    assert words[1] in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("words", of("terraform"), ids=" ".join)
def test_terraform_has_the_variables_and_outputs(words: list[str]) -> None:
    folder, command, *rest = words
    assert folder == "-chdir=terraform", "all of the guide is typed in the repository's root"
    assert command in {"init", "apply", "output", "destroy"}
    given = {rest[place + 1].partition("=")[0] for place, word in enumerate(rest) if word == "-var"}
    assert given <= terraform_names("variables.tf", "variable")
    if command == "output":
        assert set(rest[1:]) <= terraform_names("outputs.tf", "output")


@pytest.mark.parametrize("words", of("python"), ids=" ".join)
def test_a_tool_has_the_options(words: list[str]) -> None:
    assert words[0] == "-m"
    assert all(option in help_of(words[1]) for option in words[2:] if option.startswith("--"))


@pytest.mark.parametrize("words", of("pip"), ids=" ".join)
def test_requirements_are_there(words: list[str]) -> None:
    named = [words[place + 1] for place, word in enumerate(words) if word == "-r"]
    assert all((ROOT / name).is_file() for name in named)


def test_a_command_that_aws_does_not_know_or_that_lacks_something_is_refused() -> None:
    for wrong in ("ec3 run", "ec2 start-everything", "ssm get-parameter --names x"):
        with pytest.raises(LookupError):
            aws_command.check(wrong.split())
    with pytest.raises(ParamValidationError):
        aws_command.check(["ssm", "put-parameter", "--value", "none"])
