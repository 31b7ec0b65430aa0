"""`transcribe watch` and `transcribe cost` beside a system that works, as an operator sees them."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from services.cli.columns import cells
from services.local import resources
from services.local.client import Client
from services.local.environments import of_aws
from services.local.stack import Stack
from tests.support.audio import MEETING
from tests.support.terminal import TRANSCRIBE, terminal

SOME_MINUTES = MEETING.read_bytes() * 5
"""So long that a machine of this system works on it for more than one look."""


@pytest.fixture
def environment(stack: Stack) -> dict[str, str]:
    """What an operator sets."""
    return {**of_aws(stack.endpoint), "AWS_REGION": resources.REGION, "TABLE_NAME": resources.TABLE}


def document(environment: dict[str, str], *arguments: str) -> Any:
    words, variables = [*TRANSCRIBE, *arguments, "--json"], {**os.environ, **environment}
    done = subprocess.run(words, env=variables, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_job_is_watched_from_the_queue_to_its_end_and_q_leaves_a_clean_terminal(
    environment: dict[str, str], client: Client
) -> None:
    """On a small terminal and on a large one, at the same time."""
    with (
        terminal([*TRANSCRIBE, "watch"], columns=60, rows=10, env=environment) as small,
        terminal([*TRANSCRIBE, "watch"], columns=200, rows=50, env=environment) as large,
    ):
        for seen in (small, large):
            seen.until(lambda lines: any("queue" in line for line in lines))
            assert not seen.shows_cursor
        job_id = client.send(SOME_MINUTES, "möte.mp3")
        for seen in (small, large):
            at_work = seen.until(lambda lines: any("━" in line or "─" in line for line in lines) and lines)
            assert any(line.startswith("  00  works, ") for line in at_work)
        # The ids of the job are cut off on the small one.
        large.until(lambda lines: any(" completed " in line and line.endswith(job_id) for line in lines))
        small.until(lambda lines: any(" completed " in line for line in lines))
        for seen, columns in ((small, 60), (large, 200)):
            assert len(seen.lines) < 10
            assert max(map(cells, seen.lines)) < columns
            seen.press("q")
            assert seen.end() == 0
            assert seen.shows_cursor
            assert seen.lines == []


def test_ctrl_c_ends_it_with_130_and_a_clean_terminal(environment: dict[str, str]) -> None:
    with terminal([*TRANSCRIBE, "watch"], columns=80, env=environment) as seen:
        seen.until(lambda lines: any("queue" in line for line in lines))
        seen.interrupt()
        assert seen.end() == 130
    assert seen.shows_cursor
    assert seen.lines == [], seen.raw


def test_a_job_is_in_the_bill_of_its_client(environment: dict[str, str], client: Client) -> None:
    job_id = client.send(MEETING.read_bytes()[:60_000], "möte.mp3")
    client.wait(job_id)
    cost = client.job(job_id)["cost"]
    told = document(environment, "cost", "--client", client.client_id)
    bill = told["all"]
    assert told["clients"] == [{"client": client.client_id, **bill}]
    assert (bill["jobs"], bill["completed"], bill["interruptions"]) == (1, 1, 0)
    assert bill["machine_hours"] == round(cost["machine_seconds"] / 3_600, 4)
    assert bill["dollars"] == cost["dollars"]
    assert document(environment, "watch", "--once")["today"]["completed"] >= 1
