"""Builds a machine without hardware: a Debian tree, provisioned by the image's own scripts and kept in `.cache/`.

`python -m tools.machine_tree` builds it, as root on Debian or Ubuntu, and prints its folder and each step's time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from uv import find_uv_bin

from services.gpu_worker.engine.decode.catalogue import PACKAGED, SPEAKERS
from services.gpu_worker.engine.decode.model_files import locate, relative
from tools.package import build_worker

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "machine"
SUITE = "bookworm"
"""The Debian release whose Python is the oldest that the project supports."""
MIRROR = "http://deb.debian.org/debian"
NEEDED = ("systemd", "systemd-sysv", "dbus", "python3", "ca-certificates")
AFTERWARDS = ("cloud-init",)
"""Packages that debootstrap cannot resolve by itself."""
ARTIFACT = "/opt/artifact"
IDENTITY = "/etc/machine-identity"
"""The file from which a machine in a container reads its id, as its /sys is the host's."""
BUILDER = "i-builder"
_OURS = frozenset({"UV_PYTHON", "UV_PROJECT_ENVIRONMENT"})
"""Variables by which nox tells uv its own environment; the tree has another one."""
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def build() -> Path:
    """The tree's folder; it is built anew if a script, a requirement or the worker has changed.

    Raises:
        PermissionError: this process is not root's, as debootstrap and systemd-nspawn require.

    """
    if os.geteuid() != 0:
        raise PermissionError("debootstrap and systemd-nspawn need root.")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        artifact = Path(scratch) / "worker.tar.gz"
        build_worker(Path(scratch) / "worker", artifact)
        key = hashlib.sha256(artifact.read_bytes() + Path(__file__).read_bytes()).hexdigest()[:16]
        tree = CACHE / f"tree-{key}"
        if not tree.exists():
            for old in CACHE.glob("tree-*"):
                shutil.rmtree(old)
            base = _timed("base", _base)
            _timed("provision", lambda: _provision(base, artifact, tree))
    return tree


def _base() -> Path:
    """The folder of an unprovisioned Debian, with the packages that a cloud image has in addition."""
    packages = hashlib.sha256(" ".join((*NEEDED, *AFTERWARDS)).encode()).hexdigest()[:8]
    base = CACHE / f"{SUITE}-{packages}"
    if not base.exists():
        new = base.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        _run("debootstrap", "--variant=minbase", f"--include={','.join(NEEDED)}", SUITE, new, MIRROR)
        _inside(new, "apt-get", "install", "-yq", "--no-install-recommends", *AFTERWARDS)
        _inside(new, "apt-get", "clean")
        new.rename(base)
    return base


def _provision(base: Path, artifact: Path, tree: Path) -> Path:
    """Run `provision tree` in a copy of the base; it fetches the pinned requirements."""
    new = tree.with_name(f"new-{tree.name}")
    shutil.rmtree(new, ignore_errors=True)
    _run("cp", "--archive", "--reflink=auto", base, new)
    room = new / ARTIFACT.lstrip("/")
    room.mkdir(parents=True)
    with tarfile.open(artifact) as archive:
        archive.extractall(room, filter="data")
    shutil.copy(ROOT / "packer" / "models.lock.json", room)
    (new / IDENTITY.lstrip("/")).write_text(f"{BUILDER}\n", encoding="utf-8")
    with tempfile.TemporaryDirectory() as models:
        for key in (PACKAGED, SPEAKERS):
            shutil.copytree(locate(key).folder, Path(models) / relative(key))
        _inside(
            new,
            f"{ARTIFACT}/provision",
            "tree",
            binds={models: "/mnt"},
            environment={
                "PYTHON_SOURCE": "/usr/bin/python3",
                "MODELS": PACKAGED,
                "MODEL_SOURCE": "/mnt",
                "IDENTITY_FILE": IDENTITY,
            },
        )
    return new.rename(tree)


def _inside(
    tree: Path, *command: str, binds: dict[str, str] | None = None, environment: dict[str, str] | None = None
) -> None:
    """Run a command in the tree, not booted, with this machine's network, certificates and package settings."""
    shared = {str(_CERTIFICATES): str(_CERTIFICATES)} if _CERTIFICATES.exists() else {}
    cache = subprocess.run([find_uv_bin(), "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    Path(cache).mkdir(parents=True, exist_ok=True)
    told = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_")) and name not in _OURS}
    told |= {"SSL_CERT_FILE": str(_CERTIFICATES), "UV_LINK_MODE": "copy", "DEBIAN_FRONTEND": "noninteractive"}
    _run(
        *("systemd-nspawn", f"--directory={tree}", "--register=no", "--keep-unit", "--quiet", "--pipe"),
        *("--resolv-conf=copy-host", f"--bind={cache}:/root/.cache/uv"),
        *(f"--bind-ro={source}:{target}" for source, target in {**shared, **(binds or {})}.items()),
        *(f"--setenv={name}={value}" for name, value in {**told, **(environment or {})}.items()),
        *command,
    )


def _timed(name: str, step: Callable[[], Path]) -> Path:
    began = time.monotonic()
    result = step()
    sys.stdout.write(f"{name}: {time.monotonic() - began:.0f} s\n")
    return result


def _run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True)


if __name__ == "__main__":
    sys.stdout.write(f"{build()}\n")
