"""Completion of commands, options and files with the Tab key, in a real bash."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
from typer.testing import CliRunner

from services.cli.main import app

ROOT = Path(__file__).parents[2]
PROMPT = "READY>"
FORGET_LINE = "\x15"


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A shell that has read what `--show-completion` prints, in a folder with one recording."""
    home = tmp_path_factory.mktemp("home")
    tools = home / "tools"
    tools.mkdir()
    program = tools / "transcribe"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m services.cli.main "$@"\n', "utf-8")
    program.chmod(0o755)
    folder = home / "recordings"
    folder.mkdir()
    (folder / "interview.m4a").touch()
    environment = {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "TERM": "dumb",
        "PS1": PROMPT,
        "INPUTRC": os.devnull,
    }
    shell = pexpect.spawn(
        "bash",
        ["--noprofile", "--norc"],
        cwd=folder,
        env=environment,
        encoding="utf-8",
        timeout=30,
        dimensions=(40, 200),
    )
    shell.expect_exact(PROMPT)
    shell.sendline("bind 'set bell-style none'; bind 'set enable-bracketed-paste off'")
    shell.expect_exact(PROMPT)
    shell.sendline('eval "$(transcribe --show-completion bash)"; echo read')
    shell.expect_exact("\r\nread\r\n")
    shell.expect_exact(PROMPT)
    yield shell
    shell.close(force=True)


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("canc", "el "),
        ("jobs --ref", "erence "),
        ("jobs --status fa", "iled "),
        ("operator cal", "lbacks "),
        ("interv", "iew.m4a "),
        ("send interv", "iew.m4a "),
        ("interview.m4a --lang", "uage "),
        ("--lang", "uage "),
        ("interview.m4a --preset car", "eful "),
    ],
)
def test_what_is_begun_is_completed_with_the_tab_key(bash: Any, typed: str, completed: str) -> None:
    bash.send(f"transcribe {typed}\t")
    bash.expect_exact(f"{typed}{completed}")
    # Not an interrupt: one that comes while bash still draws what it completed is lost at times.
    bash.sendline(f"{FORGET_LINE}echo next")
    bash.expect_exact("\r\nnext\r\n")
    bash.expect_exact(PROMPT)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_told_how_to_ask_for_completions(shell: str) -> None:
    done = CliRunner().invoke(app, ["--show-completion", shell], catch_exceptions=False)
    assert done.exit_code == 0
    assert f"_TRANSCRIBE_COMPLETE=complete_{shell}" in done.stdout
