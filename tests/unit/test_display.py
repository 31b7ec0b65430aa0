"""What the demo shows on a terminal."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from services.cli.recordings.options.outputs import Output
from services.cli.recordings.output.files import Files
from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from services.local.demo import Shipment, report
from services.local.display import Display


def shown(**times: int) -> str:
    """The terminal, after a recording has reached these stages."""
    job = Job(
        job_id="job_1",
        client_id="demo",
        status=JobStatus.RUNNING,
        created_at=0,
        source_key="uploads/a.mp3",
        file_name="möte.mp3",
        times=times,
    )
    screen = io.StringIO()
    with Display(Console(file=screen, force_terminal=True, width=120)) as display:
        display.show(job, None)
    return screen.getvalue()


def test_a_recordings_stages_stand_in_the_order_in_which_they_were_reached() -> None:
    screen = shown(claimed=2_000, created=1_000)
    assert screen.rindex("möte.mp3") < screen.rindex("job registered") < screen.rindex("part claimed")


def test_a_recording_that_has_not_ended_is_seen_to_go_on() -> None:
    assert "…" in shown(created=1_000)
    assert "…" not in shown(created=1_000, completed=2_000)


BEGAN = datetime(2026, 11, 26, 9, 5, 7).astimezone()
SENTENCE = "Riksdagsförvaltningens verksamhetsplanering [paus] är klar, och budgetpropositionen lämnas på torsdag."


def reported(files: Files, **console: Any) -> str:
    """What is shown of a recording that was transcribed."""
    result = {"duration_seconds": 9.0, "quality": {"remarks": []}, "files": {"txt": {}}, "prefix": "results/job_1/1/"}
    job = Job(
        job_id="job_1",
        client_id="demo",
        status=JobStatus.COMPLETED,
        created_at=0,
        source_key="uploads/a.mp3",
        file_name="möte.mp3",
        result=result,
    )
    screen = io.StringIO()
    client: Any = SimpleNamespace(transcript=lambda _: f"{SENTENCE}\n" * 3)
    received: Any = SimpleNamespace(type="transcription.completed", message_id="evt_1")
    assert report(Console(file=screen, **console), client, Shipment(Path("möte.mp3"), "job_1", job, received), files)
    return screen.getvalue()


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(Output(formats=("txt",), folder=tmp_path), began=BEGAN)


def test_a_narrow_screen_shows_the_whole_text_and_breaks_no_word_and_no_path(files: Files, tmp_path: Path) -> None:
    screen = reported(files, width=40)
    (path,) = tmp_path.glob("transcription_*.txt")
    assert " ".join(screen.split()).count(SENTENCE) == 3
    assert max(len(line) for line in screen.partition("file ")[0].splitlines()) <= 40
    assert f"file     {path}\n" in screen


def test_a_program_gets_each_sentence_in_one_line(files: Files) -> None:
    screen = reported(files, width=40, soft_wrap=True)
    assert screen.splitlines().count(SENTENCE) == 3


def test_two_transcripts_of_one_run_are_two_files(files: Files, tmp_path: Path) -> None:
    reported(files)
    reported(files)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["transcription_20261126_090507.txt", "transcription_20261126_090507_2.txt"]
