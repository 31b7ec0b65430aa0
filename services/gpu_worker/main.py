"""The worker's process, from its settings to its exit status."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, NoReturn

import structlog

from services.common import logs
from services.common.domain.errors import TranscriberError
from services.common.domain.ids import new_id
from services.common.domain.times import now_ms
from services.common.redaction import describe
from services.common.store.store import Store
from services.gpu_worker.machine import stale_folders
from services.gpu_worker.machine.identity import FLEET, introduce
from services.gpu_worker.machine.log_shipping import LogShipping
from services.gpu_worker.machine.metadata import Metadata, aws_of
from services.gpu_worker.machine.preflight import clock_skew, folder_for_recordings, require_clock, require_fit
from services.gpu_worker.machine.presence import Presence
from services.gpu_worker.machine.retrying import Retrying
from services.gpu_worker.machine.shutdown import LEAVE_SECONDS, end_within
from services.gpu_worker.machine.spot_notices import SpotNotices, heed_signals
from services.gpu_worker.machine.work_folder import WorkFolder
from services.gpu_worker.wiring import build

if TYPE_CHECKING:
    from services.gpu_worker.machine.head_start import HeadStart

log = structlog.get_logger()
NETWORK_SECONDS = 120
"""How long a booting machine is given until its metadata service answers; systemd ends a start after five minutes."""


def run(shipping: LogShipping, head_start: HeadStart | None = None) -> None:
    """Find out the machine's identity and settings, and work until nothing is queued.

    Raises:
        TranscriberError: this machine cannot work; its slot says why, unless AWS could not be reached.

    """
    metadata = Metadata()
    # On a machine of the fleet the worker starts before the network is up.
    network_seconds = NETWORK_SECONDS if os.environ.get(FLEET) else 0
    machine = metadata.machine(network_seconds)
    aws = aws_of(machine)
    # A boot that waits for AWS has no limit here; systemd and the sweep end it.
    retrying = Retrying(threading.Event())
    if machine:
        retrying(aws.sign_in)
    skew = clock_skew(aws.ssm().meta.endpoint_url, now_ms, network_seconds)
    require_clock(skew)
    owner = new_id("worker")
    identity, settings = retrying(lambda: introduce(machine, owner, aws))
    logs.configure(
        settings.log_level, shipping.take, service="gpu_worker", deployment=settings.deployment, owner=identity.owner
    )
    if settings.log_group:
        name = machine.instance_id if machine else identity.owner
        shipping.start(aws.logs(), settings.log_group, f"{name}/{identity.owner}")
    if skew:
        log.warning("clock.corrected", milliseconds=skew)

    def clock() -> int:
        return now_ms() + skew

    presence = Presence(Store(aws.dynamodb(), settings.table_name), identity, settings, clock)
    presence.reached("kernel_up", seconds_ago=time.clock_gettime(time.CLOCK_BOOTTIME))
    presence.reached("booted")
    if settings.provision_seconds:
        log.info("machine.provisioned", seconds=settings.provision_seconds)
    try:
        # The folders of killed workers go first, as they may fill the disk.
        stale_folders.clean(folder_for_recordings(settings))
        require_fit(settings)
        with WorkFolder.make(folder_for_recordings(settings)) as folder:
            presence.note = folder.described()
            life = build(settings, identity, aws, presence=presence, folder=folder, clock=clock, head_start=head_start)

            def leave(why: str) -> None:
                end_within(LEAVE_SECONDS)
                life.leave(why)

            heed_signals(leave)
            SpotNotices(metadata if machine else None, settings, leave).start()
            life.run()
    except Exception as error:
        _mark(presence, error)
        raise


def _mark(presence: Presence, error: Exception) -> None:
    """Mark the slot as leaving, with the reason, so that the sweep need not wait until the machine is missed."""
    code = f"{error.code}: " if isinstance(error, TranscriberError) else ""
    presence.try_to_leave(f"{code}{describe(error)}")


def main(head_start: HeadStart | None = None) -> int:
    """Run the worker; the exit status is 1 if it failed, and the last line of the log says why."""
    shipping = LogShipping()
    logs.begin("gpu_worker", shipping.take)
    try:
        run(shipping, head_start)
    except TranscriberError as error:
        log.error("worker.failed", code=error.code, message=error)  # noqa: TRY400 - the sentence says it all
        return 1
    except Exception:
        log.exception("worker.broken")
        return 1
    finally:
        shipping.close()
    return 0


def console(head_start: HeadStart | None = None) -> NoReturn:
    """Run the worker, and end the process."""
    status = main(head_start)
    # sys.exit would wait for threads, and one that waits for a hanging receiver would keep the machine.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
