"""The worker: claims parts, works on several at once, keeps their leases, and leaves when there is nothing left."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from services.common.domain.errors import DamagedModelError, InvalidOptionError, ModelUnavailableError
from services.common.domain.events import Places
from services.common.domain.states import TERMINAL
from services.common.store.announcements import Announcer
from services.gpu_worker.engine.processes.device import DeviceDiedError
from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.machine.preflight import kind_of_device
from services.gpu_worker.machine.retrying import Retrying
from services.gpu_worker.machine.self_test import Heard, SelfTestFailedError, judge, listen
from services.gpu_worker.machine.shutdown import Shutdown
from services.gpu_worker.machine.systemd import Watchdog
from services.gpu_worker.part.claim import Claim, Stop, name_of
from services.gpu_worker.part.endings import Endings
from services.gpu_worker.part.runner import PartRunner
from services.gpu_worker.queue.admission import LEAST_AHEAD_SECONDS, ahead_seconds, has_room, joins
from services.gpu_worker.queue.claiming import Claimer
from services.gpu_worker.queue.costs import Costs
from services.gpu_worker.queue.engines import Engines
from services.gpu_worker.queue.heartbeats import Heartbeats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.common.store.store import Store
    from services.gpu_worker.engine.decode.model_files import ModelFiles
    from services.gpu_worker.engine.process import EngineProcess
    from services.gpu_worker.machine.identity import Identity
    from services.gpu_worker.machine.presence import Presence
    from services.gpu_worker.machine.work_folder import WorkFolder
    from services.gpu_worker.part.files import Files
    from services.gpu_worker.part.sender import Sender
    from services.gpu_worker.settings import WorkerSettings

log = structlog.get_logger()
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
        shutdown: Shutdown | None = None,
        listen: Callable[[EngineProcess], Heard] = listen,
        models_now: Callable[[], Sequence[str]] | None = None,
        bring: Callable[[str], object] = lambda _: None,
    ) -> None:
        """`make_engine` starts an engine with a model; `start` runs the work on a part, beside everything else.

        `shutdown`: where somebody else must know of it too. `listen` has an engine hear the self-test's clip.
        `models_now` asks which models the deployment holds by now; those of the settings, unless that is said. `bring`
        has a model's files near, or raises.
        """
        self._engines = Engines(make_engine, self._test_device, bring)
        self._listen = listen
        self._start = start
        self._settings = settings
        self._identity = identity
        self._presence = presence
        self._sender = sender
        self._folder = folder
        self._held: dict[str, Claim] = {}
        self._changed = threading.Event()
        self._shutdown = shutdown or Shutdown()
        self._costs = Costs(identity, clock)
        self._watchdog = Watchdog(("loop", "heart"), patience_seconds=settings.hang_seconds)
        self._retrying = Retrying(
            self._shutdown.stop,
            alive=lambda: self._watchdog.beat("loop"),
            heartbeat_seconds=settings.heartbeat_seconds,
        )
        self.heart = Heartbeats(
            store, presence, settings, held=lambda: self.held, clock=clock, alive=self._watchdog.beat
        )
        announcer = Announcer(store.callbacks, places)
        self._claimer = Claimer(
            store=store,
            announcer=announcer,
            settings=settings,
            identity=identity,
            presence=presence,
            clock=clock,
            lease_ends=self.heart.lease_ends,
            retrying=self._retrying,
            models_now=models_now or (lambda: settings.models),
        )
        self._endings = Endings(
            store=store,
            announcer=announcer,
            sender=sender,
            clock=clock,
            cost=lambda claim: self._costs.so_far(claim.name),
            engine_failed=self._engines.failed,
        )
        self._work = PartRunner(
            store=store, files=files, settings=settings, folder=folder, clock=clock, endings=self._endings
        )
        self._ahead = LEAST_AHEAD_SECONDS

    @property
    def held(self) -> tuple[Claim, ...]:
        """What this worker works on now."""
        return tuple(self._held.values())

    def leave(self, why: str) -> None:
        """Take nothing more, give back what is held, mark the slot, and end; from any thread."""
        if not self._shutdown.begin():
            return
        log.warning("worker.leaving", why=why)
        for claim in self.held:
            claim.let_go(Stop.LEAVING)
        self._changed.set()
        self._presence.try_to_leave(why)
        self._shutdown.mark()
        self._changed.set()

    def run(self) -> None:
        """PartRunner until there is nothing left, or until told to leave.

        Raises:
            TranscriberError: the model cannot be loaded, or the self-test was not passed.

        """
        try:
            self._get_ready()
            self.heart.start()
            self._watchdog.ready()
            log.info("worker.ready", owner=self._identity.owner, slot=self._identity.slot)
            try:
                self.work()
            finally:
                self.heart.stop(self._shutdown.deadlines.heart)
                self._sender.finish(self._shutdown.deadlines.sender)
        except StoppedError:
            # Told to leave before it was ready, while AWS did not answer.
            log.warning("worker.stopped")
        finally:
            # Also when the self-test failed: an engine that nobody ends would keep this process, and the machine.
            self._engines.close(self._shutdown.deadlines.engine)
            log.info("worker.left", owner=self._identity.owner)

    def _get_ready(self) -> None:
        try:
            engine, _ = self._engines.ready(self._settings.models[0])
        except DeviceDiedError:
            raise SelfTestFailedError("The process that was to hold the model died while it loaded it.") from None
        self._presence.reached("loaded")
        self._test_device(engine)
        self._presence.reached("ready")
        self._retrying(self._presence.beat)
        times = self._presence.machine_times()
        if "launched" in times:
            self._costs.launched(times["launched"])

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
        while not (self._shutdown.told or self._presence.lost):
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
        while (self._held or not self._shutdown.marked) and (left := self._shutdown.seconds_for_held()) > 0:
            self._watchdog.beat("loop")
            self._changed.wait(min(left, self._settings.poll_seconds))
            self._changed.clear()
        for claim in self.held:
            log.warning("part.abandoned", job_id=claim.part.job_id, part=claim.part.part_id)
            self._endings.give_back(claim)

    def _test_device(self, engine: EngineProcess) -> None:
        """Nothing is claimed before the device has shown that it can transcribe, nor after it failed, until it has."""
        device = kind_of_device(self._settings)
        floor = self._settings.self_test_floor_cuda if device == "cuda" else self._settings.self_test_floor_cpu
        heard = self._listen(engine)
        if heard.speed < floor:
            # Perhaps in the busiest second of a boot: once more, now that it is over.
            heard = listen(engine)
        passed = judge(heard, likeness=self._settings.self_test_likeness, floor=floor)
        self._ahead = ahead_seconds(passed.speed)
        engine.expect(passed.speed)
        log.info(
            "self_test.passed",
            device=device,
            likeness=passed.likeness,
            speed=passed.speed,
            warm_up_seconds=passed.warm_up_seconds,
        )

    def _may_leave(self) -> bool:
        """Mark the slot, wait out the index's lag, look once more: whoever queues after that counts us no longer."""
        self._retrying(lambda: self._presence.leave("nothing to do"))
        self._shutdown.wait(self._settings.index_lag_seconds)
        if self._shutdown.told or not self._anything_to_do():
            return True
        self._retrying(self._presence.stay)
        return False

    def _anything_to_do(self) -> bool:
        return any(True for _ in self._claimer.candidates())

    def take_one(self) -> bool:
        """Claim the next part that can be had; False if there is none, or if it has to wait until nothing is held.

        Nothing is taken past one that waits for that: under a steady stream it would wait for ever.
        """
        for part, job in self._claimer.candidates():
            if name_of(part) in self._held:
                # Given back a moment ago by a thread that has yet to end, or shown by an index that is late.
                continue
            if job is None or job.status in TERMINAL:
                self._claimer.close(part)
                continue
            options, wrong = self._claimer.options(job)
            if not joins(part, options.model_key, self.held):
                return False
            if claim := self._claimer.claim(job, part, options):
                self._hold(claim, wrong)
                return True
        return False

    def _hold(self, claim: Claim, wrong: InvalidOptionError | None) -> None:
        self._held[claim.name] = claim
        if self._shutdown.told:
            # Told so while it was being claimed.
            claim.let_go(Stop.LEAVING)
        self._costs.enter(claim.name)
        self._start(lambda: self._do(claim, wrong))

    def _do(self, claim: Claim, wrong: InvalidOptionError | None) -> None:
        try:
            if wrong:
                self._endings.fail(claim, wrong)
            elif ready := self._engine_for(claim):
                self._work.do(claim, *ready)
                if self._engines.distrusted:
                    self.leave(DEVICE_FAILS)
                self._leave_a_full_disk()
        except Exception:
            # It could not even be given back: its lease ends, and the sweep takes it up.
            log.exception("part.lost", job_id=claim.part.job_id, part=claim.part.part_id)
        finally:
            claim.ended = True
            self._costs.leave(claim.name)
            del self._held[claim.name]
            self._changed.set()

    def _engine_for(self, claim: Claim) -> tuple[EngineProcess, ModelFiles] | None:
        """The engine with the claim's model; None if it cannot be had, which the part's end then says."""
        try:
            return self._engines.ready(claim.options.model_key, alone=len(self._held) == 1)
        except (ModelUnavailableError, DamagedModelError) as error:
            self._endings.do_without_model(claim, error)
        except SelfTestFailedError as error:
            log.error("device.failed", code=error.code, message=error)  # noqa: TRY400 - the sentence says it all
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
