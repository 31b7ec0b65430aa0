"""The whole system on this machine, as a context manager: `with Stack() as stack: …`."""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx

from services.common.domain import object_keys
from services.common.domain.ids import key_digest, new_api_key
from services.common.domain.times import now_ms
from services.common.store.store import Store
from services.gpu_worker.engine.decode.catalogue import PACKAGED, SPEAKERS
from services.gpu_worker.engine.decode.model_files import shipped
from services.local import resources
from services.local.ec2 import KEPT_PATH, EmulatedMachines, start_worker
from services.local.environments import Environments, of_aws
from services.local.kept_folder import Addresses
from services.local.processes import Processes, StackFailedError, address, listen

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from services.local.ec2 import Boot
    from services.local.kept_folder import KeptFolder

START_SECONDS = 60
MAX_FAILED_MACHINES = 3
"""After so many workers that ended with an error, the system gives up: another one would fail too."""


@dataclass(frozen=True, kw_only=True)
class StackSettings:
    """The settings of a stack; times are short, since machines here need no time to boot."""

    models: Sequence[str] = (PACKAGED,)
    models_folder: Path | None = None
    unrecorded_models: Sequence[str] = ()
    """What API and orchestrator refuse as if the lock of models did not know it."""
    max_workers: int = 1
    sweep_seconds: float = 5
    lease_seconds: float = 20
    heartbeat_seconds: float = 2
    idle_seconds: float = 2
    launch_at_registration: bool = False
    """Whether a machine may start, and wait, for a recording that was registered and has not come yet."""
    early_launch_seconds: float = 20
    """How long after its registration an upload is expected."""
    worker: Mapping[str, str] = field(default_factory=dict)
    """Further settings of the worker, by their names in the environment."""
    boot: Boot = start_worker
    """Starts a machine."""
    boot_seconds: int = 30
    """How long a machine may take from its launch to its first report."""
    on_demand_after_minutes: float = 0
    """How long a part waits for a spot machine before an on-demand one is launched; 0: it waits for ever."""
    warm_hours: Sequence[Mapping[str, Any]] = ()
    """When machines are kept running although nobody uploads, as Terraform's variable of this name says it."""
    cors_origins: Sequence[str] = ()
    """Origins whose pages may use the API, links and forms, as Terraform's variable of this name says them."""
    kept: KeptFolder | None = None
    """Where table, bucket, queues and keys are kept; None: they end with the system."""
    through: Callable[[str], str] | None = None
    """Returns, for the emulator's address, the one under which the system's processes reach AWS, such as a proxy's."""
    line: Callable[[str], str] | None = None
    """Returns, for the address of the API or of the emulator, the one under which clients reach it."""


class Stack:
    """Emulator, API, orchestrator and machines, each in a process of its own."""

    def __init__(self, settings: StackSettings | None = None) -> None:
        self.settings = settings or StackSettings()
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.callback(self._cleanup.close)
            self._start()
            undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    def _start(self) -> None:
        folder = self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="transcribe-local-"))
        self.logs = Path(folder)
        emulator, api = self._listen()
        self._processes = Processes(self.logs)
        self._cleanup.callback(self._processes.close)
        self._start_emulator(emulator)
        self._fill_account()
        environments = Environments(
            settings=self.settings,
            made=self.resources,
            aws_url=self.aws_url,
            public_url=self.public_url,
            storage_url=self.storage_url,
        )
        self._put_worker_settings(environments)
        self._put_models_lock()
        self._start_services(environments, api)
        self._wait_for(f"{self.api_url}/api/health")

    def _listen(self) -> tuple[socket.socket, socket.socket]:
        """Choose all addresses; returns what the emulator and the API serve."""
        kept = self.settings.kept
        wanted = kept.addresses if kept else Addresses()
        emulator, api = (self._cleanup.enter_context(listen(port)) for port in (wanted.aws, wanted.api))
        self.endpoint, self.api_url = address(emulator), address(api)
        if kept:
            kept.remember(Addresses(api=api.getsockname()[1], aws=emulator.getsockname()[1]))
        lead = self.settings.line or str
        self.public_url, self.storage_url = lead(self.api_url), lead(self.endpoint)
        self.aws_url = self.settings.through(self.endpoint) if self.settings.through else self.endpoint
        return emulator, api

    def _start_emulator(self, listening: socket.socket) -> None:
        kept = self.settings.kept
        told, held = (("--keep", str(kept.path)), kept.lock) if kept else ((), None)
        env = of_aws(self.aws_url)
        self._processes.start(
            "emulator", "services.local.emulator.server", *told, env=env, serving=listening, holding=held
        )
        self._wait_for(f"{self.endpoint}/moto-api/")

    def _fill_account(self) -> None:
        self.session = boto3.session.Session(
            aws_access_key_id="local", aws_secret_access_key="local", region_name=resources.REGION
        )
        # The API's own page is to the bucket a page of another origin.
        origins = [*self.settings.cors_origins, self.public_url]
        self.resources = resources.create(self.session, self.endpoint, origins)
        self.store = Store(self.session.client("dynamodb", endpoint_url=self.endpoint), resources.TABLE)
        self.s3 = self.session.client("s3", endpoint_url=self.endpoint)
        # The machines of an earlier run have ended with its emulator, which nobody can ask about them any more.
        for slot in self.store.slots.all() if self.settings.kept else ():
            self.store.slots.free(slot)

    def _start_services(self, environments: Environments, api: socket.socket) -> None:
        self._processes.start(
            "api",
            *("uvicorn", "services.local.gateway:app", "--log-level", "warning"),
            env=environments.api(),
            serving=api,
        )
        self._processes.start(
            "orchestrator",
            *("services.local.orchestrator", self.resources.queue_url, str(self.settings.sweep_seconds)),
            env=environments.orchestrator(),
        )
        ec2 = self.session.client("ec2", endpoint_url=self.endpoint)
        self.machines = EmulatedMachines(ec2, environments.worker(), self.logs, boot=self.settings.boot)
        self._cleanup.callback(self.machines.close)

    def new_client(self, client_id: str) -> str:
        """Register a client; returns its API key."""
        api_key = new_api_key()
        self._add_client(client_id, api_key)
        return api_key

    def own_client(self, client_id: str) -> str:
        """Register a client whose key stays the same as long as the account is kept; returns the key."""
        kept = self.settings.kept
        if kept is None:
            return self.new_client(client_id)
        digest = key_digest(kept.api_key)
        known = next((key for key in self.store.clients.keys_of(client_id) if key.digest == digest), None)
        if known is None:
            self._add_client(client_id, kept.api_key)
        elif known.revoked_at is not None:
            return self.new_client(client_id)
        return kept.api_key

    def kept_trouble(self) -> str | None:
        """Why what happens now is not kept, as a sentence; None: it is, or nothing is to be kept."""
        if self.settings.kept is None:
            return None
        trouble: str | None = (
            httpx.get(f"{self.endpoint}{KEPT_PATH}", trust_env=False).raise_for_status().json()["trouble"]
        )
        return trouble

    @property
    def has_kept_all(self) -> bool:
        """Whether all that was to be kept is kept. It is known once the system has ended."""
        return self.settings.kept is None or self._processes["emulator"].returncode == 0

    def check(self) -> None:
        """Check that the system runs.

        Raises:
            StackFailedError: a part of it has ended, or too many workers have ended with an error.

        """
        self._processes.check()
        if len(self.machines.failed) >= MAX_FAILED_MACHINES:
            raise StackFailedError("The worker cannot run on this machine.", self.machines.failed[-1])

    def log_text(self) -> str:
        """The text of all logs, to find out what went wrong."""
        return "\n".join(
            f"== {path.name}\n{path.read_text('utf-8', 'replace')}" for path in sorted(self.logs.glob("*.log"))
        )

    def _add_client(self, client_id: str, api_key: str) -> None:
        self.store.clients.register(client_id)
        self.store.clients.add_key(api_key, client_id=client_id, name="local", now=now_ms())

    def _put_worker_settings(self, environments: Environments) -> None:
        self.session.client("ssm", endpoint_url=self.endpoint).put_parameter(
            Name=resources.CONFIG_PARAMETER, Value=json.dumps(environments.common()), Type="String"
        )

    def _put_models_lock(self) -> None:
        """The packaged model is left out: a test puts another in its place."""
        lock = json.dumps({SPEAKERS: shipped(SPEAKERS)}).encode()
        self.s3.put_object(Bucket=resources.BUCKET, Key=object_keys.MODELS_LOCK, Body=lock)

    def _wait_for(self, url: str) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            self._processes.check()
            with suppress(httpx.TransportError):
                if httpx.get(url, trust_env=False).is_success:
                    return
            time.sleep(0.05)
        raise TimeoutError(f"{url} did not answer within {START_SECONDS} s.")
