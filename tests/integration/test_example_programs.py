"""How the examples of the API's documentation end where there is no text, against an API that says so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.replies import replying

EXAMPLES = Path(__file__).parents[2] / "examples" / "api"
BOTH = pytest.mark.parametrize(
    "command",
    [
        pytest.param(["bash", "transcribe.sh"], id="curl", marks=[pytest.mark.curl, pytest.mark.jq]),
        pytest.param([sys.executable, "transcribe.py"], id="python"),
    ],
)
JOB = "GET /api/jobs/job_1"


@contextmanager
def api(told: dict[str, tuple[int, Any]], **job: Any) -> Iterator[str]:
    """An API with one job, of which these replies differ from what is usual; gives its address.

    `job`: what a client is told of it when it is made, so that nobody has to wait a second to hear it.
    """
    with replying() as replies:
        form = {"url": f"{replies.address}/form", "fields": {"key": "uploads/recording"}}
        replies.by_request |= {
            "POST /api/jobs": (201, {"job_id": "job_1", "upload": form, "status": "awaiting_upload", **job}),
            "POST /form": (204, None),
            **told,
        }
        yield replies.address


def run(command: list[str], address: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "möte.mp3").write_bytes(b"sound")
    program, example = command
    return subprocess.run(
        [program, str(EXAMPLES / example), "möte.mp3"],
        cwd=folder,
        env=os.environ | {"TRANSCRIBE_URL": address, "TRANSCRIBE_KEY": "key_of_the_examples"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@BOTH
@pytest.mark.parametrize(
    ("job", "said"),
    [
        ({"status": "expired"}, "The job has expired: its upload did not come in time."),
        ({"status": "archived", "error": None}, "The job is archived: there is no text."),
        (
            {"status": "failed", "error": {"message": "This is no recording."}},
            "The job is failed: This is no recording.",
        ),
    ],
    ids=["expired", "unknown", "failed"],
)
def test_every_end_without_a_text_is_said_with_its_reason(
    tmp_path: Path, command: list[str], job: dict[str, Any], said: str
) -> None:
    with api({}, **job) as address:
        done = run(command, address, tmp_path)

    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (1, "", [said])


@BOTH
def test_waiting_for_an_upload_that_did_not_come_ends(tmp_path: Path, command: list[str]) -> None:
    with api({JOB: (200, {"job_id": "job_1", "status": "expired"})}) as address:
        done = run(command, address, tmp_path)

    assert (done.returncode, done.stdout) == (1, "")
    assert "did not come in time" in done.stderr


@BOTH
@pytest.mark.parametrize("refused", ["POST /api/jobs", "POST /form", JOB])
def test_a_refusal_ends_it_and_what_was_refused_is_said(tmp_path: Path, command: list[str], refused: str) -> None:
    with api({refused: (403, {"detail": "This key was revoked."})}) as address:
        done = run(command, address, tmp_path)

    assert done.returncode not in {0, None}
    assert done.stdout == ""
    assert "This key was revoked." in done.stderr
    assert "403" in done.stderr
    assert "Traceback" not in done.stderr


@BOTH
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "<Code>AccessDenied</Code><Message>Invalid according to Policy: Policy expired.</Message>"),
        (400, "<Code>ExpiredToken</Code><Message>The provided token has expired.</Message>"),
    ],
    ids=["form", "session"],
)
def test_a_form_that_has_ended_is_renewed_once(tmp_path: Path, command: list[str], status: int, words: str) -> None:
    with replying() as replies:
        first, fresh = ({"url": f"{replies.address}/{name}", "fields": {"key": name}} for name in ("first", "fresh"))
        replies.by_request |= {
            "POST /api/jobs": (201, {"job_id": "job_1", "upload": first, "status": "expired"}),
            "POST /first": (status, words),
            "POST /api/jobs/job_1/upload": (200, {"upload": fresh, "multipart": None}),
            "POST /fresh": (204, None),
        }
        done = run(command, replies.address, tmp_path)
        replies.by_request["POST /fresh"] = (status, words)
        in_vain = run(command, replies.address, tmp_path)
        asked = [request for request, _ in replies.asked]

    once = ["POST /api/jobs", "POST /first", "POST /api/jobs/job_1/upload", "POST /fresh"]
    assert asked == once * 2
    assert done.stderr.splitlines()[-1] == "The job has expired: its upload did not come in time."
    assert in_vain.returncode != 0
    assert "expired" in in_vain.stderr


@BOTH
def test_without_a_file_an_example_says_how_it_is_used(command: list[str]) -> None:
    program, example = command
    done = subprocess.run([program, str(EXAMPLES / example)], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert f"{example} FILE" in done.stderr
