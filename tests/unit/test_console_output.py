"""A console is copied whole only where it cannot hold anything of a recording; what goes wrong stops nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.orchestrator.console_output import LINE_CHARACTERS, LINES, SWEEP_SECONDS, Consoles, fit_to_leave, lines_of
from tests.support.faults import aws_error

NOW = 1_800_000_000_000
OURS = json.dumps({"event": "aws.waiting", "level": "warning", "timestamp": "2026-11-26T10:00:00+00:00"})


class Ec2:
    """Answers with what each kind of question finds; an error is raised."""

    def __init__(self, latest: Any = None, kept: Any = None) -> None:
        self._answers = {True: latest, False: kept}

    def get_console_output(self, *, InstanceId: str, Latest: bool = False) -> dict[str, Any]:  # noqa: N803 - AWS's names
        assert InstanceId == "i-1"
        answer = self._answers[Latest]
        if isinstance(answer, Exception):
            raise answer
        return {"InstanceId": InstanceId} if answer is None else {"Output": answer}


class Logs:
    """A log group; `error`: what each call of that name meets."""

    def __init__(self, **errors: Exception) -> None:
        self._errors = errors
        self.streams: list[str] = []
        self.events: list[dict[str, Any]] = []

    def create_log_stream(self, *, logGroupName: str, logStreamName: str) -> None:  # noqa: N803 - AWS's names
        self._fail("create")
        self.streams.append(f"{logGroupName} {logStreamName}")

    def put_log_events(self, *, logEvents: list[dict[str, Any]], **_: str) -> None:  # noqa: N803 - AWS's name
        self._fail("put")
        self.events += logEvents

    def _fail(self, name: str) -> None:
        if name in self._errors:
            raise self._errors[name]


def consoles(ec2: Any, logs: Any, group: str = "/group", seconds: Any = lambda: 0.0) -> Consoles:
    made = Consoles(lambda: ec2, lambda: logs, group, lambda: NOW, seconds)
    made.begin()
    return made


def kept(ec2: Any, logs: Logs, *, reported: bool = False) -> tuple[str | None, list[str]]:
    """Where the console went, and its lines under the head."""
    where = consoles(ec2, logs).keep("i-1", "why", reported=lambda: reported)
    return where, [event["message"] for event in logs.events[1:]]


def test_the_console_of_a_machine_that_never_reported_is_copied_under_why_it_ended() -> None:
    logs = Logs()
    assert kept(Ec2("one\r\n\n  two\x1b[0m\n"), logs) == ("/group i-1/console", ["one", "two"])
    assert logs.streams == ["/group i-1/console"]
    head = json.loads(logs.events[0]["message"])
    assert (head["event"], head["why"], head["whole"]) == ("machine.console", "why", True)


@pytest.mark.parametrize("latest", [None, "", aws_error("UnsupportedOperation", "GetConsoleOutput")])
def test_what_ec2_itself_kept_is_taken_where_there_is_no_latest(latest: Any) -> None:
    assert kept(Ec2(latest, "kept"), Logs())[1] == ["kept"]


@pytest.mark.parametrize(
    ("line", "leaves"),
    [
        ("[   12.345678] Out of memory: Killed process 812 (python) total-vm:1kB", True),
        ("[   12.345678] NVRM: Xid (PCI:0000:00:1e): 79, GPU has fallen off the bus.", True),
        ("[    1.000000] Kernel panic - not syncing: Attempted to kill init!", True),
        (f"[   12.345678] python[812]: {OURS}", True),
        (OURS, True),
        ("[   12.345678] ffmpeg[913]: Out of memory: while reading interview with Anna.mp3", False),
        ("[   12.345678] EXT4-fs error (device nvme0n1p1): ext4_lookup:1: 'Anna.mp3' linked to parent", False),
        ('[   12.345678] python[812]: {"event": "x", "text": "Anna said"}', False),
        ("Out of memory: Anna.mp3", False),
        ("Anna said {", False),
    ],
)
def test_of_a_machine_that_had_reported_only_the_kernels_complaints_and_our_own_lines_leave(
    line: str, *, leaves: bool
) -> None:
    told = line[line.find("{") :] if "{" in line else line
    assert fit_to_leave(line) == (told if leaves else None)
    logs = Logs()
    assert kept(Ec2(line), logs, reported=True)[1] == ([told] if leaves else [])
    assert json.loads(logs.events[0]["message"])["whole"] is False


def test_whether_it_had_reported_is_asked_after_its_console_was_read() -> None:
    happened: list[str] = []

    class Slow(Ec2):
        def get_console_output(self, **_: Any) -> dict[str, Any]:
            happened.append("read")
            return {"Output": "x"}

    def reported() -> bool:
        happened.append("asked")
        return False

    consoles(Slow(), Logs()).keep("i-1", "why", reported=reported)
    assert happened == ["read", "asked"]


def test_a_console_that_cannot_be_read_is_no_reason_to_lose_why_the_machine_ended() -> None:
    logs, denied = Logs(), aws_error("UnauthorizedOperation", "GetConsoleOutput", status=403)
    assert kept(Ec2(denied, denied), logs) == ("/group i-1/console", [])
    head = json.loads(logs.events[0]["message"])
    assert head["why"] == "why"
    assert head["error"].startswith("UnauthorizedOperation at GetConsoleOutput (403)")


@pytest.mark.parametrize(
    ("logs", "where"),
    [
        (Logs(create=aws_error("ResourceAlreadyExistsException", "CreateLogStream")), "/group i-1/console"),
        (Logs(put=aws_error("AccessDeniedException", "PutLogEvents")), None),
        (Logs(create=RuntimeError("any"), put=RuntimeError("any")), None),
    ],
    ids=["the stream is there", "denied", "anything"],
)
def test_no_trouble_with_the_log_group_is_the_sweeps(logs: Logs, where: str | None) -> None:
    assert kept(Ec2("x"), logs)[0] == where


def test_a_store_that_does_not_answer_keeps_nothing_and_stops_nobody() -> None:
    def unheard() -> bool:
        raise aws_error("ThrottlingException", "GetItem")

    logs = Logs()
    assert consoles(Ec2("x"), logs).keep("i-1", "why", reported=unheard) is None
    assert logs.events == []


def test_the_longest_console_fits_one_call_and_its_end_is_what_is_kept() -> None:
    logs = Logs()
    text = "\n".join(f"{number} {'å' * 5_000}" for number in range(1_000))
    _, lines = kept(Ec2(text), logs)
    assert [line.split()[0] for line in lines] == [str(number) for number in range(1_000 - LINES, 1_000)]
    assert sum(len(event["message"].encode()) + 26 for event in logs.events) < 1_048_576
    assert all(event["message"] and event["timestamp"] <= NOW for event in logs.events)
    assert logs.events == sorted(logs.events, key=lambda event: event["timestamp"])
    assert {len(line) for line in lines} == {LINE_CHARACTERS}


def test_what_says_nothing_is_no_line() -> None:
    assert lines_of("\x1b[2J\r\n \n\x07\n") == []


def test_where_no_group_is_named_nothing_is_read() -> None:
    assert consoles(None, None, group="").keep("i-1", "why", reported=lambda: False) is None


def test_once_a_sweeps_time_for_consoles_is_over_no_other_is_begun_until_the_next_sweep() -> None:
    now = [0.0]
    logs = Logs()
    made = consoles(Ec2("x"), logs, seconds=lambda: now[0])
    now[0] = SWEEP_SECONDS
    assert made.keep("i-1", "why", reported=lambda: False) is None
    assert logs.streams == []
    made.begin()
    assert made.keep("i-1", "why", reported=lambda: False)


def test_what_a_program_had_begun_to_say_before_our_own_line_stays() -> None:
    ours = json.dumps({"event": "x", "level": "info", "timestamp": "t"})
    assert fit_to_leave(f"[   12.345678] python[812]: Anna said {ours}") == ours


def test_a_long_line_of_our_own_is_known_before_it_is_cut() -> None:
    ours = json.dumps(
        {"event": "worker.broken", "level": "error", "timestamp": "t", "exception": "x" * LINE_CHARACTERS}
    )
    logs = Logs()
    assert kept(Ec2(ours), logs, reported=True)[1] == [ours[:LINE_CHARACTERS]]
