"""What the demo shows while it runs: each recording's way through the system, stage by stage, with its times."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from services.common.domain.times import SECOND_MS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console, RenderableType

    from services.common.domain.records import Job

STAGES = {
    "created": ("API", "job registered, presigned upload given"),
    "uploaded": ("S3", "recording uploaded"),
    "queued": ("Lambda", "orchestrator took the event from SQS; job and part in DynamoDB"),
    "capacity_asked": ("Lambda", "slot taken, spot machine asked for"),
    "launched": ("EC2", "machine launched"),
    "kernel_up": ("EC2", "machine's kernel started"),
    "booted": ("EC2", "worker started"),
    "ready": ("EC2", "model loaded"),
    "claimed": ("worker", "part claimed, lease running"),
    "planned": ("worker", "read to its end: clips and parts are known"),
    "first_text": ("worker", "first text"),
    "transcribed": ("worker", "all text"),
    "completed": ("worker", "results in S3; job, event and delivery in one transaction"),
    "failed": ("worker", "job failed, event and delivery in one transaction"),
    "notified": ("webhook", "signature verified by the receiver"),
}


class Display:
    """A live table on a terminal; without a terminal, a line for each stage."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.time()
        self._shown: dict[str, set[str]] = {}
        self._jobs: dict[str, tuple[str, Mapping[str, int]]] = {}
        self._live = Live(console=console, refresh_per_second=4, get_renderable=self._render)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def show(self, job: Job, notified: int | None) -> None:
        """Show which stages a job has reached; `notified`: when its webhook arrived, in epoch milliseconds."""
        times = {**job.times, **({"notified": notified} if notified else {})}
        self._jobs[job.job_id] = (job.file_name, times)
        if self._console.is_terminal:
            return
        seen = self._shown.setdefault(job.job_id, set())
        for stage, moment in sorted(times.items(), key=lambda entry: entry[1]):
            if stage in STAGES and stage not in seen:
                seen.add(stage)
                where, what = STAGES[stage]
                self._console.print(f"{self._since(moment)}  {where:<8} {job.file_name}: {what}", highlight=False)

    def _since(self, moment: int) -> str:
        return f"{max(0.0, moment / SECOND_MS - self._began):6.1f} s"

    def _render(self) -> RenderableType:
        return Group(*[self._table(name, times) for name, times in self._jobs.values()])

    def _table(self, name: str, times: Mapping[str, int]) -> Table:
        table = Table(title=Text(name, style="bold"), title_justify="left", box=None, padding=(0, 2, 0, 0))
        table.add_column("at", justify="right")
        table.add_column("where")
        table.add_column("what")
        for stage, moment in sorted(times.items(), key=lambda entry: entry[1]):
            if stage in STAGES:
                table.add_row(self._since(moment), *STAGES[stage])
        if not {"completed", "failed"} & set(times):
            table.add_row(f"{time.time() - self._began:6.1f} s", "…", "")
        return table
