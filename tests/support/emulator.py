"""The local stack's emulator by itself, in a process of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3

from services.local import resources
from services.local.processes import Processes, address, listen

ROOT = Path(__file__).parents[2]


class Emulator:
    """An empty account, until closed. A call that is made before it is up waits for it."""

    def __init__(self, folder: Path, *, keep: Path | None = None) -> None:
        """`folder` gets `emulator.log`; the account is that in the folder `keep`, if there is one."""
        listening = listen()
        self.endpoint = address(listening)
        self._processes = Processes(folder)
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        told = ("--keep", str(keep)) if keep else ()
        self._processes.start("emulator", "services.local.emulator.server", *told, env=environment, serving=listening)
        self.session = boto3.session.Session(
            aws_access_key_id="operator", aws_secret_access_key="operator", region_name=resources.REGION
        )

        self._clients: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that it runs in."""
        return self._processes["emulator"]

    def client(self, service: str) -> Any:
        """A boto3 client for a service of the account; the same each time, since to make one takes long."""
        if service not in self._clients:
            made = self.session.client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload]
            self._clients[service] = made
        return self._clients[service]

    def close(self) -> None:
        """End it, with all that it holds."""
        self._processes.close()
