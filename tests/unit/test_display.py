"""What the demo shows on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from services.common.domain.records import Job
from services.common.domain.states import JobStatus
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
