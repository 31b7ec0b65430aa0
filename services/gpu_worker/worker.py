"""The worker: claims parts, works on several at once, keeps their leases, and leaves when there is nothing left."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from services.common.domain.errors import InvalidOptionError, PermanentError
from services.common.domain.events import EventType, Places, compose
from services.common.domain.options import Options
from services.common.domain.prices import dollars_per_hour
from services.common.domain.states import TERMINAL, JobStatus
from services.common.store.codec import UnknownVersionError
from services.common.store.events import Announcement
from services.gpu_worker.admission import LEAST_AHEAD_SECONDS, ahead_seconds, has_room, joins
from services.gpu_worker.claim import Claim, Stop, name_of
from services.gpu_worker.departure import Departure
from services.gpu_worker.endings import Endings
from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.engines import Engines
from services.gpu_worker.gate import GateFailedError, examine
from services.gpu_worker.heart import Heart
from services.gpu_worker.meter import Meter
from services.gpu_worker.patience import Patience
from services.gpu_worker.preflight import kind_of_device
from services.gpu_worker.processes.device import DeviceDiedError
from services.gpu_worker.sd_notify import Watchdog
from services.gpu_worker.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from services.common.domain.records import Job, Part
    from services.common.store.store import Store
    from services.gpu_worker.engine.model import ModelFiles
    from services.gpu_worker.engine_process import EngineProcess
    from services.gpu_worker.files import Files
    from services.gpu_worker.identity import Identity
    from services.gpu_worker.presence import Presence
    from services.gpu_worker.sender import Sender
    from services.gpu_worker.settings import WorkerSettings
    from services.gpu_worker.work_folder import WorkFolder

log = structlog.get_logger()
CANDIDATES = 10
"""Queued parts looked at for one claim: the first may be somebody else's a moment later."""
HOUR_SECONDS = 3_600
"""Seconds that a price is for."""
DEVICE_FAILS = "the device fails"
"""Why such a machine leaves: another may be sound."""


def in_thread(task: Callable[[], None]) -> None:
    """Run a task on a thread of its own."""
    threading.Thread(target=task, daemon=True).start()


class Worker:
    """One process's life, from the first look at the queue to the last."""

    def __init__(
        self,
        *,
        store: Store,
        files: Files,
        places: Places,
        settings: WorkerSettings,
        identity: Identity,
        presence: Presence,
        sender: Sender,
        folder: WorkFolder,
        clock: Callable[[], int],
        make_engine: Callable[[str], EngineProcess],
        start: Callable[[Callable[[], None]], None] = in_thread,
        departure: Departure | None = None,
    ) -> None:
        """`make_engine` starts an engine with a model; `start` runs the work on a part, beside everything else.

        `departure`: where somebody else must know of it too.
        """
        self._engines = Engines(make_engine, self._pass_gate)
        self._start = start
        self._store = store
        self._places = places
        self._settings = settings
        self._identity = identity
        self._presence = presence
        self._sender = sender
        self._folder = folder
        self._clock = clock
        self._held: dict[str, Claim] = {}
        self._changed = threading.Event()
        self._departure = departure or Departure()
        self._meter = Meter(clock() / 1_000)
        self._metering = threading.Lock()
        self._watchdog = Watchdog(("loop", "heart"), patience_seconds=settings.hang_seconds)
        self._patiently = Patience(
            self._departure.stop,
            alive=lambda: self._watchdog.beat("loop"),
            heartbeat_seconds=settings.heartbeat_seconds,
        )
        self.heart = Heart(store, presence, settings, held=lambda: self.held, clock=clock, alive=self._watchdog.beat)
        self._endings = Endings(
            store=store,
            places=places,
            sender=sender,
            clock=clock,
            cost=self._cost,
            engine_failed=self._engines.failed,
        )
        self._work = Work(
            store=store, files=files, settings=settings, folder=folder, clock=clock, endings=self._endings
        )
        self._ahead = LEAST_AHEAD_SECONDS

    @property
    def held(self) -> tuple[Claim, ...]:
        """What this worker works on now."""
        return tuple(self._held.values())

    def leave(self, why: str) -> None:
        """Take nothing more, give back what is held, mark the slot, and end; from any thread."""
        if not self._departure.begin():
            return
        log.warning("worker.leaving", why=why)
        for claim in self.held:
            claim.let_go(Stop.LEAVING)
        self._changed.set()
        self._presence.try_to_leave(why)
        self._departure.mark()
        self._changed.set()

    def run(self) -> None:
        """Work until there is nothing left, or until told to leave.

        Raises:
            TranscriberError: the model cannot be loaded, or the gate was not passed.

        """
        try:
            self._get_ready()
            self.heart.start()
            self._watchdog.ready()
            log.info("worker.ready", owner=self._identity.owner, slot=self._identity.slot)
            try:
                self.work()
            finally:
                self.heart.stop(self._departure.deadlines.heart)
                self._sender.finish(self._departure.deadlines.sender)
        except StoppedError:
            # Told to leave before it was ready, while AWS did not answer.
            log.warning("worker.stopped")
        finally:
            # Also when the gate was not passed: an engine that nobody ends would keep this process, and the machine.
            self._engines.close(self._departure.deadlines.engine)
            log.info("worker.left", owner=self._identity.owner)

    def _get_ready(self) -> None:
        try:
            engine, _ = self._engines.ready(self._settings.models[0])
        except DeviceDiedError:
            raise GateFailedError("The process that was to hold the model died while it loaded it.") from None
        self._presence.reached("loaded")
        self._pass_gate(engine)
        self._presence.reached("ready")
        self._patiently(self._presence.beat)
        times = self._presence.machine_times()
        if "launched" in times:
            self._meter = Meter(times["launched"] / 1_000)

    def work(self) -> None:
        """Claim and do until the queue is empty or the machine must go."""
        with suppress(StoppedError):
            self._take_and_wait()
        if self._presence.lost:
            self._presence.try_to_leave("slot lost")
        self._let_go()

    def _take_and_wait(self) -> None:
        """The loop: while AWS does not answer it waits, as those do who work on what is held.

        Raises:
            StoppedError: told to leave while it waited.

        """
        idle_since = time.monotonic()
        while not (self._departure.told or self._presence.lost):
            self._watchdog.beat("loop")
            if self._may_take_more() and self.take_one():
                continue
            if self._held:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > self._settings.idle_seconds and self._may_leave():
                return
            self._changed.wait(self._settings.poll_seconds)
            self._changed.clear()

    def _may_take_more(self) -> bool:
        """An engine that failed is replaced, and a full disk may have room again, once something held has ended."""
        willing = self._folder.takes_more and (self._engines.sound or not self._held)
        return willing and has_room(self.held, self._ahead, time.monotonic())

    def _let_go(self) -> None:
        """Wait for what is held to end; once told to leave, what has not ended in time is given back from here."""
        while (self._held or not self._departure.marked) and (left := self._departure.seconds_for_held()) > 0:
            self._watchdog.beat("loop")
            self._changed.wait(min(left, self._settings.poll_seconds))
            self._changed.clear()
        for claim in self.held:
            log.warning("part.abandoned", job_id=claim.part.job_id, part=claim.part.part_id)
            self._endings.give_back(claim)

    def _pass_gate(self, engine: EngineProcess) -> None:
        """Nothing is claimed before the device has shown that it can transcribe, nor after it failed, until it has."""
        device = kind_of_device(self._settings)
        floor = self._settings.gate_floor_cuda if device == "cuda" else self._settings.gate_floor_cpu
        passed = examine(engine, likeness=self._settings.gate_likeness, floor=floor)
        self._ahead = ahead_seconds(passed.speed)
        engine.expect(passed.speed)
        log.info(
            "gate.passed",
            device=device,
            likeness=passed.likeness,
            speed=passed.speed,
            warm_up_seconds=passed.warm_up_seconds,
        )

    def _may_leave(self) -> bool:
        """Mark the slot, wait out the index's lag, look once more: whoever queues after that counts us no longer."""
        self._patiently(lambda: self._presence.leave("nothing to do"))
        self._departure.wait(self._settings.index_lag_seconds)
        if self._departure.told or not self._anything_to_do():
            return True
        self._patiently(self._presence.stay)
        return False

    def _anything_to_do(self) -> bool:
        return any(True for _ in self._candidates())

    def _candidates(self) -> Iterator[tuple[Part, Job | None]]:
        """Parts that may be taken, with their jobs; those of a version that is not known here are left alone."""
        for part in self._patiently(lambda: list(self._store.parts.ready(self._clock(), CANDIDATES))):
            try:
                yield part, self._patiently(partial(self._store.jobs.get, part.job_id))
            except UnknownVersionError as error:
                log.warning("job.left_alone", job_id=part.job_id, error=str(error))

    def take_one(self) -> bool:
        """Claim the next part that can be had; False if there is none, or if it has to wait until nothing is held.

        Nothing is taken past one that waits for that: under a steady stream it would wait for ever.
        """
        for part, job in self._candidates():
            if name_of(part) in self._held:
                # Given back a moment ago by a thread that has yet to end, or shown by an index that is late.
                continue
            if job is None or job.status in TERMINAL:
                self._close(part)
                continue
            options, wrong = self._options(job)
            if not joins(part, options.model_key, self.held):
                return False
            if self._claim(job, part, options, wrong):
                return True
        return False

    def _close(self, part: Part) -> None:
        """The index may be late; but whatever is left of a job that is over must not stand in the way for good."""
        if self._patiently(lambda: self._store.parts.close(part)):
            log.warning("part.closed", job_id=part.job_id, part=part.part_id)

    def _claim(self, job: Job, part: Part, options: Options, wrong: InvalidOptionError | None) -> bool:
        first = job.status is JobStatus.QUEUED
        now = self._clock()
        times = {"claimed": now} | self._machine_times(job) if first else {}
        running = replace(job, status=JobStatus.RUNNING, waiting=None, times={**job.times, **times})
        announcement = None
        if first and "claimed" not in job.times:
            # Once in each run of the job, however often it is interrupted.
            event = compose(running, EventType.STARTED, serial=str(job.generation), now=now, places=self._places)
            callbacks = self._patiently(lambda: self._store.callbacks.of_job(job))
            announcement = Announcement(event, job.source_key, callbacks)
        asked: dict[int, float] = {}

        def ask() -> Part | None:
            # Of several tries it is not known which arrived; the lease that the table has tells.
            lease_ends = self.heart.lease_ends()
            asked.setdefault(lease_ends, time.monotonic())
            return self._store.parts.claim(
                part, job, owner=self._identity.owner, lease_ends=lease_ends, started=announcement, times=times
            )

        mine = self._patiently(ask)
        if mine is None:
            return False
        confirmed = asked.get(mine.due_at, min(asked.values()))
        claim = Claim(
            running,
            mine,
            options,
            confirmed=confirmed,
            turn=part.due_at,
            heartbeat_seconds=self._settings.heartbeat_seconds,
        )
        self._held[claim.name] = claim
        if self._departure.told:
            # Told so while it was being claimed.
            claim.let_go(Stop.LEAVING)
        with self._metering:
            self._meter.enter(claim.name, now / 1_000)
        log.info("part.claimed", job_id=job.job_id, part=part.part_id, attempt=mine.attempt)
        self._start(lambda: self._do(claim, wrong))
        return True

    def _do(self, claim: Claim, wrong: InvalidOptionError | None) -> None:
        try:
            if wrong:
                self._endings.refuse(claim, wrong)
            elif ready := self._engine_for(claim):
                self._work.do(claim, *ready)
                if self._engines.distrusted:
                    self.leave(DEVICE_FAILS)
                self._leave_a_full_disk()
        except Exception:
            # It could not even be given back: its lease ends, and the sweep takes it up.
            log.exception("part.lost", job_id=claim.part.job_id, part=claim.part.part_id)
        finally:
            with self._metering:
                self._meter.leave(claim.name, self._clock() / 1_000)
            claim.ended = True
            del self._held[claim.name]
            self._changed.set()

    def _engine_for(self, claim: Claim) -> tuple[EngineProcess, ModelFiles] | None:
        """The engine with the claim's model; None if it cannot be had, which the part's end then says."""
        try:
            return self._engines.ready(claim.options.model_key, alone=len(self._held) == 1)
        except PermanentError as error:
            self._endings.refuse(claim, error)
        except GateFailedError as error:
            log.error("device.failed", code=error.code, message=str(error))  # noqa: TRY400 - the sentence says it all
            self._endings.give_back(claim)
            self.leave(DEVICE_FAILS)
        except StoppedError:
            self._endings.give_back(claim)
        except Exception:
            log.exception("engine.unavailable", model=claim.options.model_key)
            self._endings.rest(claim)
        return None

    def _leave_a_full_disk(self) -> None:
        if self._folder.spent:
            # Nothing here would make room: every recording would fare like this. Another machine has a disk of its own.
            self.leave(self._folder.spent)

    def _options(self, job: Job) -> tuple[Options, InvalidOptionError | None]:
        """The job's options, completed; those that cannot be honoured are refused once the part is claimed."""
        try:
            return Options.parse(job.options, self._settings.models), None
        except InvalidOptionError as error:
            return Options.parse({}, self._settings.models), error

    def _machine_times(self, job: Job) -> dict[str, int]:
        """Stages of this machine's start that this job has waited for."""
        asked = job.times.get("queued", job.created_at)
        return {stage: moment for stage, moment in self._presence.machine_times().items() if moment >= asked}

    def _cost(self, claim: Claim) -> dict[str, Any]:
        """What the job has cost until now: its share of the machine's time, the boot included."""
        with self._metering:
            seconds = self._meter.so_far(claim.name, self._clock() / 1_000)
        machine = self._identity.machine
        price = dollars_per_hour(machine.instance_type, self._identity.market) if machine else None
        cost: dict[str, Any] = {"machine_seconds": round(seconds, 1), "market": self._identity.market}
        if machine and price is not None:
            cost |= {
                "instance_type": machine.instance_type,
                "dollars_per_hour": price,
                "dollars": round(seconds * price / HOUR_SECONDS, 6),
            }
        return cost
