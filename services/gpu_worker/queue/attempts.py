"""One attempt at a claimed part, on a thread of its own: it gets an engine, works, and ends."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from services.common.domain.errors import DamagedModelError, ModelUnavailableError
from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.machine.self_test import SelfTestFailedError
from services.gpu_worker.part.claim import StopReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.common.domain.errors import InvalidOptionError
    from services.gpu_worker.engine.decode.model_files import ModelFiles
    from services.gpu_worker.engine.process import EngineProcess
    from services.gpu_worker.machine.shutdown import Shutdown
    from services.gpu_worker.machine.work_folder import WorkFolder
    from services.gpu_worker.part.claim import Claim
    from services.gpu_worker.part.endings import PartEndings
    from services.gpu_worker.part.runner import PartRunner
    from services.gpu_worker.queue.costs import Costs
    from services.gpu_worker.queue.engines import Engines
    from services.gpu_worker.queue.held import HeldClaims
    from services.gpu_worker.queue.leaving import Leaving

log = structlog.get_logger()
DEVICE_FAILS = "the device fails"
"""Why such a machine leaves: the device of another one may work."""


def in_thread(task: Callable[[], None]) -> None:
    """Run a task on a thread of its own."""
    threading.Thread(target=task, daemon=True).start()


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """Begins attempts, and tells this worker to leave when one shows that its device or its disk is unusable."""

    held: HeldClaims
    engines: Engines
    runner: PartRunner
    endings: PartEndings
    costs: Costs
    folder: WorkFolder
    leaving: Leaving
    shutdown: Shutdown
    start: Callable[[Callable[[], None]], None]
    """Runs an attempt, without waiting for it."""

    def begin(self, claim: Claim, wrong: InvalidOptionError | None) -> None:
        """Begin an attempt, and hold its claim until it has ended; `wrong`: what is wrong with the job's options."""
        self.held.add(claim)
        if self.shutdown.told:
            # This worker was told to leave while the part was being claimed.
            claim.stop_work(StopReason.SHUTDOWN)
        self.costs.enter(claim.name)
        self.start(lambda: self._attempt(claim, wrong))

    def _attempt(self, claim: Claim, wrong: InvalidOptionError | None) -> None:
        try:
            if wrong:
                self.endings.fail(claim, wrong)
            elif ready := self._engine_for(claim):
                self.runner.do(claim, *ready)
                if self.engines.distrusted:
                    self.leaving.leave(DEVICE_FAILS)
                if self.folder.unusable:
                    # Every recording would fail here in the same way, and another machine has a disk of its own.
                    self.leaving.leave(self.folder.unusable)
        except Exception:
            # The part could not be given back. Its lease will end, and then the sweep queues it again.
            log.exception("part.lost", job_id=claim.part.job_id, part=claim.part.part_id)
        finally:
            claim.ended = True
            self.costs.leave(claim.name)
            self.held.remove(claim)

    def _engine_for(self, claim: Claim) -> tuple[EngineProcess, ModelFiles] | None:
        """The engine with the claim's model; None if there is none, in which case the attempt has been ended."""
        try:
            return self.engines.ready(claim.options.model_key, alone=len(self.held) == 1)
        except (ModelUnavailableError, DamagedModelError) as error:
            self.endings.model_unavailable(claim, error)
        except SelfTestFailedError as error:
            log.error("device.failed", code=error.code, message=error)  # noqa: TRY400 - the sentence says it all
            self.endings.give_back(claim)
            self.leaving.leave(DEVICE_FAILS)
        except StoppedError:
            self.endings.give_back(claim)
        except Exception:
            log.exception("engine.unavailable", model=claim.options.model_key)
            self.endings.retry_later(claim)
        return None
