"""The one place where a worker is put together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.common.domain.events import Places
from services.common.domain.options import MAX_VOICES
from services.common.store.announcements import Announcer
from services.common.store.store import Store
from services.common.webhooks.dispatch import Dispatcher
from services.common.webhooks.vault import Vault
from services.gpu_worker.engine.processes.reader_main import Limits
from services.gpu_worker.engine.processes.readers import ReaderProcesses
from services.gpu_worker.engine.processes.speaker_processes import SpeakerProcesses
from services.gpu_worker.image.bucket_models import BucketModels
from services.gpu_worker.image.models import Models
from services.gpu_worker.machine.device_check import DeviceCheck
from services.gpu_worker.machine.identity import settings_for
from services.gpu_worker.machine.retrying import Retrying
from services.gpu_worker.machine.self_test import listen
from services.gpu_worker.machine.shutdown import Shutdown
from services.gpu_worker.machine.systemd import Watchdog
from services.gpu_worker.part.endings import PartEndings
from services.gpu_worker.part.files import Files
from services.gpu_worker.part.runner import PartRunner
from services.gpu_worker.part.sender import Sender
from services.gpu_worker.part.transcribing import HOUR_SECONDS
from services.gpu_worker.queue.attempts import Attempts, in_thread
from services.gpu_worker.queue.claiming import Claimer
from services.gpu_worker.queue.costs import Costs
from services.gpu_worker.queue.engine_factory import EngineFactory
from services.gpu_worker.queue.engines import Engines
from services.gpu_worker.queue.heartbeats import Heartbeats
from services.gpu_worker.queue.held import HeldClaims
from services.gpu_worker.queue.leaving import Leaving
from services.gpu_worker.queue.life import Life
from services.gpu_worker.queue.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_s3 import S3Client

    from services.common.aws import Aws
    from services.gpu_worker.engine.process import EngineProcess
    from services.gpu_worker.engine.speakers.work import Speakers
    from services.gpu_worker.machine.head_start import HeadStart
    from services.gpu_worker.machine.identity import Identity
    from services.gpu_worker.machine.presence import Presence
    from services.gpu_worker.machine.self_test import Heard
    from services.gpu_worker.machine.work_folder import WorkFolder
    from services.gpu_worker.settings import WorkerSettings

SPEAKER_SECONDS = 250
"""Processor time that the speakers of one voice may take, an hour: three times what they do, as cores may be shared."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Everything outside of a worker that it uses; a test puts its imitations here."""

    store: Store
    s3: S3Client
    dispatcher: Dispatcher
    presence: Presence
    folder: WorkFolder
    clock: Callable[[], int]
    """The time, corrected by AWS's, in epoch milliseconds."""
    make_engine: Callable[[str], EngineProcess]
    """Starts an engine with a model."""
    prefetch: Callable[[str], object]
    """Gets a model's files, or raises."""
    speakers: Speakers
    """Tells speakers apart."""
    models_now: Callable[[], Sequence[str]]
    """Reads which models the deployment has."""
    first_listen: Callable[[EngineProcess], Heard] = listen
    """What an engine made of the self-test's clip."""
    start: Callable[[Callable[[], None]], None] = in_thread
    """Runs the work on a part, without waiting for it."""


def build(
    settings: WorkerSettings,
    identity: Identity,
    aws: Aws,
    *,
    presence: Presence,
    folder: WorkFolder,
    clock: Callable[[], int],
    head_start: HeadStart | None = None,
) -> Life:
    """Build the worker of a deployment; `head_start`: an engine that was started before the settings were known."""
    store = Store(aws.dynamodb(), settings.table_name)
    dispatcher = Dispatcher(
        store,
        Vault(aws.kms(), settings.secrets_key_id),
        sender=identity.owner,
        clock=clock,
        allow_private=settings.webhook_allow_private,
    )
    s3 = aws.s3()
    readers = ReaderProcesses(
        Limits(
            memory_mib=settings.reader_memory_mib,
            # To read an hour takes some 7 s; with eight voices it takes half a minute.
            processor_seconds=round(600 + settings.max_audio_hours * HOUR_SECONDS / 20),
            silence_seconds=settings.reader_patience_seconds,
        )
    )
    # The fork server starts while the model is found and loaded, which takes longer.
    readers.warm_up()
    shutdown = Shutdown()
    models = Models(
        BucketModels(s3, settings.bucket_name, Retrying(shutdown.stop)),
        folder=settings.models_folder,
        memory=settings.memory_folder,
        locked=identity.slot is not None,
    )
    surroundings = Surroundings(
        store=store,
        s3=s3,
        dispatcher=dispatcher,
        presence=presence,
        folder=folder,
        clock=clock,
        make_engine=EngineFactory(
            settings=settings, models=models, readers=readers, stop=shutdown.stop, head_start=head_start
        ),
        prefetch=models.ready,
        speakers=SpeakerProcesses(_for_speakers(readers, settings), models=models.speakers),
        models_now=lambda: settings_for(identity.machine, aws).models,
        first_listen=head_start.heard if head_start else listen,
    )
    return wire(settings, identity, surroundings, shutdown)


def _for_speakers(readers: ReaderProcesses, settings: WorkerSettings) -> ReaderProcesses:
    """Processes like those that read, with the processor time that speakers take."""
    most = settings.max_audio_hours * MAX_VOICES * SPEAKER_SECONDS
    return replace(readers, limits=replace(readers.limits, processor_seconds=round(600 + most)))


def wire(settings: WorkerSettings, identity: Identity, outside: Surroundings, shutdown: Shutdown) -> Life:
    """Wire a worker in these surroundings; `shutdown` knows whether it was told to leave."""
    store, clock, presence, folder = outside.store, outside.clock, outside.presence, outside.folder
    places = Places(bucket=settings.bucket_name, public_url=settings.public_url, retention_days=settings.retention_days)
    announcer = Announcer(store.callbacks, places)
    held = HeldClaims()
    costs = Costs(identity, clock)
    sender = Sender(outside.dispatcher, identity.owner)
    engines = Engines(outside.make_engine, DeviceCheck(settings, outside.first_listen), outside.prefetch)
    watchdog = Watchdog(("loop", "heartbeats"), patience_seconds=settings.hang_seconds)
    retrying = Retrying(
        shutdown.stop, before_try=lambda: watchdog.beat("loop"), heartbeat_seconds=settings.heartbeat_seconds
    )
    heartbeats = Heartbeats(
        store, presence, settings, held=held, clock=clock, alive=lambda: watchdog.beat("heartbeats")
    )
    claimer = Claimer(
        store=store,
        announcer=announcer,
        settings=settings,
        identity=identity,
        presence=presence,
        clock=clock,
        lease_ends=heartbeats.lease_ends,
        retrying=retrying,
        models_now=outside.models_now,
    )
    endings = PartEndings(
        store=store,
        announcer=announcer,
        sender=sender,
        clock=clock,
        cost=lambda claim: costs.so_far(claim.name),
        engine_failed=engines.failed,
    )
    runner = PartRunner(
        store=store,
        files=Files(outside.s3, settings.bucket_name),
        settings=settings,
        folder=folder,
        clock=clock,
        endings=endings,
        speakers=outside.speakers,
    )
    leaving = Leaving(
        settings=settings,
        held=held,
        claimer=claimer,
        endings=endings,
        presence=presence,
        shutdown=shutdown,
        retrying=retrying,
        watchdog=watchdog,
    )
    attempts = Attempts(
        held=held,
        engines=engines,
        runner=runner,
        endings=endings,
        costs=costs,
        folder=folder,
        leaving=leaving,
        shutdown=shutdown,
        start=outside.start,
    )
    worker = Worker(
        settings=settings,
        held=held,
        claimer=claimer,
        attempts=attempts,
        costs=costs,
        engines=engines,
        folder=folder,
        leaving=leaving,
        presence=presence,
        shutdown=shutdown,
        watchdog=watchdog,
    )
    return Life(
        settings=settings,
        identity=identity,
        worker=worker,
        engines=engines,
        heartbeats=heartbeats,
        watchdog=watchdog,
        presence=presence,
        costs=costs,
        sender=sender,
        shutdown=shutdown,
        retrying=retrying,
    )
