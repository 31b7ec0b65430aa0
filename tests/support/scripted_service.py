"""A service, and uploads to it, that follow a script."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from services.cli.recordings.input.sources import Source

NO_PROGRESS = {"fraction": None, "estimated_seconds": None, "queue_position": None}
PATIENCE_SECONDS = 20.0


def job(name: str, status: str = "completed", **more: Any) -> dict[str, Any]:
    stage = "ended" if status in ("completed", "failed", "canceled", "expired") else status
    progress = {**NO_PROGRESS, "stage": stage}
    return {"job_id": f"job_{name}", "file_name": name, "status": status, "progress": progress, **more}


@dataclass
class ScriptedApi:
    """Shows each job as its script says, one state a look; the last one stays."""

    scripts: dict[str, list[Any]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    listing: Exception | None = None

    def get(self, path: str, **_: object) -> Any:
        name = path.removeprefix("/api/jobs/job_")
        self.asked[name] += 1
        return self._next(name)

    def pages(self, path: str, field: str, **_: object) -> Iterator[dict[str, Any]]:
        self.asked["list"] += 1
        if self.listing:
            raise self.listing
        yield from (self._next(name) for name in list(self.scripts))

    def transcript(self, job_id: str, form: str) -> bytes:
        return f"{form} of {job_id}\n".encode()

    def _next(self, name: str) -> dict[str, Any]:
        script = self.scripts[name]
        state = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(state, BaseException):
            raise state
        return cast("dict[str, Any]", state)


def waited(event: threading.Event) -> None:
    assert event.wait(PATIENCE_SECONDS)


@dataclass
class ScriptedUploads:
    """Uploads at once, or does what is written down for a recording."""

    instead: dict[str, Callable[[Callable[[str, int, int | None], None]], None]] = field(default_factory=dict)

    def send(
        self,
        source: Source,
        wanted: Mapping[str, Any],
        *,
        registered: Callable[[str], None],
        progress: Callable[[str, int, int | None], None],
    ) -> None:
        registered(f"job_{source.file_name}")
        progress("uploading", 1, 2)
        if act := self.instead.get(source.file_name):
            act(progress)
