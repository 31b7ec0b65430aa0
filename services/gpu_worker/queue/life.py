"""What a worker does around its loop: it gets ready before the first claim, and ends everything afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from services.gpu_worker.engine.processes.device_link import DeviceDiedError
from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.machine.self_test import SelfTestFailedError

if TYPE_CHECKING:
    from services.gpu_worker.machine.identity import Identity
    from services.gpu_worker.machine.presence import Presence
    from services.gpu_worker.machine.retrying import Retrying
    from services.gpu_worker.machine.shutdown import Shutdown
    from services.gpu_worker.machine.systemd import Watchdog
    from services.gpu_worker.part.sender import Sender
    from services.gpu_worker.queue.costs import Costs
    from services.gpu_worker.queue.engines import Engines
    from services.gpu_worker.queue.heartbeats import Heartbeats
    from services.gpu_worker.queue.worker import Worker
    from services.gpu_worker.settings import WorkerSettings

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Life:
    """Runs one worker, once."""

    settings: WorkerSettings
    identity: Identity
    worker: Worker
    engines: Engines
    heartbeats: Heartbeats
    watchdog: Watchdog
    presence: Presence
    costs: Costs
    sender: Sender
    shutdown: Shutdown
    retrying: Retrying

    def run(self) -> None:
        """Work until nothing is queued, or until told to leave.

        Raises:
            TranscriberError: the model cannot be loaded, or the self-test was not passed.

        """
        try:
            self._warm_up()
            self.heartbeats.start()
            self.watchdog.ready()
            log.info("worker.ready", owner=self.identity.owner, slot=self.identity.slot)
            try:
                self.worker.work()
            finally:
                self.heartbeats.stop(self.shutdown.deadlines.heartbeats)
                self.sender.finish(self.shutdown.deadlines.sender)
        except StoppedError:
            # This worker was told to leave before it was ready, while AWS did not answer.
            log.warning("worker.stopped")
        finally:
            # This is needed after a failed self-test too: an engine that runs would keep this process, and the machine.
            self.engines.close(self.shutdown.deadlines.engine)
            log.info("worker.left", owner=self.identity.owner)

    def leave(self, why: str) -> None:
        """Claim no more parts, stop the work on those held, and mark the slot. Safe to call from any thread."""
        self.worker.leaving.leave(why)

    def _warm_up(self) -> None:
        """Load the default model, pass the self-test with it, and report that in the slot."""
        try:
            engine, _ = self.engines.ready(self.settings.models[0])
        except DeviceDiedError:
            raise SelfTestFailedError("The process that was to hold the model died while it loaded it.") from None
        self.presence.reached("loaded")
        self.engines.test(engine)
        self.presence.reached("ready")
        self.retrying(self.presence.beat)
        times = self.presence.machine_times()
        if "launched" in times:
            self.costs.launched(times["launched"])
