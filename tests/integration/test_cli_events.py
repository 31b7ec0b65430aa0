"""`transcribe events`: the feed on the command line, as a whole, in pieces, and as things happen."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator

import pexpect
import pytest

from services.cli.client import event_lines
from services.common.domain.times import SECOND_MS
from tests.support.api_jobs import FAILED, completed, finished
from tests.support.client_commands import CommandLine
from tests.support.gateway import Client, Gateway
from tests.support.world import World

QUEUED, COMPLETED_ = "transcription.queued", "transcription.completed"


@pytest.fixture
def cli(gateway: Gateway, alice: Client) -> Iterator[CommandLine]:
    with gateway.served() as url:
        yield CommandLine.of(url, alice.api_key)


def let_appear(world: World) -> None:
    """Events appear in the feed when some seconds have passed."""
    world.clock.pass_(6 * SECOND_MS)


def place(notes: list[str]) -> str:
    """The cursor that a command tells at its end."""
    return notes[-1].split("--after ")[1]


def test_each_event_is_one_line_with_its_time_type_job_and_file(world: World, alice: Client, cli: CommandLine) -> None:
    job = completed(world, alice)
    let_appear(world)
    assert cli.lines("events") == [
        f"2027-01-15T08:00:00.{number:03}Z\t{kind}\t{job.job_id}\tmöte.mp3"
        for number, kind in ((1, QUEUED), (2, COMPLETED_))
    ]
    assert cli.lines("events", "--type", COMPLETED_, "--type", "transcription.failed") == cli.lines("events")[1:]


def test_in_pieces_the_feed_is_the_same_as_in_one(world: World, alice: Client, cli: CommandLine) -> None:
    for _ in range(3):
        finished(world, alice, FAILED)
    let_appear(world)
    feed = alice.get("/api/events").json
    first = cli.run("events", "--limit", "4", "--json")
    pieces = [json.loads(line) for line in first.results]
    assert pieces[-1].pop("next") == place(first.notes)
    rest = cli.run("events", "--after", place(first.notes), "--json")
    pieces += [json.loads(line) for line in rest.results]
    assert pieces[-1].pop("next") == place(rest.notes)
    assert pieces == feed["events"]
    assert place(rest.notes) == feed["next"]
    nothing = cli.run("events", "--after", place(rest.notes))
    assert (nothing.exit_code, nothing.results, nothing.notes) == (0, [], ["There are no such events."])
    seldom = cli.run("events", "--type", "callback.disabled")
    assert (seldom.results, seldom.notes[0], place(seldom.notes)) == ([], "There are no such events.", feed["next"])


def test_whoever_follows_sees_what_happens_until_ctrl_c_and_is_told_where_it_goes_on(
    world: World, alice: Client, cli: CommandLine
) -> None:
    before = completed(world, alice)
    let_appear(world)
    with cli.running("events", "--follow") as following:
        assert [following.result().split("\t")[2] for _ in range(2)] == [before.job_id] * 2
        later = completed(world, alice, file_name="senare.mp3")
        let_appear(world)
        assert [following.result().split("\t")[2:] for _ in range(2)] == [[later.job_id, "senare.mp3"]] * 2
        last = finished(world, alice, FAILED)
        assert following.interrupt() == 130
        told = following.note()
    let_appear(world)
    assert [line.split("\t")[2] for line in cli.lines("events", "--after", place([told]))] == [last.job_id] * 2


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--after", "yesterday"), 3, "This is no cursor of this list"),
        (("--type", "callback.test"), 2, "There is no callback.test; there are:"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    cli: CommandLine, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    done = cli.run("events", *arguments)
    assert (done.exit_code, done.results) == (code, [])
    (line,) = done.notes
    assert sentence in line


@pytest.mark.parametrize("columns", [60, 200])
def test_in_a_terminal_ctrl_c_ends_following_and_the_place_is_told(
    world: World, alice: Client, cli: CommandLine, columns: int
) -> None:
    job = completed(world, alice, file_name="\x1b[2Jmöte\n.mp3")
    let_appear(world)
    environment = {**os.environ, **cli.environment, "TERM": "xterm"}
    terminal = pexpect.spawn(
        sys.executable,
        ["-m", "services.cli.main", "events", "--follow"],
        encoding="utf-8",
        timeout=30,
        dimensions=(40, columns),
        env=environment,
    )
    terminal.expect(rf"transcription.completed +{job.job_id} +\ufffd\[2Jmöte\ufffd.mp3\r\n")
    assert "\x1b" not in terminal.before
    terminal.sendintr()
    terminal.expect("To go on from here: --after e[a-z2-7]{35}\r\n")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130


def test_on_a_terminal_events_stand_in_columns_and_no_file_name_moves_the_cursor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    about_job = {"created_at": "2027-01-15T08:00:00.000Z", "type": QUEUED, "job_id": "job_" + "a" * 26}
    about_callback = about_job | {"type": "callback.disabled", "job_id": None, "callback_id": "cb_" + "a" * 26}
    lines = [
        event_lines.for_people(about_job | {"body": {"data": {"file_name": "\x1b[2Jmöte\n.mp3"}}}),
        event_lines.for_people(about_callback | {"body": {"data": {}}}, "204 in 3 ms"),
    ]
    assert lines[0].endswith("  \ufffd[2Jmöte\ufffd.mp3")
    assert lines[1].endswith("  -  204 in 3 ms")
    assert lines[0].index("job_") == lines[1].index("cb_")
    assert lines[0].index("\ufffd") == lines[1].index("-  204")
