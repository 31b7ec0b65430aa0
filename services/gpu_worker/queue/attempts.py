"""What becomes of a part once it is claimed: one attempt, on a thread of its own, from its engine to its end."""

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
    from services.gpu_worker.part.endings import Endings
    from services.gpu_worker.part.runner import PartRunner
    from services.gpu_worker.queue.costs import Costs
    from services.gpu_worker.queue.engines import Engines
    from services.gpu_worker.queue.held import HeldClaims
    from services.gpu_worker.queue.leaving import Leaving

log = structlog.get_logger()
DEVICE_FAILS = "the device fails"
"""Why such a machine leaves: another may be sound."""


def in_thread(task: Callable[[], None]) -> None:
    """Run a task on a thread of its own."""
    threading.Thread(target=task, daemon=True).start()


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """Begins attempts, and has this worker leave when one shows that its device or its disk is of no more use."""

    held: HeldClaims
    engines: Engines
    runner: PartRunner
    endings: Endings
    costs: Costs
    folder: WorkFolder
    leaving: Leaving
    shutdown: Shutdown
    start: Callable[[Callable[[], None]], None]
    """Runs an attempt beside everything else."""

    def begin(self, claim: Claim, wrong: InvalidOptionError | None) -> None:
        """Hold the claim until its attempt has ended; `wrong`: why the job's options cannot be honoured."""
        self.held.add(claim)
        if self.shutdown.told:
            # Told so while it was being claimed.
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
                    # Every recording would fare like this here, and another machine has a disk of its own.
                    self.leaving.leave(self.folder.unusable)
        except Exception:
            # It could not even be given back: its lease ends, and the sweep takes it up.
            log.exception("part.lost", job_id=claim.part.job_id, part=claim.part.part_id)
        finally:
            claim.ended = True
            self.costs.leave(claim.name)
            self.held.remove(claim)

    def _engine_for(self, claim: Claim) -> tuple[EngineProcess, ModelFiles] | None:
        """The engine with the claim's model; None if it cannot be had, which the part's end then says."""
        try:
            return self.engines.ready(claim.options.model_key, alone=len(self.held) == 1)
        except (ModelUnavailableError, DamagedModelError) as error:
            self.endings.do_without_model(claim, error)
        except SelfTestFailedError as error:
            log.error("device.failed", code=error.code, message=error)  # noqa: TRY400 - the sentence says it all
            self.endings.give_back(claim)
            self.leaving.leave(DEVICE_FAILS)
        except StoppedError:
            self.endings.give_back(claim)
        except Exception:
            log.exception("engine.unavailable", model=claim.options.model_key)
            self.endings.rest(claim)
        return None
