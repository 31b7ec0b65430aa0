"""The lines that show recordings on their way, on a terminal and elsewhere."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from services.cli import printing
from services.cli.columns import cells, cut, cut_in_the_middle
from services.cli.errors import Exit
from services.cli.recordings.input.sources import Source
from services.cli.recordings.progress import display as module
from services.cli.recordings.progress.display import Lines, LiveLines, display, drawn, summary
from services.cli.recordings.progress.recording import Phase, Recording

NOW = 1_000.0
WIDTHS = (20, 40, 60, 80, 100, 200)
NAMES = (
    "a.mp3",
    "styrelsemöte i november, del två, efter pausen.m4a",
    "会議の録音会議の録音会議の録音会議の録音会議の録音.wav",
    "👩‍👩‍👧‍👦🇸🇪👍🏽" * 6,
    "e\u0301" * 50,
    "tab\tand\nline\x1b[2J.mp3",
)


def source(name: str) -> Source:
    return Source(word=name, file_name=name, beside=Path(name))


def uploading(name: str, done: int = 31_000_000, total: int | None = 120_000_000) -> Recording:
    recording = Recording(name=name, source=source(name), phase=Phase.UPLOADING)
    for second in range(6):
        recording.uploads("uploading", done - 10_000_000 + 2_000_000 * second, total, NOW - 5 + second)
    return recording


def sent(name: str, stage: str = "transcribing", *, waiting: str | None = None, **progress: Any) -> Recording:
    recording = Recording(name=name, source=source(name), phase=Phase.SENT, job_id="job_1")
    told = {"stage": stage, "fraction": 0.5, "estimated_seconds": 24, "queue_position": None} | progress
    status = {"queued": "queued", "starting": "queued", "ended": "completed"}.get(stage, "running")
    recording.see({"status": status, "progress": told, "waiting": waiting}, NOW, alone=True)
    return recording


def text(recordings: list[Recording], columns: int, rows: int = 24) -> list[str]:
    lines = drawn(recordings, columns=columns, rows=rows, now=NOW)
    return [module._styled(line, plain=True).plain for line in lines]


@pytest.mark.parametrize("columns", WIDTHS)
def test_no_line_is_wider_than_the_terminal_whatever_the_names(columns: int) -> None:
    late = sent(NAMES[1], estimated_seconds=2_000)
    late.countdown.see("transcribing", 9_000, NOW)
    lines = text([*map(uploading, NAMES), *map(sent, NAMES), late], columns)
    assert max(map(cells, lines)) < columns
    assert len(lines) == 2 * len(NAMES) + 2


def test_60_columns_show_name_bar_stage_and_estimate() -> None:
    assert text([sent("styrelsemöte.mp3")], 60) == ["styre…e.mp3  ##---  transcribing · about 24 s"]
    assert text([uploading("a.mp3")], 60) == ["a.mp3  ###--------  uploading 31.0 of 120.0 MB, 2.0 MB/s"]


@pytest.mark.parametrize(("columns", "stage", "seconds"), [(60, "queued", 240), (80, "reading", 0)])
def test_the_words_that_people_wait_with_are_whole(columns: int, stage: str, seconds: int) -> None:
    recording = sent(NAMES[1], stage, estimated_seconds=seconds, queue_position=10 if seconds else None)
    recording.countdown.see(stage, seconds, NOW - 10 if not seconds else NOW)
    (line,) = text([recording], columns)
    assert line.endswith("longer than expected" if not seconds else "in the queue, number 10 · about 4 min")


def test_200_columns_have_room_for_long_names() -> None:
    (line,) = text([sent(NAMES[1])], 200)
    assert line == f"{NAMES[1]}  {'#' * 15}{'-' * 15}  transcribing · about 24 s"


def test_a_name_is_cut_between_signs_and_fills_its_columns() -> None:
    assert cut("会議の録音", 6) == "会議… "
    assert cut("e\u0301e\u0301", 3) == "éé "
    assert cut("a\x1b[2J", 9) == "a\ufffd[2J    "


def test_a_name_is_cut_in_the_middle_since_names_differ_at_their_ends() -> None:
    assert cut_in_the_middle("styrelsemöte 12.mp3", 12) == "styre…12.mp3"
    assert cut_in_the_middle("会議の録音", 6) == "会…音 "
    assert cut_in_the_middle("q\u0308" * 9, 4) == "q\u0308…q\u0308q\u0308"
    assert [cut_in_the_middle("abc", width) for width in (3, 2, 1, 0)] == ["abc", "…c", "…", ""]


def test_more_recordings_than_rows_are_counted_and_the_busiest_are_shown() -> None:
    waiting = [sent(f"queued {number}", "queued") for number in range(30)]
    failed = Recording(name="failed", phase=Phase.ENDED, exit_code=Exit.FAILED)
    done = Recording(name="done", phase=Phase.ENDED)
    lines = text([failed, done, *waiting, sent("running"), uploading("uploading")], 80, rows=10)
    assert len(lines) == 9
    assert [line.split()[0] for line in lines[:3]] == ["running", "uploading", "queued"]
    assert lines[-1] == "1 of 34 done, 1 failed, 31 under way, 1 uploading"


def test_one_recording_needs_no_summary() -> None:
    assert len(text([sent("a")], 80)) == 1
    assert summary([sent("a"), Recording(name="b")]) == "0 of 2 done, 1 under way, 1 to send"


@pytest.mark.parametrize(
    ("recording", "told"),
    [
        (Recording(name="a"), "waits for its turn"),
        (Recording(name="a", phase=Phase.UPLOADING), "beginning"),
        (sent("a", "awaiting_upload", estimated_seconds=None), "uploaded"),
        (sent("a", "queued", queue_position=12, estimated_seconds=700), "in the queue, number 12 · about 12 min"),
        (sent("a", "queued", queue_position=1, estimated_seconds=None), "in the queue"),
        (sent("a", "queued", waiting="capacity", estimated_seconds=None), "waits for a machine"),
        (sent("a", "starting", queue_position=1), "starting · about 24 s"),
        (sent("a", "of a newer release"), "of a newer release · about 24 s"),
    ],
)
def test_a_stage_is_told_in_words(recording: Recording, told: str) -> None:
    assert recording.told(NOW) == told


def test_what_a_list_tells_of_an_unchanged_job_hides_nothing_that_was_read_of_it_alone() -> None:
    recording = sent("a", "transcribing", fraction=0.7)
    listed = {"stage": "transcribing", "fraction": None, "estimated_seconds": None, "queue_position": None}
    recording.see({"status": "running", "progress": listed}, NOW, alone=False)
    assert (recording.fraction, recording.told(NOW)) == (0.7, "transcribing · about 24 s")
    # A list says the same of a job that is still read, and no stage goes back.
    begun = sent("b", "queued")
    begun.see({"status": "running", "progress": listed}, NOW, alone=False)
    assert begun.stage == "a machine reads it"
    recording.see({"status": "completed", "progress": {**listed, "stage": "ended"}}, NOW, alone=False)
    assert recording.has_ended
    assert recording.stage == "fetching the text"


def test_a_service_that_tells_no_progress_is_told_of_by_its_status() -> None:
    recording = Recording(name="a", source=source("a"), phase=Phase.SENT)
    recording.see({"status": "running"}, NOW, alone=True)
    assert (recording.told(NOW), recording.fraction) == ("running", None)


def test_elsewhere_each_change_of_stage_is_one_line_without_control_characters(
    capfd: pytest.CaptureFixture[str],
) -> None:
    recording = Recording(name="a\x1b[2J.mp3", source=source("a"), phase=Phase.UPLOADING)
    shown = display([recording])
    assert isinstance(shown, Lines)
    for done in range(0, 120, 40):
        recording.uploads("uploading", done * 10**6, 120 * 10**6, NOW + done)
        shown.update()
    recording.phase = Phase.SENT
    for seconds in (40, 30, 20):
        progress = {"stage": "queued", "fraction": 0, "estimated_seconds": seconds, "queue_position": None}
        recording.see({"status": "queued", "progress": progress}, time.monotonic(), alone=True)
        shown.update()
    recording.phase = Phase.ENDED
    shown.update()
    lines = capfd.readouterr().err.splitlines()
    assert lines == ["a\ufffd[2J.mp3: uploading 120.0 MB", "a\ufffd[2J.mp3: in the queue · about 40 s"]


def test_quiet_shows_nothing(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "_silent", True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    shown = display([uploading("a")])
    shown.update()
    shown.make_way()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("term", "kind"), [("xterm", LiveLines), ("dumb", Lines), ("unknown", Lines), (None, Lines)])
def test_lines_are_live_only_on_a_terminal_that_can_draw(
    term: str | None, kind: type[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", term) if term else monkeypatch.delenv("TERM", raising=False)
    assert isinstance(display([uploading("a")]), kind)
