"""What is promised of a mixture, held against what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from services.common.domain.records import Job
from services.common.domain.states import JobStatus
from tests.mixture.alone import Alone
from tests.mixture.collection import Made
from tests.mixture.recording import Sort
from tests.mixture.together import Together

MEDIA_CODES = frozenset({"INVALID_MEDIA", "NO_AUDIO_TRACK"})
WORDS = "txt"
"""The form of nothing but words. In company a processor may round otherwise, and then a time moves by hundredths of a
second, or a probability by less; words do not (docs/engine.md)."""
MOST_GAP_SECONDS = 1.0
"""From the end of a bad file to the next claim."""


@dataclass(frozen=True)
class Gap:
    """How long a worker that had been through with a bad file took to claim the next."""

    name: str
    seconds: float


def violations(made: Sequence[Made], by_itself: Mapping[Path, Alone], seen: Together) -> Iterator[str]:
    """Every promise that was not kept, in words."""
    if seen.trouble:
        yield seen.trouble
    for one in made:
        for wrong in _of_file(one, by_itself[one.path], seen):
            yield f"{one.name}: {wrong}"
    yield from _of_machines(seen)
    for gap in gaps(made, seen):
        if gap.seconds > MOST_GAP_SECONDS:
            yield f"{gap.name}: the next claim came {gap.seconds:.1f} s after its end"


def _of_machines(seen: Together) -> Iterator[str]:
    if len(seen.logs) != seen.needed:
        yield f"{len(seen.logs)} machines were launched, {seen.needed} needed"
    for name, lines in seen.logs.items():
        if (count := sum(line["event"] == "engine.ready" for line in lines)) != 1:
            yield f"{name}: the engine was started {count} times"
        for line in lines:
            if line["level"] == "error":
                yield f"{name}: {line['event']} {line.get('job_id', '')}".rstrip()


def _of_file(one: Made, by_itself: Alone, seen: Together) -> Iterator[str]:
    if len(seen.jobs[one.name]) != 1:
        yield f"{len(seen.jobs[one.name])} jobs"
        return
    (job,) = seen.jobs[one.name]
    if by_itself.trouble:
        yield f"alone: {by_itself.trouble}"
    if wrong := _of_outcome(one, by_itself, job):
        yield wrong
    for part in seen.parts[job.job_id]:
        if (part.attempt, part.deaths, part.losses) != (1, 0, 0):
            yield f"{part.attempt} attempts, {part.deaths} deaths, {part.losses} losses"


def _of_outcome(one: Made, by_itself: Alone, job: Job) -> str | None:
    """What is wrong with how a file ended, if anything is."""
    refused = one.recording.sort is Sort.BAD or (one.recording.sort is Sort.FUZZED and by_itself.code is not None)
    if refused:
        return _of_refusal(one.recording.code or by_itself.code, job)
    if by_itself.code:
        return f"is refused with {by_itself.code} alone, and should not be"
    if job.status is not JobStatus.COMPLETED or job.result is None:
        return f"is {job.status.value} ({(job.error or {}).get('code')}) instead of completed"
    return "its words are not those that it gives alone" if WORDS in differing(by_itself, job) else None


def differing(by_itself: Alone, job: Job) -> set[str]:
    """Forms of a transcript that are not, byte for byte, those that the file gives alone."""
    files = job.result["files"] if job.result else {}
    mine = by_itself.digests or {}
    return {form for form in mine.keys() | files.keys() if form not in files or files[form]["sha256"] != mine.get(form)}


def _of_refusal(code: str | None, job: Job) -> str | None:
    error = job.error or {}
    if job.status is not JobStatus.FAILED or error.get("code") != code or code not in MEDIA_CODES:
        return f"is {job.status.value} ({error.get('code')}) instead of refused with {code}"
    return "may be retried, says its error" if error["retryable"] else None


def gaps(made: Sequence[Made], seen: Together) -> list[Gap]:
    """After each bad file, as long as something was there to be claimed."""
    bad = {one.name for one in made if one.recording.sort is Sort.BAD}
    names = {job.job_id: name for name, jobs in seen.jobs.items() for job in jobs}
    queued = {job.job_id: job.times.get("queued", 0) / 1_000 for jobs in seen.jobs.values() for job in jobs}
    found = []
    for lines in seen.logs.values():
        for number, line in enumerate(lines):
            if line["event"] != "job.failed" or names.get(line["job_id"]) not in bad:
                continue
            claim = next((later for later in lines[number:] if later["event"] == "part.claimed"), None)
            if claim:
                since = max(_moment(line), queued.get(claim["job_id"], 0.0))
                found.append(Gap(names[line["job_id"]], round(max(0.0, _moment(claim) - since), 3)))
    return found


def _moment(line: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(line["timestamp"]).timestamp()
