"""Whatever its three streams are, `transcribe` ends well: a lost result is told in a sentence, a lost note is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from services.cli.errors import Exit

TRANSCRIBE = f'"{sys.executable}" -m services.cli.main'
PRINTS = """
import os
from services.cli import printing, streams
from services.cli.client import event_lines
streams.prepare()
told = {"file": os.fsdecode(b"m\\xc3\\xb6te \\xff")}
printing.as_json(told, line=True)
print(event_lines.as_json(told))
"""


def run(command: str) -> subprocess.CompletedProcess[str]:
    """A command of the shell, as somebody types it."""
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_end_no_command(closed: str) -> None:
    done = run(f"{TRANSCRIBE} --version {closed}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "" if ">&-" in closed.split() else done.stdout.startswith("transcribe ")


def test_a_file_gets_no_number_of_a_closed_stream() -> None:
    shows = "from services.cli import streams; streams.prepare(); print(open('/dev/null').fileno() > 2)"
    assert run(f'"{sys.executable}" -c "{shows}" <&- 2>&-').stdout == "True\n"


def test_closed_standard_input_is_an_empty_recording() -> None:
    done = run(f"{TRANSCRIBE} - --api http://127.0.0.1:9 --key key <&-")
    assert (done.returncode, done.stdout) == (3, "")
    assert "Standard input is empty" in done.stderr


@pytest.mark.parametrize("where", ["2>/dev/full", "2> >(true)"])
def test_an_error_that_nobody_can_hear_keeps_its_exit_code(where: str) -> None:
    assert run(f"{TRANSCRIBE} missing.mp3 {where}").returncode == 3


@pytest.mark.parametrize("what", ["--help", "--version", "send --help"])
def test_what_finds_a_full_disk_is_told_in_one_sentence(what: str) -> None:
    done = run(f"{TRANSCRIBE} {what} >/dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith("transcribe: The disk is full")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii:strict", "latin-1:strict"])
def test_json_is_json_and_names_the_file_in_every_encoding(encoding: str) -> None:
    """The name is no text: its last byte is of no UTF-8."""
    known = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "1"}
    done = subprocess.run([sys.executable, "-c", PRINTS], env=known, capture_output=True, check=False)
    assert done.stderr == b""
    lines = done.stdout.decode(encoding.partition(":")[0]).splitlines()
    assert [os.fsencode(json.loads(line)["file"]) for line in lines] == ["möte ".encode() + b"\xff"] * 2


def test_an_empty_word_is_not_the_folder_that_one_stands_in() -> None:
    """It is what a shell makes of a variable without a value."""
    done = run(f'{TRANSCRIBE} ""')
    assert (done.returncode, done.stdout) == (2, "")
    assert "is empty" in done.stderr


def test_a_command_that_is_told_to_end_ends_as_after_ctrl_c() -> None:
    words = [sys.executable, "-m", "services.cli.main", "-", "--api", "http://127.0.0.1:9", "--key", "key"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr
        assert running.stderr.readline() == "-: beginning\n"
        running.terminate()
        assert running.wait(timeout=30) == Exit.INTERRUPTED
        assert running.stderr.readline().startswith("Stopped.")
