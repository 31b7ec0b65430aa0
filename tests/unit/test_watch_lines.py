"""What `transcribe watch` draws, on terminals of every size."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.cli.columns import cells
from services.cli.operator.bill import Bill
from services.cli.operator.watch.lines import drawn
from services.cli.operator.watch.snapshot import LEAVES, WAITS, WORKS, End, Snapshot, end, machines, queue
from services.common.domain.machines import Slot
from services.common.domain.prices import ADDRESS_AND_DISK
from services.common.domain.records import MERGE_PART, Job, Part, part_name
from services.common.domain.states import JobStatus, PartStatus, SlotStatus
from services.common.domain.times import MINUTE_MS, SECOND_MS

NOW = 1_800_000_000_000
REASON = "EC2 has no spot capacity for these machine types in these zones now; it is asked again every minute."


def part(number: int = 0, **more: Any) -> Part:
    usual: dict[str, Any] = {"job_id": f"job_{number}", "part_id": part_name(0), "client_id": "alice", "seconds": 600.0}
    return Part(**{"status": PartStatus.QUEUED, "created_at": NOW - 4 * MINUTE_MS, **usual, **more})


def slot(name: str = "00", status: SlotStatus = SlotStatus.RUNNING, **more: Any) -> Slot:
    usual: dict[str, Any] = {"owner": f"worker_{name}", "instance_id": "i-0123456789abcdef0", "zone": "eu-north-1a"}
    times = {"launched": NOW - MINUTE_MS, "ready": NOW}
    given = {"instance_type": "g4dn.xlarge", "times": times, **usual, **more}
    return Slot(slot=name, status=status, launch_id="l", request={}, taken_at=NOW - 90 * SECOND_MS, **given)


def snapshot(*, number: int = 1, ends: int = 2, waiting: str | None = REASON) -> Snapshot:
    running = [part(n, owner=f"worker_{n:02d}", progress=0.5, status=PartStatus.RUNNING) for n in range(number)]
    found, dollars = machines([slot(f"{n:02d}") for n in range(number)], {}, running, NOW)
    ended = End(
        job_id="job_9", client="bob", status="completed", code=None, ended_at=NOW, audio_seconds=60, dollars=0.01
    )
    return Snapshot(
        at=NOW,
        queue=queue([part(8), part(9)], NOW, most=500, waiting_reason=waiting),
        machines=found,
        dollars_an_hour=dollars,
        ended=[ended] * ends,
        jobs_an_hour=2,
        audio_seconds_an_hour=5_400,
        today=Bill(jobs=3, completed=2, failed=1, dollars=1.5, priced_audio_seconds=5_400).to_json(),
    )


def test_it_shows_the_money_the_queue_the_machines_with_their_work_and_the_last_ends() -> None:
    day, hour, fleet, waiting, reason, machine, work, *ends = drawn(snapshot(), columns=200)
    assert day.endswith("  today $1.50, 3 jobs, 1 failed, $1.00 an hour of audio")
    assert hour == "last hour  2 jobs completed, 1.5 h of audio"
    assert fleet == "1 machine, $0.2100 an hour"
    assert waiting == "queue 2 jobs, 0.3 h of audio, the oldest waits 4 min"
    assert reason == f"  it waits: {REASON}"
    assert machine == "  00  works, 60 s  g4dn.xlarge spot eu-north-1a  i-0123456789abcdef0"
    assert work == f"    {'━' * 10}{'─' * 10}  50%     10:00  alice  job_0"
    assert [line.split()[1:] for line in ends] == [["completed", "1:00", "$0.0100", "bob", "job_9"]] * 2


@pytest.mark.parametrize("columns", [20, 60, 80, 200])
@pytest.mark.parametrize("rows", [3, 8, 24, 80])
def test_it_fits_every_terminal(columns: int, rows: int) -> None:
    many = replace(snapshot(number=30, ends=40), dollars_an_hour=12.5)
    lines = drawn(many, columns=columns, rows=rows)
    assert len(lines) <= rows
    assert max(map(cells, lines)) <= columns
    if rows == 80:
        assert len(lines) == 80, "what is free shows more ends"


def test_machines_that_have_no_room_are_counted_and_the_last_ends_keep_some() -> None:
    lines = drawn(snapshot(number=10, ends=10), columns=80, rows=14)
    assert lines[10] == "  … and 15 more machine lines"
    assert [line.split()[1] for line in lines[11:]] == ["completed"] * 3


def test_an_empty_deployment_says_so() -> None:
    idle = replace(
        snapshot(number=0, ends=0),
        queue=queue([], NOW, most=500, waiting_reason=None),
        today=Bill().to_json(),
        jobs_an_hour=0,
        audio_seconds_an_hour=0,
    )
    assert [line.partition("  ")[2] for line in drawn(idle, columns=80)][:2] == [
        "today $0.0000, 0 jobs, 0 failed",
        "0 jobs completed, 0.0 h of audio",
    ]
    assert drawn(idle, columns=80)[2:] == ["no machine", "queue empty"]


def test_a_terminal_of_ascii_gets_ascii() -> None:
    assert all(line.isascii() for line in drawn(snapshot(), columns=120, plain=True))


def test_a_reason_moves_no_cursor() -> None:
    assert "\x1b" not in "".join(drawn(snapshot(waiting="capacity\x1b[2J"), columns=80))


def test_a_queue_of_which_not_all_was_read_says_so() -> None:
    waiting = queue([part(n) for n in range(3)], NOW, most=3, waiting_reason=None)
    assert not waiting.is_whole
    assert "queue more than 3 jobs" in drawn(replace(snapshot(), queue=waiting), columns=80)[3]


@pytest.mark.parametrize(
    ("given", "stage"),
    [
        (slot(status=SlotStatus.LAUNCHING, times={}), "EC2 chooses zone and type"),
        (slot(status=SlotStatus.LAUNCHING, times={"launched": 1}), "EC2 starts the machine"),
        (slot(times={"launched": 1, "kernel_up": 2, "booted": 3}), "model in memory and on the device"),
        (slot(), WAITS),
        (slot(status=SlotStatus.LEAVING), LEAVES),
    ],
)
def test_a_machine_tells_its_stage(given: Slot, stage: str) -> None:
    ((machine,), _) = machines([given], {}, [], NOW)
    assert machine.stage == stage


def test_a_machine_shows_the_parts_that_its_worker_holds_and_an_own_box_its_own() -> None:
    running = [
        part(1, part_id=part_name(1), parts=5, owner="worker_00", progress=0.25),
        part(2, part_id=MERGE_PART, parts=5, owner="box", progress=2.0),
    ]
    (fleet, box), dollars = machines([slot()], {"box": "lab"}, running, NOW)
    assert [(work.job_id, work.part, work.progress) for work in fleet.parts] == [("job_1", "2 of 5", 0.25)]
    assert (box.name, box.stage, box.market, box.age_seconds) == ("lab", WORKS, "own", None)
    assert [(work.part, work.progress) for work in box.parts] == [("merge", 1.0)]
    assert dollars == pytest.approx(0.19 + ADDRESS_AND_DISK), "an own box has no price"


def test_an_end_has_its_time_and_its_code() -> None:
    usual: dict[str, Any] = {"job_id": "job_1", "client_id": "alice", "created_at": 0, "source_key": ""}
    failed = Job(**usual, file_name="a", status=JobStatus.FAILED, times={"failed": 5}, error={"code": "INVALID_MEDIA"})
    ended = end(failed)
    assert ended
    assert (ended.ended_at, ended.code) == (5, "INVALID_MEDIA")
    assert end(replace(failed, status=JobStatus.RUNNING)) is None


def test_programs_get_times_as_the_api_has_them() -> None:
    document = snapshot().to_json()
    assert document["at"] == document["ended"][0]["ended_at"] == "2027-01-15T08:00:00.000Z"
    assert document["machines"][0]["parts"][0]["progress"] == 0.5
    assert document["queue"]["waiting_reason"] == REASON
