"""`transcribe FILE` and `transcribe show` as a person sees them on a terminal."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.local.client import Client
from services.local.stack import Stack
from tests.support.audio import MEETING
from tests.support.terminal import TRANSCRIBE, terminal

COLOUR = re.compile(r"\x1b\[(?:[\d;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
REMARK = "The sound ends at 9.9 s, before the file's header says it does."
LONG_NAME = "会議の録音, styrelsemöte e\u0301 👍🏽 i november, del två.mp3"


@pytest.fixture
def environment(stack: Stack, client: Client, tmp_path: Path) -> dict[str, str]:
    """What `transcribe` needs to know of the stack."""
    key = str(client.http.headers["Authorization"]).removeprefix("Bearer ")
    folders = {name: str(tmp_path / name) for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME")}
    return {"TRANSCRIBE_URL": stack.api_url, "TRANSCRIBE_KEY": key, **folders}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / LONG_NAME
    path.write_bytes(MEETING.read_bytes()[:60_000])
    return path


@pytest.mark.parametrize("columns", [60, 200])
def test_a_recording_is_shown_on_one_line_until_nothing_but_its_text_is_left(
    columns: int, environment: dict[str, str], recording: Path, client: Client
) -> None:
    with terminal([*TRANSCRIBE, str(recording)], columns=columns, env=environment) as seen:
        shown = seen.until(lambda lines: any("─" in line for line in lines) and lines)
        assert not seen.shows_cursor
        assert [line for line in shown if "…" in line or "会" in line] == shown[:1]
        assert len(shown) == 1, "the line is not wrapped"
        assert seen.end() == 0
    text = client.transcript(client.http.get("/api/jobs").json()["jobs"][0]["job_id"])
    assert seen.shows_cursor
    left = "".join(seen.lines)
    # Where a line ends is up to the length of the recording's path, and a space at the end of a line is not seen.
    assert REMARK.replace(" ", "") in left.replace(" ", "")
    assert seen.lines[-len(text.splitlines()) :] == [line.rstrip() for line in text.splitlines()]
    assert not re.search("[━─]", left)
    assert COLOUR.search(seen.raw)


def test_ctrl_c_leaves_the_job_and_a_clean_terminal_and_says_how_to_come_back(
    environment: dict[str, str], client: Client
) -> None:
    job_id = client.new_job("möte.mp3")["job_id"]
    with terminal([*TRANSCRIBE, "show", job_id, "--follow"], columns=100, env=environment) as seen:
        seen.until(lambda lines: "waiting for the upload" in "".join(lines))
        assert not seen.shows_cursor
        seen.interrupt()
        assert seen.end() == 130
    assert seen.shows_cursor
    assert [line.removeprefix("^C") for line in seen.lines] == [
        "Stopped. What the service has, it goes on with.",
        f"möte.mp3: its job goes on; come back with `transcribe show {job_id} --follow`",
    ]
    assert client.job(job_id)["status"] == "awaiting_upload"


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[list[str]]:
    """A command that sends standard input, which has no end."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # Open for both, it has no end.
    held = os.open(pipe, os.O_RDWR)
    yield ["sh", "-c", f"exec {shlex.join(TRANSCRIBE)} - <{shlex.quote(str(pipe))}"]
    os.close(held)


def test_ctrl_c_during_an_upload_says_that_it_has_not_ended(
    endless: list[str], environment: dict[str, str], client: Client
) -> None:
    with terminal(endless, columns=100, env=environment) as seen:
        seen.until(lambda lines: "standard-input" in "".join(lines))
        seen.interrupt()
        assert seen.end() == 130
    assert seen.lines[-1] == "-: its upload has not ended; run the same command again to send it"
    assert seen.shows_cursor
    assert client.http.get("/api/jobs").json()["jobs"] == []


def test_a_second_ctrl_c_ends_at_once_without_a_word_of_pythons(
    endless: list[str], environment: dict[str, str]
) -> None:
    with terminal(endless, columns=100, env=environment) as seen:
        seen.until(lambda lines: "standard-input" in "".join(lines))
        seen.interrupt()
        seen.until(lambda lines: "Stopped" in "".join(lines))
        seen.interrupt()
        assert seen.end() == 130
    assert "Error" not in seen.raw
    assert seen.shows_cursor


@pytest.mark.parametrize(
    ("variables", "live"), [({"NO_COLOR": "1"}, True), ({"TERM": "dumb"}, False)], ids=["NO_COLOR", "TERM=dumb"]
)
def test_no_colour_has_no_colours_and_a_terminal_that_cannot_draw_gets_lines(
    variables: dict[str, str], live: bool, environment: dict[str, str], client: Client
) -> None:
    job_id = client.new_job("möte.mp3")["job_id"]
    with terminal([*TRANSCRIBE, "show", job_id, "--follow"], columns=80, env=environment | variables) as seen:
        seen.until(lambda lines: "waiting for the upload" in "".join(lines))
        client.http.post(f"/api/jobs/{job_id}/cancel").raise_for_status()
        assert seen.end() == 1
    assert not COLOUR.search(seen.raw)
    assert bool(CONTROL.search(seen.raw)) == live
    assert seen.lines[-1] == "möte.mp3: It was canceled, so there is no text (CANCELED)."
