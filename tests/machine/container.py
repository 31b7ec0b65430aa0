"""A machine in a container: the provisioned tree, booted by systemd-nspawn under real systemd, on this network."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from tools.machine_tree import IDENTITY

_OF_THE_HOST = frozenset({"PATH", "HOME", "PYTHONPATH", "XDG_CACHE_HOME"})
_WORKER_ENV = "/etc/transcriber/worker.env"
_UNITS = "/etc/systemd/system"


class Container:
    """How the next machine is booted; each machine starts from the untouched tree."""

    def __init__(self, tree: Path, room: Path) -> None:
        """`room`: a folder of the test's own, for what is laid over the tree."""
        self._tree = tree
        self._room = room
        self._binds: dict[Path, str] = {}
        self._devices: dict[Path, str] = {}
        self.environment: dict[str, str] = {}
        """Settings of this test, over those of the image and the stack."""
        self.cable: str | None = None
        """`ours:its`: a network of its own, by this card here and that one there, instead of this machine's."""
        self.identity: str | None = None
        """Who the machine finds that it is; its instance's id, unless that is said."""

    def lay(self, target: str, content: str, *, mode: int = 0o644) -> None:
        """Put a file of this content over the tree's."""
        path = self._room / f"laid-{len(self._binds)}"
        path.write_text(content, encoding="utf-8")
        path.chmod(mode)
        self._binds[path] = target

    def bind(self, source: Path, target: str) -> None:
        """Show a file or folder of this machine in there, to read."""
        self._binds[source] = target

    def device(self, source: Path, target: str) -> None:
        """Give the machine a device of this one, to write."""
        self._devices[source] = target

    def drop_in(self, unit: str, *lines: str) -> None:
        """Change a unit, as an operator would."""
        self.lay(f"{_UNITS}/{unit}.d/test-{len(self._binds)}.conf", "\n".join([*lines, ""]))

    def boot(self, instance_id: str, environment: Mapping[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        """As `services.local.ec2` wants it."""
        image = (self._tree / _WORKER_ENV.lstrip("/")).read_text(encoding="utf-8")
        told = {name: value for name, value in environment.items() if name not in _OF_THE_HOST} | self.environment
        merged = self._room / f"{instance_id}.env"
        merged.write_text(image + "".join(f"{name}={value}\n" for name, value in told.items()), encoding="utf-8")
        identity = self._room / f"{instance_id}.id"
        identity.write_text(f"{self.identity or instance_id}\n", encoding="utf-8")
        binds = {merged: _WORKER_ENV, identity: IDENTITY, **self._binds}
        return subprocess.Popen(
            [
                *("systemd-nspawn", f"--directory={self._tree}", "--volatile=overlay", f"--machine={instance_id}"),
                *("--register=no", "--keep-unit", "--boot", "--quiet", "--console=read-only", "--resolv-conf=off"),
                *([f"--network-veth-extra={self.cable}"] if self.cable else []),
                *(f"--bind-ro={source}:{target}" for source, target in binds.items()),
                *(f"--bind={source}:{target}" for source, target in self._devices.items()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def worker_of(machine: subprocess.Popen[bytes], seconds: float = 30, *, other_than: int = 0) -> int:
    """The host's process id of the machine's worker, once it runs."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for process in _descendants(machine.pid):
            if process != other_than and _command(process)[1:3] == ["-m", "services.gpu_worker"]:
                return process
        time.sleep(0.05)
    raise TimeoutError(f"no worker within {seconds} s")


def device_of(worker: int, seconds: float = 30) -> int:
    """The process that holds that worker's model."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for process in _children(worker):
            if any("multiprocessing.spawn" in word for word in _command(process)):
                return process
        time.sleep(0.05)
    raise TimeoutError(f"no model within {seconds} s")


def crash(worker: int) -> None:
    os.kill(worker, signal.SIGSEGV)


def hang(worker: int) -> None:
    os.kill(worker, signal.SIGSTOP)


def _descendants(parent: int) -> Iterator[int]:
    for process in _children(parent):
        yield process
        yield from _descendants(process)


def _children(parent: int) -> list[int]:
    try:
        return [
            int(child)
            for task in Path(f"/proc/{parent}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:  # it ended meanwhile
        return []


def _command(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/cmdline").read_text().split("\0")
    except OSError:
        return []
