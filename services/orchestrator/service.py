"""The orchestrator, put together once per process."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from services.common.aws import Aws
from services.common.domain.events import Places
from services.common.domain.ids import new_id
from services.common.domain.times import now_ms
from services.common.erasure import Erasure
from services.common.machines.instances import Instances
from services.common.source_object import SourceObjects
from services.common.store.announcements import Announcer
from services.common.store.commands import Commands
from services.common.store.store import Store
from services.orchestrator.audit import Auditor
from services.orchestrator.console_output import HASTY, Consoles
from services.orchestrator.corrections_at_rest import CorrectionsAtRest
from services.orchestrator.expiry import Expiry
from services.orchestrator.fleet import Fleet
from services.orchestrator.intake import Intake
from services.orchestrator.launch import Launcher
from services.orchestrator.leftovers import Leftovers
from services.orchestrator.reaper import Reaper
from services.orchestrator.reconciliation import Reconciliation
from services.orchestrator.recovery import Recovery
from services.orchestrator.registrations import Registrations
from services.orchestrator.slot_launches import SlotLaunches
from services.orchestrator.sweep import Sweep
from services.orchestrator.upload_owners import Owners

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from services.common.webhooks.dispatch import Dispatcher
    from services.orchestrator.expected import Expected
    from services.orchestrator.settings import OrchestratorSettings


class Orchestrator:
    """Intake, fleet and sweep of one deployment."""

    def __init__(
        self,
        settings: OrchestratorSettings,
        aws: Aws,
        *,
        clock: Callable[[], int] = now_ms,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self._aws = aws
        self.clock = clock
        self._sender = new_id("sweep")
        ec2, s3 = aws.ec2(), aws.s3()
        consoles = Consoles(lambda: aws.ec2(HASTY), lambda: aws.logs(HASTY), settings.worker_log_group, clock)
        self.store = Store(aws.dynamodb(), settings.table_name)
        places = Places(
            bucket=settings.bucket_name, public_url=settings.public_url, retention_days=settings.retention_days
        )
        announcer = Announcer(self.store.callbacks, places)
        erasure = Erasure(self.store, s3, settings.bucket_name)
        recordings = SourceObjects(s3, settings.bucket_name)
        commands = Commands(self.store, announcer, recordings.uploaded_at, recordings.give_up)
        owners = partial(Owners, self.store, settings.models, settings.unrecorded_models)
        self.intake = Intake(self.store, s3, announcer, commands, erasure, owners=owners)
        launches = SlotLaunches(self.store, Launcher(ec2, aws.ssm(), settings), settings, clock=clock)
        self.fleet = Fleet(self.store, launches, settings)
        self.registrations = Registrations(self.store)
        self.reconciliation = Reconciliation(self.store, s3, settings.bucket_name, self.intake, settings.retention_days)
        self.sweep = Sweep(
            store=self.store,
            recovery=Recovery(self.store, announcer),
            reaper=Reaper(self.store, Instances(ec2, settings.deployment), consoles, launches, settings),
            fleet=self.fleet,
            expectations=tuple(self._expectations()),
            expiry=Expiry(self.store, announcer, recordings),
            corrections=CorrectionsAtRest(self.store, announcer),
            erasure=erasure,
            reconciliation=self.reconciliation,
            leftovers=Leftovers(self.store, s3, settings.bucket_name, settings.retention_days),
            auditor=Auditor(self.store, s3, settings.bucket_name, settings.retention_days),
            dispatcher=self.dispatcher,
            clock=clock,
            wait=wait,
            heartbeat_seconds=settings.heartbeat_seconds,
        )

    def _expectations(self) -> Iterator[Callable[[int], Expected]]:
        if self.settings.launch_at_registration:
            yield self.registrations.expected
        if self.settings.warm_hours:
            yield self._warm

    def _warm(self, now: int) -> Expected:
        """The machines that the operator's schedule keeps warm at `now`, epoch milliseconds.

        Raises:
            SettingsError: the schedule cannot be read.

        """
        # Most deployments have no schedule, and time zones are slow to import.
        from services.orchestrator.warm_hours import WarmHours  # noqa: PLC0415

        return WarmHours.read(self.settings.warm_hours, self.settings.warm_zone).expected(now)

    def dispatcher(self) -> Dispatcher:
        """Make the dispatcher, which sends webhooks."""
        # An HTTP client is slow to import, and most invocations send nothing.
        from services.common.webhooks.dispatch import Dispatcher  # noqa: PLC0415
        from services.common.webhooks.vault import Vault  # noqa: PLC0415

        return Dispatcher(
            self.store,
            Vault(self._aws.kms(), self.settings.secrets_key_id),
            sender=self._sender,
            clock=self.clock,
            allow_private=self.settings.webhook_allow_private,
        )
