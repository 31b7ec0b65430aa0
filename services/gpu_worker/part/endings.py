"""How a claimed part may end, and whose fault it is: the recording's, the device's, the machine's or nobody's."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from services.common.domain.errors import DecoderFailedError, DiskFullError, PermanentError, ReadingDiffersError
from services.common.domain.events import EventType
from services.common.domain.lifecycle import job_changes
from services.common.domain.lifecycle.job_changes import Outcome
from services.common.domain.retry_policy import (
    LONGEST_MODEL_PAUSE_MS,
    MAX_FAULTS,
    crash_error,
    exhausted,
    pause_ms,
)
from services.common.domain.states import Waiting
from services.common.store.leases import FencedError
from services.gpu_worker.engine.processes.device_link import DeviceDiedError
from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.part.claim import StopReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.common.domain.errors import TranscriberError
    from services.common.domain.records import Job, Part
    from services.common.store.announcements import Announcement, Announcer
    from services.common.store.store import Store
    from services.gpu_worker.engine.process import EngineProcess
    from services.gpu_worker.part.claim import Claim
    from services.gpu_worker.part.sender import Sender

log = structlog.get_logger()


class Endings:
    """Ends claimed parts. From any thread: whoever still works on one meets the fence."""

    def __init__(
        self,
        *,
        store: Store,
        announcer: Announcer,
        sender: Sender,
        clock: Callable[[], int],
        cost: Callable[[Claim], dict[str, Any]],
        engine_failed: Callable[[EngineProcess, str], None],
    ) -> None:
        """`engine_failed` is told of an engine that died or gave what is no number, and over which job."""
        self._store = store
        self._announcer = announcer
        self._sender = sender
        self._clock = clock
        self._cost = cost
        self._engine_failed = engine_failed

    def settle(self, claim: Claim, engine: EngineProcess, error: Exception) -> None:
        """The work on a part has ended with this error."""
        about = {"job_id": claim.part.job_id, "part": claim.part.part_id, "attempt": claim.part.attempt}
        match error:
            case PermanentError():
                self.fail(claim, error)
            case StoppedError():
                self._stopped(claim)
            case DeviceDiedError():
                self._survive(claim, engine, error)
            case DecoderFailedError():
                log.error("decoder.failed", **about, exc_info=error)
                self._engine_failed(engine, claim.part.job_id)
                self._try_elsewhere(claim, error)
            case DiskFullError():
                log.error("disk.full", **about, exc_info=error)
                self._try_elsewhere(claim, error)
            case ReadingDiffersError():
                log.error("reading.differs", **about, exc_info=error)
                self._try_elsewhere(claim, error)
            case FencedError():
                log.warning("part.fenced", **about)
            case _:
                # A fault of ours, or a refusal of AWS's: it is tried again, perhaps elsewhere.
                log.error("part.broken", **about, exc_info=error)
                self.rest(claim)

    def complete(self, claim: Claim, result: Mapping[str, Any], times: Mapping[str, int], **inline: str) -> None:
        """The job is completed with this result.

        Raises:
            FencedError, StoppedError: it is not ours to complete, or the answer was not waited for.

        """
        outcome = Outcome(result=result, cost=self._cost(claim))
        self._end(claim, outcome, {**times, "completed": self._clock()}, **inline)

    def fail(self, claim: Claim, error: TranscriberError) -> None:
        """The job ends with this error."""
        try:
            self._end(claim, Outcome(error=error.describe(), cost=self._cost(claim)), {"failed": self._clock()})
        except FencedError:
            log.warning("part.fenced", job_id=claim.part.job_id, part=claim.part.part_id)
        except StoppedError:
            self._stopped(claim)

    def _stopped(self, claim: Claim) -> None:
        """It has to end before its time: it is another's next, and nothing is held against it."""
        if claim.stop_reason is not StopReason.FENCED:
            self.give_back(claim)

    def _end(self, claim: Claim, outcome: Outcome, times: Mapping[str, int], **extra: object) -> None:
        """The job ends: state, event and deliveries in one transaction, then the first tries beside the device."""
        callbacks = claim.retry(lambda: self._store.callbacks.of_job(claim.job))
        now = self._clock()
        ending = job_changes.end(claim.job, outcome, times)
        job = ending.after
        announcement = self._announcer.tell(
            job,
            EventType.FAILED if outcome.error else EventType.COMPLETED,
            now,
            callbacks=callbacks,
            sender=self._sender.name,
            sender_until=self._sender.lease_until(now),
            extra=extra,
        )
        claim.ending = True
        claim.retry(lambda: self._store.endings.finish(claim.part, ending, announcement))
        log.info(
            "job.completed" if outcome.result else "job.failed",
            job_id=job.job_id,
            attempt=claim.part.attempt,
            code=outcome.error["code"] if outcome.error else None,
            milliseconds=now - job.times.get("queued", now),
        )
        self._sender.send(announcement.deliveries)

    def _survive(self, claim: Claim, engine: EngineProcess, error: DeviceDiedError) -> None:
        """The process that holds the model died: over this part, over one of several, or with this one beside it."""
        part = claim.part
        guilty, suspected = error.suspects == 1, error.suspects > 1
        if guilty:
            self._engine_failed(engine, part.job_id)
        if error.suspects and exhausted(part.deaths + guilty, part.losses + suspected):
            self.fail(claim, crash_error())
        elif error.suspects:
            self.give_back(claim, counted="deaths" if guilty else "losses", behind=guilty, suspected=suspected)
        else:
            self.give_back(claim)

    def _try_elsewhere(self, claim: Claim, error: TranscriberError) -> None:
        """Perhaps the machine's fault: a fresh process tries next, perhaps another machine, then it is said."""
        if claim.part.faults + 1 >= MAX_FAULTS:
            self.fail(claim, error)
        else:
            self.give_back(claim, counted="faults", rest_ms=pause_ms(claim.part.faults))

    def rest(self, claim: Claim) -> None:
        """Something broke that is not the recording's fault: it is tried again later, and longer each time."""
        if exhausted(claim.part.deaths, claim.part.losses + 1):
            self.fail(claim, crash_error())
        else:
            self.give_back(claim, counted="losses", rest_ms=pause_ms(claim.part.losses))

    def do_without_model(self, claim: Claim, error: TranscriberError) -> None:
        """This machine cannot have the model now. Another may, or this one later, so nothing counts against the job."""
        job_id = claim.part.job_id
        log.error("model.unavailable", job_id=job_id, model=claim.options.model_key, code=error.code, message=error)
        self.give_back(claim, rest_ms=pause_ms(claim.part.attempt, longest_ms=LONGEST_MODEL_PAUSE_MS))
        with suppress(StoppedError):
            claim.retry_until_shutdown(lambda: self._store.jobs.waits(job_id, Waiting.IMAGE, str(error)))

    def _was_cut(self, claim: Claim) -> bool:
        """Whether the job has several parts by now, by a split whose answer was lost: then it does not go back."""
        with suppress(StoppedError):
            job = claim.retry_until_shutdown(lambda: self._store.jobs.get(claim.part.job_id))
            if job and job.parts > claim.job.parts:
                claim.job = replace(claim.job, parts=job.parts)
                return True
        return False

    def _interrupted(self, job: Job, part: Part, now: int) -> Announcement:
        back = job_changes.interrupt(job).after
        return self._announcer.tell(back, EventType.INTERRUPTED, now, attempt=part.attempt)

    def give_back(
        self,
        claim: Claim,
        *,
        counted: str | None = None,
        rest_ms: int = 0,
        behind: bool = False,
        suspected: bool = False,
    ) -> None:
        """Queue the part again, from any thread: whoever still works on it meets the fence.

        It keeps the turn that it had, unless it rests. `behind`: it lets those go first that are queued now.
        """
        part = replace(claim.part, progress=claim.progress)
        job = claim.job if claim.job.parts == 1 else None
        now = self._clock()

        def back() -> None:
            self._store.leases.give_back(
                part,
                due_at=now + rest_ms if rest_ms else claim.turn,
                job=job,
                interrupted=self._interrupted(job, part, now) if job else None,
                counted=counted,
                not_before=now + rest_ms if rest_ms else 0,
                behind=now if behind else 0,
                suspected=part.suspected or suspected,
            )

        claim.ending = True
        try:
            claim.retry_until_shutdown(back)
        except FencedError:
            if job and self._was_cut(claim):
                self.give_back(claim, counted=counted, rest_ms=rest_ms, behind=behind, suspected=suspected)
            return
        except StoppedError:
            # Its lease ends, and the sweep takes it up.
            log.warning("part.lost", job_id=part.job_id, part=part.part_id, attempt=part.attempt)
            return
        log.warning(
            "part.given_back",
            job_id=part.job_id,
            part=part.part_id,
            attempt=part.attempt,
            counted=counted,
            progress=round(part.progress, 3),
        )
