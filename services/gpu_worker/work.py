"""One claimed part, from recording to committed result: straight through, on a thread of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from services.common.domain import objects
from services.common.domain.endurance import MAX_DEATHS, crash_error, exhausted, pause_ms
from services.common.domain.errors import DecoderFailedError, DiskFullError, PermanentError
from services.common.domain.events import INLINE_TEXT_BYTES, EventType, compose, interruption
from services.common.domain.records import MERGE_PART, part_index, part_name
from services.common.domain.states import JobStatus
from services.common.store.endings import Outcome, ended
from services.common.store.events import Announcement
from services.common.store.parts import MAX_PARTS, FencedError
from services.gpu_worker.checkpoints import Checkpoints
from services.gpu_worker.claim import Stop
from services.gpu_worker.engine.assemble import assemble
from services.gpu_worker.engine.formats import render
from services.gpu_worker.engine.plan import RATE
from services.gpu_worker.engine_process import EngineDiedError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from services.common.domain.errors import TranscriberError
    from services.common.domain.events import Places
    from services.common.store.store import Store
    from services.gpu_worker.claim import Claim
    from services.gpu_worker.engine.model import ModelFiles
    from services.gpu_worker.engine.plan import Plan
    from services.gpu_worker.engine.results import ClipResult
    from services.gpu_worker.engine.transcript import Transcript
    from services.gpu_worker.engine_process import EngineProcess
    from services.gpu_worker.files import Files
    from services.gpu_worker.sender import Sender
    from services.gpu_worker.settings import WorkerSettings
    from services.gpu_worker.work_folder import WorkFolder

log = structlog.get_logger()
HOUR_SECONDS = 3_600
MINUTE_SECONDS = 60


class Work:
    """Does claimed parts; knows how each may end."""

    def __init__(
        self,
        *,
        store: Store,
        files: Files,
        places: Places,
        settings: WorkerSettings,
        sender: Sender,
        folder: WorkFolder,
        clock: Callable[[], int],
        cost: Callable[[Claim], dict[str, Any]],
    ) -> None:
        self._store = store
        self._files = files
        self._places = places
        self._settings = settings
        self._sender = sender
        self._folder = folder
        self._clock = clock
        self._cost = cost

    def do(self, claim: Claim, engine: EngineProcess, model: ModelFiles) -> None:
        """See the part through to an end: done, failed, given back, or another's."""
        part = claim.part
        try:
            with self._folder.part() as folder:
                if part.part_id == MERGE_PART:
                    self._merge(claim, model)
                else:
                    self._transcribe(claim, engine, model, folder)
        except PermanentError as error:
            self._fail(claim, error)
        except StoppedError:
            if claim.reason is Stop.LEAVING:
                self.give_back(claim)
        except EngineDiedError:
            self._survive(claim)
        except DecoderFailedError as error:
            log.exception("decoder.failed", job_id=part.job_id, part=part.part_id, attempt=part.attempt)
            engine.spoilt = True
            self._distrust(claim, error)
        except DiskFullError as error:
            log.exception("disk.full", job_id=part.job_id, part=part.part_id, attempt=part.attempt)
            self._distrust(claim, error)
        except FencedError:
            log.warning("part.fenced", job_id=part.job_id, part=part.part_id, attempt=part.attempt)
        except Exception:
            # Throttling, an outage, a fault of ours: the next attempt runs alone, perhaps elsewhere.
            log.exception("part.broken", job_id=part.job_id, part=part.part_id, attempt=part.attempt)
            self.rest(claim)
        finally:
            claim.ended = True

    def refuse(self, claim: Claim, error: PermanentError) -> None:
        """A job whose options, or whose model, this deployment cannot honour."""
        self._fail(claim, error)
        claim.ended = True

    def _transcribe(self, claim: Claim, engine: EngineProcess, model: ModelFiles, folder: Path) -> None:
        recording = folder / "recording"
        index = part_index(claim.part)
        if index == 0:
            self._files.fetch_source(claim.job, recording, claim.stop)
        else:
            self._files.fetch(objects.part_audio(claim.part.job_id, claim.part.part_id), recording)
        # From here on a death may be the recording's fault.
        claim.on_device = True
        times: dict[str, int] = {}
        if claim.part.parts == 1:
            plan = self._plan(claim, engine, recording).with_at_most(MAX_PARTS)
            times["planned"] = self._clock()
            if len(plan.parts) > 1:
                self._split(claim, engine, plan, recording, folder)
        else:
            plan = self._files.plan(claim.part.job_id)
        results = self._decode(claim, engine, plan, recording, times)
        claim.on_device = False
        times["transcribed"] = self._clock()
        if claim.part.parts == 1:
            self._complete(claim, assemble(plan, results.values(), claim.options, model), times)
        else:
            self._finish_slice(claim)

    def _plan(self, claim: Claim, engine: EngineProcess, recording: Path) -> Plan:
        return engine.plan(
            recording,
            claim.options,
            stop=claim.stop,
            max_seconds=self._settings.max_audio_hours * HOUR_SECONDS,
            part_seconds=self._settings.part_minutes * MINUTE_SECONDS,
            alone_seconds=self._settings.alone_minutes * MINUTE_SECONDS,
        )

    def _split(self, claim: Claim, engine: EngineProcess, plan: Plan, recording: Path, folder: Path) -> None:
        """Share a long recording: its plan and the parts' audio first, then all their items in one transaction.

        A death in between leaves nothing that counts: the plan and the audio are the same next time.
        """
        job_id = claim.part.job_id
        self._files.put_plan(job_id, plan)
        engine.cut_parts(recording, plan, folder, stop=claim.stop)
        for part in plan.parts[1:]:
            name = part_name(part.index)
            self._files.store(objects.part_audio(job_id, name), folder / f"{part.index}.flac")
        lengths = [(part.end - part.start) / RATE for part in plan.parts]
        split = self._store.parts.split(claim.part, claim.job, lengths, due_at=self._clock())
        claim.update(parts=split.parts, seconds=split.seconds)
        claim.job = replace(claim.job, parts=len(plan.parts))
        log.info("job.split", job_id=job_id, parts=len(plan.parts))

    def _decode(
        self, claim: Claim, engine: EngineProcess, plan: Plan, recording: Path, times: dict[str, int]
    ) -> dict[int, ClipResult]:
        """Every clip of the part, checkpointed as it comes."""
        checkpoints = Checkpoints(self._files, claim.part, self._settings.checkpoint_seconds)
        index = part_index(claim.part)
        wanted = plan.parts[index].clips if claim.part.parts > 1 else range(len(plan.clips))
        lengths = {clip: plan.clips[clip].samples / RATE for clip in wanted}
        left = [clip for clip in wanted if clip not in checkpoints.results]
        total, seconds_left = sum(lengths.values()), sum(lengths[clip] for clip in left)
        claim.advance(seconds_left, total)
        try:
            for result in engine.decode(recording, plan, left, claim.options, stop=claim.stop, part=index or None):
                times.setdefault("first_text", self._clock())
                checkpoints.add(result)
                seconds_left -= lengths[result.index]
                claim.advance(seconds_left, total)
        except StoppedError:
            if claim.reason is Stop.LEAVING:
                checkpoints.save()
            raise
        if claim.part.parts > 1:
            # The merge reads what was kept; a part alone has its results in hand.
            checkpoints.save()
        return checkpoints.results

    def _finish_slice(self, claim: Claim) -> None:
        """One of several parts is done; whoever finishes the last one makes the merge due."""
        while not claim.stop.is_set():
            job = self._store.jobs.get(claim.part.job_id)
            if job is None or job.status is not JobStatus.RUNNING:
                raise FencedError(claim.part.part_id)
            if self._store.endings.finish_slice(claim.part, job, merge_due_at=self._clock()):
                log.info("part.done", job_id=job.job_id, part=claim.part.part_id, attempt=claim.part.attempt)
                return
        raise StoppedError

    def _merge(self, claim: Claim, model: ModelFiles) -> None:
        """Put the text of all parts together; needs no device."""
        plan = self._files.plan(claim.part.job_id)
        results: dict[int, ClipResult] = {}
        for part in plan.parts:
            results |= self._files.checkpoints(claim.part.job_id, part_name(part.index))
        self._complete(claim, assemble(plan, results.values(), claim.options, model), {"transcribed": self._clock()})

    def _complete(self, claim: Claim, transcript: Transcript, times: Mapping[str, int]) -> None:
        part = claim.part
        attempt = part.attempt
        rendered = {form: render(transcript, form) for form in claim.options.formats}
        published = self._files.publish(part.job_id, attempt, rendered)
        result = {
            "attempt": attempt,
            "prefix": objects.result_prefix(part.job_id, attempt),
            "files": published,
            "language": transcript.language,
            "duration_seconds": transcript.seconds,
            "model": {"name": transcript.model, "revision": transcript.revision},
            "quality": transcript.quality.short(),
        }
        text = transcript.text
        inline = {"text": text} if len(text.encode()) <= INLINE_TEXT_BYTES else {}
        outcome = Outcome(result=result, cost=self._cost(claim))
        self._end(claim, outcome, {**times, "completed": self._clock()}, **inline)

    def _fail(self, claim: Claim, error: TranscriberError) -> None:
        try:
            self._end(claim, Outcome(error=error.describe(), cost=self._cost(claim)), {"failed": self._clock()})
        except FencedError:
            log.warning("part.fenced", job_id=claim.part.job_id, part=claim.part.part_id)

    def _end(self, claim: Claim, outcome: Outcome, times: Mapping[str, int], **extra: object) -> None:
        """The job ends: state, event and deliveries in one transaction, then the first tries beside the device."""
        if claim.reason is Stop.FENCED:
            raise FencedError(claim.part.part_id)
        now = self._clock()
        job = ended(claim.job, outcome, times)
        kind = EventType.FAILED if outcome.error else EventType.COMPLETED
        event = compose(job, kind, serial=str(job.generation), now=now, places=self._places, **extra)
        announcement = Announcement(
            event,
            job.source_key,
            self._store.callbacks.of_job(job),
            sender=self._sender.name,
            sender_until=self._sender.lease_until(now),
        )
        self._store.endings.finish(claim.part, job, outcome, announcement)
        log.info(
            "job.completed" if outcome.result else "job.failed",
            job_id=job.job_id,
            attempt=claim.part.attempt,
            code=outcome.error["code"] if outcome.error else None,
            milliseconds=now - job.times.get("queued", now),
        )
        self._sender.send(announcement.deliveries)

    def _survive(self, claim: Claim) -> None:
        """The engine's process died, with this part on the device or beside it."""
        if claim.on_device and exhausted(claim.part.deaths + 1, claim.part.losses):
            self._fail(claim, crash_error())
        else:
            self.give_back(claim, counted="deaths" if claim.on_device else None)

    def _distrust(self, claim: Claim, error: DecoderFailedError | DiskFullError) -> None:
        """The device, the disk or the recording: it is tried again, then by another machine, and then it is said."""
        if claim.part.losses + 1 >= MAX_DEATHS:
            self._fail(claim, error)
        else:
            self.rest(claim)

    def rest(self, claim: Claim) -> None:
        """Something broke that is not the recording's fault: it is tried again later, and longer each time."""
        if exhausted(claim.part.deaths, claim.part.losses + 1):
            self._fail(claim, crash_error())
        else:
            self.give_back(claim, counted="losses", rest_ms=pause_ms(claim.part.losses))

    def give_back(self, claim: Claim, *, counted: str | None = None, rest_ms: int = 0) -> None:
        """Queue the part again, from any thread: whoever still works on it meets the fence."""
        part = replace(claim.part, progress=claim.progress)
        job = claim.job if claim.job.parts == 1 else None
        now = self._clock()
        event = interruption(claim.job, part, now, self._places)
        announcement = (
            Announcement(event, claim.job.source_key, self._store.callbacks.of_job(claim.job)) if event else None
        )
        try:
            self._store.parts.give_back(
                part,
                due_at=now + rest_ms,
                job=job,
                interrupted=announcement,
                counted=counted,
                not_before=now + rest_ms if rest_ms else 0,
            )
        except FencedError:
            return
        log.warning(
            "part.given_back",
            job_id=part.job_id,
            part=part.part_id,
            attempt=part.attempt,
            counted=counted,
            progress=round(part.progress, 3),
        )
