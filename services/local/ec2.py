"""Plays EC2's machines: for each running instance of the emulator there is a worker process with a metadata service.

When a worker ends, its instance is terminated; when an instance is terminated, its worker is killed. What the worker
writes is the machine's console.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import structlog

from services.local.instance_metadata import MetadataService
from services.local.resources import DEPLOYMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import IO

    from mypy_boto3_ec2 import EC2Client

    Boot = Callable[[str, Mapping[str, str], IO[bytes]], subprocess.Popen[bytes]]
    """Starts a machine from its id, its worker's environment and the file for its log. The machine runs as long as the
    returned process, which must lead a process group of its own."""

log = structlog.get_logger()

LOOK_SECONDS = 0.25
NOTICE = timedelta(minutes=2)
MACHINES_PATH = "/_local/machines"
"""The path under which the emulator is told what EC2 itself would know about machines."""
MARKETS_PATH = "/_local/markets"
"""The path under which it is told what EC2's spot and on-demand markets are like."""
KEPT_PATH = "/_local/kept"
"""The path under which it tells how the account is kept."""
POWERED_OFF = ("Client.InstanceInitiatedShutdown", "Client.InstanceInitiatedShutdown: Instance initiated shutdown")
TAKEN_BACK = ("Server.SpotInstanceTermination", "Server.SpotInstanceTermination: Spot instance termination")


def start_worker(_instance_id: str, environment: Mapping[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a machine that consists of its worker process only."""
    return subprocess.Popen(
        [sys.executable, "-m", "services.gpu_worker"],
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


@dataclass(frozen=True, kw_only=True)
class EmulatedMachine:
    """One running instance: its worker process and its metadata service."""

    instance_id: str
    slot: str
    process: subprocess.Popen[bytes]
    metadata: MetadataService
    _taken_back: threading.Event = field(default_factory=threading.Event)

    @property
    def end(self) -> tuple[str, str]:
        """EC2's code and message for the machine's end, once its process has ended."""
        return TAKEN_BACK if self._taken_back.is_set() else POWERED_OFF

    def take_back(self) -> None:
        """Interrupt the spot machine as EC2 does, but at once."""
        self._taken_back.set()
        self.kill()

    def kill(self) -> None:
        """Kill the worker and every process that it started, without notice."""
        os.killpg(self.process.pid, signal.SIGKILL)

    def give_notice(self) -> None:
        """Publish EC2's notice that the machine is interrupted in two minutes."""
        self.metadata.give_notice((datetime.now(UTC) + NOTICE).isoformat())


class EmulatedMachines:
    """Starts and ends a process for each instance of the emulator."""

    def __init__(
        self,
        ec2: EC2Client,
        environment: Mapping[str, str],
        logs: Path,
        *,
        deployment: str = DEPLOYMENT,
        boot: Boot = start_worker,
    ) -> None:
        self._ec2 = ec2
        self._environment = dict(environment)
        self._logs = logs
        self._deployment = deployment
        self._boot = boot
        self._running: dict[str, EmulatedMachine] = {}
        self._seen: set[str] = set()
        self.failed: list[Path] = []
        """The logs of workers that ended by themselves with an error."""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="machines", daemon=True)
        self._thread.start()

    @property
    def running(self) -> list[EmulatedMachine]:
        """The machines whose worker runs now."""
        return [machine for machine in list(self._running.values()) if machine.process.poll() is None]

    def wait_for(self, count: int = 1, seconds: float = 30) -> list[EmulatedMachine]:
        """Wait until `count` machines run, and return all that do.

        Raises:
            TimeoutError: there were fewer after `seconds`.

        """
        until = time.monotonic() + seconds
        while len(self.running) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(self.running)} of {count} machines after {seconds} s")
            time.sleep(LOOK_SECONDS)
        return self.running

    def close(self) -> None:
        """End every worker."""
        self._ending.set()
        self._thread.join()
        for machine in self._running.values():
            if machine.process.poll() is None:
                machine.kill()
            machine.process.wait()
            machine.metadata.close()

    def _follow(self) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            try:
                self._look()
            except Exception as error:  # noqa: BLE001 - the next look tries again
                log.error("machines.failed", error=error)  # noqa: TRY400 - it may be logged many times

    def _look(self) -> None:
        """Kill processes of ended instances, terminate instances of ended processes, and start new machines."""
        alive = {instance["InstanceId"]: instance for instance in self._instances()}
        for instance_id, machine in list(self._running.items()):
            if instance_id not in alive and machine.process.poll() is None:
                machine.kill()
            if machine.process.poll() is not None:
                if machine.process.returncode > 0:
                    self.failed.append(self._log(instance_id))
                machine.metadata.close()
                del self._running[instance_id]
                if instance_id in alive:
                    self._tell(instance_id, ends=machine.end)
                    self._ec2.terminate_instances(InstanceIds=[instance_id])
        for instance_id, instance in alive.items():
            if instance_id not in self._seen:
                self._tell(instance_id, console=str(self._log(instance_id)))
                self._seen.add(instance_id)
                self._running[instance_id] = self._start(instance)

    def _tell(self, instance_id: str, **what: object) -> None:
        url = f"{self._ec2.meta.endpoint_url}{MACHINES_PATH}"
        httpx.post(url, json={"instance_id": instance_id, **what}, trust_env=False).raise_for_status()

    def _log(self, instance_id: str) -> Path:
        return self._logs / f"worker-{instance_id}.log"

    def _instances(self) -> list[dict[str, Any]]:
        reply = self._ec2.describe_instances(
            Filters=[
                {"Name": "tag:transcribe-deployment", "Values": [self._deployment]},
                {"Name": "instance-state-name", "Values": ["pending", "running"]},
            ]
        )
        return [dict(instance) for reservation in reply["Reservations"] for instance in reservation["Instances"]]

    def _start(self, instance: Mapping[str, Any]) -> EmulatedMachine:
        tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
        metadata = MetadataService(
            instance_id=instance["InstanceId"],
            instance_type=instance["InstanceType"],
            zone=instance["Placement"]["AvailabilityZone"],
            life_cycle=instance.get("InstanceLifecycle", "on-demand"),
            tags=tags,
        )
        with self._log(instance["InstanceId"]).open("wb") as log:
            environment = self._environment | {"AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.endpoint}
            process = self._boot(instance["InstanceId"], environment, log)
        return EmulatedMachine(
            instance_id=instance["InstanceId"], slot=tags["transcribe-slot"], process=process, metadata=metadata
        )
