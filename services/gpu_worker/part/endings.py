"""How an attempt at a part ends, by its cause: the recording, the device, the machine, or none of them."""

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
    exhausted,
    exhaustion_error,
    pause_ms,
)
from services.common.domain.states import Waiting
from services.common.store.leases import FencedError, JobChangedError
from services.gpu_worker.engine.processes.device_link import DeviceDiedError
from services.gpu_worker.engine.processes.readers import ReaderKilledError
from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.part.claim import StopReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.common.domain.errors import TranscriberError
    from services.common.store.announcements import Announcer
    from services.common.store.store import Store
    from services.gpu_worker.engine.process import EngineProcess
    from services.gpu_worker.part.claim import Claim
    from services.gpu_worker.part.sender import Sender

log = structlog.get_logger()


class PartEndings:
    """Ends claimed parts. Safe to use from any thread: a thread that still works on an ended part is fenced."""

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
        """`cost`: of a claim so far, as a job shows it; `engine_failed`: gets an engine that died or gave
        probabilities that are not numbers, and the id of the job.
        """
        self._store = store
        self._announcer = announcer
        self._sender = sender
        self._clock = clock
        self.cost = cost
        self._engine_failed = engine_failed

    def settle(self, claim: Claim, engine: EngineProcess, error: Exception) -> None:
        """End an attempt that has failed with this error: the job fails, or the part is given back."""
        about = {"job_id": claim.part.job_id, "part": claim.part.part_id, "attempt": claim.part.attempt}
        match error:
            case PermanentError():
                self.fail(claim, error)
            case StoppedError():
                self._stopped(claim)
            case DeviceDiedError():
                self._device_died(claim, engine, error)
            case ReaderKilledError():
                self._count(claim, "deaths")
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
                # A bug, or an error of AWS's that is not transient: the part is tried again, perhaps elsewhere.
                log.error("part.broken", **about, exc_info=error)
                self.retry_later(claim)

    def complete(self, claim: Claim, result: Mapping[str, Any], times: Mapping[str, int], **inline: str) -> None:
        """Complete the job.

        Args:
            claim: on the part that completes it.
            result: as the job shows it.
            times: epoch milliseconds of the attempt's stages.
            inline: what the event holds in addition, such as the text.

        Raises:
            FencedError: the part is another worker's, or the job has ended.
            JobChangedError: the job has changed since it was read.
            StoppedError: the work must stop, and AWS has not answered.

        """
        outcome = Outcome(result=result, cost=self.cost(claim))
        self._end(claim, outcome, {**times, "completed": self._clock()}, **inline)

    def fail(self, claim: Claim, error: TranscriberError) -> None:
        """End the job with this error."""
        try:
            self._end(claim, Outcome(error=error.describe(), cost=self.cost(claim)), {"failed": self._clock()})
        except JobChangedError as changed:
            claim.job = changed.job
            self.fail(claim, error)
        except FencedError:
            log.warning("part.fenced", job_id=claim.part.job_id, part=claim.part.part_id)
        except StoppedError:
            self._stopped(claim)

    def _stopped(self, claim: Claim) -> None:
        """Give back a part whose work had to stop, without counting that against it; not if it is fenced."""
        if claim.stop_reason is not StopReason.FENCED:
            self.give_back(claim)

    def _end(self, claim: Claim, outcome: Outcome, times: Mapping[str, int], **extra: object) -> None:
        """End the job: state, event and deliveries in one transaction; then each delivery is tried once."""
        callbacks = claim.retry(lambda: self._store.callbacks.of_job(claim.job))
        now = self._clock()
        ending = job_changes.end(claim.job, outcome, times, now)
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

    def _device_died(self, claim: Claim, engine: EngineProcess, error: DeviceDiedError) -> None:
        """End an attempt after the death of the model's process; the part may be the cause, or one of several."""
        if error.suspects == 1:
            self._engine_failed(engine, claim.part.job_id)
            self._count(claim, "deaths")
        elif error.suspects:
            self._count(claim, "losses", suspected=True)
        else:
            self.give_back(claim)

    def _try_elsewhere(self, claim: Claim, error: TranscriberError) -> None:
        """Give back a part that perhaps failed because of this machine; at the last such attempt the job fails."""
        if claim.part.faults + 1 >= MAX_FAULTS:
            self.fail(claim, error)
        else:
            self.give_back(claim, counted="faults", delay_ms=pause_ms(claim.part.faults))

    def retry_later(self, claim: Claim) -> None:
        """Give back a part that failed through no fault of the recording; it waits longer after each such attempt."""
        self._count(claim, "losses", delay_ms=pause_ms(claim.part.losses))

    def _count(self, claim: Claim, counted: str, *, delay_ms: int = 0, suspected: bool = False) -> None:
        """Give back a part with one more of its `deaths` or `losses`; if those are too many, the job fails."""
        deaths, losses = (getattr(claim.part, count) + (count == counted) for count in ("deaths", "losses"))
        if exhausted(deaths, losses):
            self.fail(claim, exhaustion_error(deaths))
        else:
            behind = counted == "deaths"
            self.give_back(claim, counted=counted, delay_ms=delay_ms, behind=behind, suspected=suspected)

    def model_unavailable(self, claim: Claim, error: TranscriberError) -> None:
        """Give back a part whose model this machine cannot get now; it counts as no fault, as another may have it."""
        job_id = claim.part.job_id
        log.error("model.unavailable", job_id=job_id, model=claim.options.model_key, code=error.code, message=error)
        self.give_back(claim, delay_ms=pause_ms(claim.part.attempt, longest_ms=LONGEST_MODEL_PAUSE_MS))
        with suppress(StoppedError):
            claim.retry_until_shutdown(lambda: self._store.jobs.waits(job_id, Waiting.IMAGE, str(error)))

    def give_back(
        self,
        claim: Claim,
        *,
        counted: str | None = None,
        delay_ms: int = 0,
        behind: bool = False,
        suspected: bool = False,
    ) -> None:
        """Queue the part again. Safe to use from any thread: one that still works on the part is then fenced.

        Args:
            claim: on the part.
            counted: the count that goes up by one: `deaths`, `losses` or `faults`.
            delay_ms: how long the part waits before it may be taken; without a delay it keeps its turn.
            behind: whether the parts that are queued now go first.
            suspected: whether the part may be the cause of a death.

        """
        part = replace(claim.part, progress=claim.progress)
        job = claim.job if claim.job.parts == 1 else None
        now = self._clock()

        def back() -> None:
            self._store.leases.give_back(
                part,
                due_at=now + delay_ms if delay_ms else claim.turn,
                job=job,
                interrupted=self._announcer.interrupted(claim.job, part, now),
                counted=counted,
                not_before=now + delay_ms if delay_ms else 0,
                behind=now if behind else 0,
                suspected=part.suspected or suspected,
            )

        claim.ending = True
        try:
            claim.retry_until_shutdown(back)
        except JobChangedError as changed:
            # Its client has updated it, or this worker has split it and the answer was lost: then it is not queued.
            claim.job = changed.job
            self.give_back(claim, counted=counted, delay_ms=delay_ms, behind=behind, suspected=suspected)
            return
        except FencedError:
            return
        except StoppedError:
            # The part's lease will end, and then the sweep queues it again.
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
