"""`transcribe --help` and the help of each command: quick, true, and good to read in a narrow terminal."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from services.cli.errors import Exit
from services.cli.main import Transcribe, app
from tests.support.documents import text_of

CPU_SECONDS = 0.2
HEAVY = ("boto3", "botocore", "httpx", "pydantic", "rich")
TIMED = f"""
import resource, sys
from services.cli.main import app
try:
    app(["--help"], prog_name="transcribe")
except SystemExit:
    pass
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, *(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)
"""


ROOT: Any = typer.main.get_command(app)


def commands(*words: str, of: Any = None) -> Iterator[tuple[tuple[str, ...], Any]]:
    """A command with the words that call it; of a group, its commands too."""
    one = of or ROOT._loaded(*words)
    yield words, one
    if isinstance(one, TyperGroup):
        for name, inner in one.commands.items():
            yield from commands(*words, name, of=inner)


def help_of(words: tuple[str, ...], one: Any, columns: int) -> str:
    parent = typer.Context(ROOT, info_name="transcribe")
    size: dict[str, Any] = {"terminal_width": columns, "max_content_width": columns}
    return str(one.get_help(typer.Context(one, parent=parent, info_name=" ".join(words), **size)))


def test_help_is_there_in_a_moment_and_loads_nothing_that_it_does_not_need() -> None:
    told = [subprocess.run([sys.executable, "-c", TIMED], capture_output=True, text=True, check=True) for _ in range(5)]
    seconds, *loaded = zip(*(one.stderr.split() for one in told), strict=True)
    assert loaded == []
    assert statistics.median(map(float, seconds)) <= CPU_SECONDS
    assert all("Usage: transcribe" in one.stdout for one in told)


@pytest.mark.parametrize("name", Transcribe.entries)
def test_the_line_of_a_command_is_the_beginning_of_its_own_help(name: str) -> None:
    _, one = next(commands(name))
    assert " ".join(one.help.split()).startswith(Transcribe.entries[name].help.rstrip("."))


@pytest.mark.parametrize("name", Transcribe.entries)
def test_every_argument_and_option_says_what_it_is(name: str) -> None:
    silent = {(*words, one.name) for words, command in commands(name) for one in command.params if not one.help}
    assert silent == set()


@pytest.mark.parametrize("name", Transcribe.entries)
def test_every_command_prints_json_if_it_is_asked_to(name: str) -> None:
    silent = [words for words, one in commands(name) if not isinstance(one, TyperGroup) and "json" not in _names(one)]
    assert silent == []


def _names(command: Any) -> set[str]:
    return {str(one.name) for one in command.params}


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("name", Transcribe.entries)
def test_help_fits_a_narrow_terminal_and_speaks_no_python(name: str, columns: int) -> None:
    for words, one in commands(name):
        text = help_of(words, one, columns)
        assert [line for line in text.splitlines() if len(line) > columns] == []
        assert re.findall(r"<\w+(?:\[.*?\])?>|\.\.\.|None|Raises|\bdatetime\b", text) == []


@pytest.mark.parametrize("wrong", [("jobs", "--wrong"), ("cancel",), ("keys", "wrong"), ("jobs", "--limit", "0")])
def test_a_wrong_command_line_ends_with_2_and_says_how_it_is_written(wrong: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, wrong)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: ")
    assert "Error: " in done.stderr


def test_a_status_that_there_is_not_is_told_with_those_that_there_are() -> None:
    done = CliRunner().invoke(app, ["jobs", "--status", "failed,faild"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("transcribe: There is no status faild; there are: awaiting_upload, queued, ")


@pytest.mark.parametrize("group", [(), ("keys",), ("operator", "jobs")])
def test_a_group_without_a_word_prints_its_help(group: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, group)
    assert done.exit_code == 0
    assert done.stdout == CliRunner().invoke(app, [*group, "--help"]).stdout
    assert done.stdout.startswith("Usage: ")


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    assert CliRunner().invoke(app, ["--version"]).stdout == f"transcribe {project['version']}\n"


def test_the_document_lists_every_command_as_help_does() -> None:
    rows = re.findall(r"^\| `transcribe ([\w ]+?)(?: [^`]*)?` \| ", text_of("docs/command-line.md"), re.MULTILINE)
    assert [row.split()[0] for row in rows] == list(Transcribe.entries)


def test_the_document_lists_every_exit_code() -> None:
    codes = re.findall(r"^\| (\d+) \| ", text_of("docs/command-line.md"), re.MULTILINE)
    assert list(map(int, codes)) == list(Exit)


def test_the_document_names_every_variable_that_help_names() -> None:
    text = text_of("docs/command-line.md")
    assert [name for name in Transcribe.variables if f"| `{name}` |" not in text] == []
