"""What clients of the API do with jobs on the command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import webbrowser
from collections.abc import Iterator
from typing import Any

import pexpect
import pytest
from typer.testing import CliRunner, Result

from services.cli.errors import Exit
from services.cli.main import app
from services.common.domain.states import JobStatus
from tests.support.api_jobs import FAILED, completed, create, finished, put_many, uploaded
from tests.support.gateway import Client, Gateway
from tests.support.world import World

PROGRAM = ("-m", "services.cli.main")


@pytest.fixture(autouse=True)
def served(gateway: Gateway, alice: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands speak to the API as Alice, from a machine that was never logged in."""
    with gateway.served() as url:
        monkeypatch.setenv("TRANSCRIBE_URL", url)
        monkeypatch.setenv("TRANSCRIBE_KEY", alice.api_key)
        yield


def ran(*arguments: str, code: Exit = Exit.DONE) -> Result:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


def told(*arguments: str, code: Exit = Exit.DONE) -> list[str]:
    """The lines that a command prints as its result."""
    return ran(*arguments, code=code).stdout.splitlines()


def document(*arguments: str, code: Exit = Exit.DONE) -> Any:
    return json.loads(ran(*arguments, "--json", code=code).stdout)


def said(result: Result) -> list[str]:
    """What a command said to people; the API logs in this process too."""
    return [line for line in result.stderr.splitlines() if not line.startswith("{")]


def test_jobs_are_listed_newest_first_with_what_tells_them_apart(world: World, alice: Client) -> None:
    first = completed(world, alice, reference="Ärende 1")
    world.clock.pass_(60_000)
    second = create(alice, file_name="styrelse.wav")["job_id"]

    newest, oldest = (line.split("\t") for line in told("jobs"))
    assert newest[:3] == [second, "awaiting_upload", "styrelse.wav"]
    assert newest[4:] == ["-", "-"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", newest[3])
    assert oldest == [first.job_id, "completed", "möte.mp3", oldest[3], "0:02", "Ärende 1"]
    assert [job["job_id"] for job in document("jobs")] == [second, first.job_id]
    assert document("jobs")[1] == alice.get(f"/api/jobs/{first.job_id}").json | {
        "progress": document("jobs")[1]["progress"]
    }


def test_jobs_are_found_by_status_words_and_reference(world: World, alice: Client) -> None:
    failed = finished(world, alice, FAILED, file_name="a.mp3", reference="north/1").job_id
    world.clock.pass_(1_000)
    queued = uploaded(world, alice, file_name="Möte.mp3").job_id
    world.clock.pass_(1_000)
    waits = create(alice, file_name="b.mp3", reference="north/2")["job_id"]

    assert told("jobs", "-q", "--status", "failed", "--status", "queued") == [queued, failed]
    assert told("jobs", "-q", "--status", "failed,queued") == [queued, failed]
    assert told("jobs", "-q", "--search", "möte") == [queued]
    assert told("jobs", "-q", "--reference", "north/2") == [waits]
    none = ran("jobs", "--search", "nothing")
    assert (none.stdout, said(none)) == ("", ["There are no such jobs."])


def test_more_jobs_than_fit_are_told_of_and_any_number_can_be_listed(world: World) -> None:
    every = [job.job_id for job in put_many(world, 130)]
    usual = ran("jobs", "-q")
    assert usual.stdout.split() == every[:30]
    assert said(usual) == ["There are more jobs: see them with a higher --limit."]
    everything = ran("jobs", "-q", "--limit", "130")
    assert (everything.stdout.split(), said(everything)) == (every, [])


def test_of_several_jobs_one_that_fails_stops_none_and_each_is_told_of(
    world: World, alice: Client, mallory: Client
) -> None:
    one, other = uploaded(world, alice).job_id, uploaded(world, alice, file_name="b.mp3").job_id
    hers = uploaded(world, mallory).job_id
    done = ran("cancel", one, hers, "../clients", other, code=Exit.REFUSED)
    assert done.stdout.splitlines() == [f"{one} canceled", f"{other} canceled"]
    refused, unknown = said(done)
    assert refused.startswith(f"transcribe: {hers}: There is no such job, or it is not yours: compare the id")
    assert unknown.startswith("transcribe: ../clients: ")
    assert world.job(hers).status is JobStatus.QUEUED
    canceled, foreign = document("cancel", one, hers, code=Exit.REFUSED)
    assert (canceled["job_id"], canceled["status"]) == (one, "canceled")
    assert (foreign["job_id"], foreign["error"]["code"]) == (hers, "NOT_FOUND")


def test_a_failed_job_is_queued_again_and_another_is_not(world: World, alice: Client) -> None:
    failed, queued = finished(world, alice, FAILED).job_id, uploaded(world, alice, file_name="b.mp3").job_id
    done = ran("retry", queued, failed, code=Exit.REFUSED)
    assert done.stdout == f"{failed} queued\n"
    assert "(NOT_FAILED)" in said(done)[0]


def test_a_job_is_erased_only_if_somebody_is_sure_and_the_receipt_can_be_had_again(world: World, alice: Client) -> None:
    job_id = uploaded(world, alice).job_id
    refused = ran("erase", job_id, code=Exit.USAGE)
    assert said(refused)[-1].endswith("nobody can be asked here: add --yes if you are sure.")
    assert world.job(job_id)

    (line,) = told("erase", job_id, "--yes")
    receipt = f"{job_id} erased: 1 recording, 0 results, 0 work, 2 records"
    assert line == f"{receipt}; it is searched for what is left, and final after that"
    assert world.store.jobs.get(job_id) is None
    (again,) = document("erase", job_id, "--yes")
    assert (again["removed"]["recording"], again["final"]) == (1, False)
    assert "(NOT_FOUND)" in said(ran("erase", "job_none", "--yes", code=Exit.REFUSED))[0]


def test_on_a_terminal_an_erasure_is_asked_about_and_ctrl_c_erases_nothing(world: World, alice: Client) -> None:
    job_id = uploaded(world, alice).job_id
    for answer, code in (("n\n", 1), ("\x03", 130), ("y\n", 0)):
        assert world.store.jobs.get(job_id)
        terminal = pexpect.spawn(sys.executable, [*PROGRAM, "erase", job_id], encoding="utf-8", timeout=30)
        terminal.expect_exact("Erase this job with its recording, transcripts and records for ever? [y/N]: ")
        terminal.send(answer)
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert terminal.exitstatus == code
        assert "Traceback" not in terminal.before
    assert world.store.jobs.get(job_id) is None


@pytest.mark.parametrize("columns", [60, 200])
def test_a_table_on_a_terminal_is_drawn_in_its_width_and_no_file_name_moves_the_cursor(
    alice: Client, columns: int
) -> None:
    create(alice, file_name="styrelsens \x1b[2J möte [bold]" + "x" * 80 + ".mp3")
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1"}
    environment.pop("COLUMNS", None)
    size = {"dimensions": (40, columns), "env": environment}
    terminal = pexpect.spawn(sys.executable, [*PROGRAM, "jobs"], encoding="utf-8", timeout=30, **size)
    terminal.expect(pexpect.EOF)
    shown = re.sub(r"\x1b\[[01]?m", "", terminal.before)  # bold, and its end
    heading, row = shown.splitlines()
    assert "\x1b" not in shown
    assert max(len(heading), len(row)) <= columns
    assert row.split()[1] == "awaiting_upload"
    assert ("\ufffd[2J möte [bold]xxx" in row) == (columns == 200)


def test_messages_about_a_job_are_listed_with_what_came_of_each_and_sent_again(world: World, alice: Client) -> None:
    callback_id = alice.post("/api/callbacks", {"url": "https://hooks.example.com/"}).json["callback_id"]
    job_id = completed(world, alice).job_id
    (delivery,) = document("deliveries", job_id)
    assert delivery == alice.get(f"/api/jobs/{job_id}/deliveries").json["deliveries"][0]
    (row,) = (line.split("\t") for line in told("deliveries", job_id))
    assert row == [delivery["delivery_id"], "pending", "0", "-", "-", row[5], "transcription.completed", callback_id]
    assert told("redeliver", job_id, row[0]) == [f"{row[0]} pending"]
    assert "(NOT_FOUND)" in ran("redeliver", job_id, "evt_none.cb_none", code=Exit.REFUSED).stderr

    assert said(ran("deliveries", callback_id)) == ["There are no messages."]
    alice.post(f"/api/callbacks/{callback_id}/test")
    assert [line.split("\t")[6:] for line in told("deliveries", callback_id)] == [["callback.test", callback_id]]


def test_a_reader_that_has_left_ends_a_command_quietly(world: World) -> None:
    put_many(world, 100)
    program = " ".join((sys.executable, *PROGRAM))
    script = f"set -o pipefail; {program} jobs --limit 100 | true"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env=os.environ)
    assert (done.returncode, done.stderr) == (Exit.CLOSED, "")


@pytest.mark.parametrize("has_browser", [True, False])
def test_open_shows_a_job_on_the_page_and_prints_its_address_without_a_key(
    world: World, alice: Client, monkeypatch: pytest.MonkeyPatch, *, has_browser: bool
) -> None:
    job = completed(world, alice)
    shown = list[str]()

    def opens(address: str) -> bool:
        shown.append(address)
        return has_browser

    monkeypatch.setattr(webbrowser, "open", opens)
    done = ran("open", job.job_id)
    address = f"{os.environ['TRANSCRIBE_URL']}/#/{job.job_id}"
    assert (done.stdout, shown) == (f"{address}\n", [address])
    assert said(done) == (
        [] if has_browser else ["There is no browser here that could be opened: open this address in one."]
    )
    assert document("open", job.job_id) == {"url": address}


def test_open_shows_nothing_of_a_job_that_is_not_the_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = list[str]()
    monkeypatch.setattr(webbrowser, "open", shown.append)
    done = ran("open", "job_nobodys", code=Exit.REFUSED)
    assert (done.stdout, shown) == ("", [])
    assert said(done)[0].startswith("transcribe: There is no such job")
