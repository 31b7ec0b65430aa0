"""Heartbeats: every part held and the machine's slot, from one thread that never waits for the work."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from services.common.domain.clock import SECOND
from services.common.store.parts import FencedError
from services.gpu_worker.claim import Claim, Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from services.common.store.store import Store
    from services.gpu_worker.presence import Presence
    from services.gpu_worker.settings import WorkerSettings

log = structlog.get_logger()


class Heart:
    """Beats for as long as the worker lives."""

    def __init__(
        self,
        store: Store,
        presence: Presence,
        settings: WorkerSettings,
        *,
        held: Callable[[], Iterable[Claim]],
        clock: Callable[[], int],
        alive: Callable[[str], None],
    ) -> None:
        """`alive` is told `heart` at every beat."""
        self._store = store
        self._presence = presence
        self._settings = settings
        self._held = held
        self._clock = clock
        self._alive = alive
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="heart", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float | None = None) -> None:
        """Beat no more; waits no longer than that for a beat under way."""
        self._ending.set()
        self._thread.join(seconds)

    def lease_ends(self) -> int:
        """When a lease taken now ends, by this machine's corrected clock."""
        return self._clock() + round(self._settings.lease_seconds * SECOND)

    def _beat_on(self) -> None:
        while not self._ending.wait(self._settings.heartbeat_seconds):
            try:
                self.beat()
            except (ClientError, BotoCoreError) as error:
                log.warning("heartbeat.failed", slot=True, error=str(error))
            self._alive("heart")

    def beat(self) -> None:
        """Once for everything held."""
        claims = list(self._held())
        # With several there, a machine that is gone speaks against none of them.
        alone = sum(claim.on_device for claim in claims) == 1
        for claim in claims:
            if not claim.ended and claim.reason is not Stop.FENCED:
                self._beat_for(claim, alone=alone)
        self._presence.beat()

    def _beat_for(self, claim: Claim, *, alone: bool) -> None:
        asked = time.monotonic()
        try:
            beaten = self._store.parts.heartbeat(
                claim.part,
                lease_ends=self.lease_ends(),
                on_device=claim.on_device and alone,
                progress=claim.progress,
            )
        except FencedError:
            if not claim.ended:
                log.warning("part.fenced", job_id=claim.part.job_id, part=claim.part.part_id)
                claim.let_go(Stop.FENCED)
        except (ClientError, BotoCoreError) as error:
            log.warning("heartbeat.failed", job_id=claim.part.job_id, error=str(error))
            if time.monotonic() - claim.confirmed > self._settings.lease_seconds:
                # Nobody has heard of us for a whole lease: the part may be another's by now.
                log.error("part.self_fenced", job_id=claim.part.job_id, part=claim.part.part_id)  # noqa: TRY400 - the error was logged above
                claim.let_go(Stop.FENCED)
        else:
            claim.confirmed = asked
            claim.update(beat=beaten.beat, due_at=beaten.due_at)
