"""Builds the packages that are deployed: `python -m tools.package [FOLDER]` writes api.zip, orchestrator.zip and
worker.tar.gz to dist/ or to that folder.

The zips are for Lambda's Python 3.13 on x86-64 and hold a service's own dependencies without boto3, which the runtime
brings. `worker.tar.gz` holds the wheel and the pinned requirements, for building images and for provisioning at boot.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from uv import find_uv_bin

from tools import requirements
from tools.archives import write_tar, write_zip

ROOT = Path(__file__).parents[1]
PYTHON = "3.13"
FUNCTIONS = ("api", "orchestrator")
MOST_BYTES = 15 * 1024 * 1024
# boto3 and what only it needs; Lambda's runtime has them.
IN_RUNTIME = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
# Files that installers leave and nothing reads; some of them differ from one machine to the next.
_LEAVINGS = (
    *("bin", ".lock", "**/__pycache__", "*.pth"),
    *("*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED"),
    *("*.dist-info/direct_url.json", "*.dist-info/uv_cache.json"),
)
# What nothing here imports of lxml, which writes Word documents; it is as large as all the rest.
_UNUSED = (
    *("lxml/html", "lxml/includes", "lxml/isoschematron", "lxml/objectify.*", "lxml/*.pyx", "lxml/*.pxi"),
    *("lxml/*.h", "docx/templates/default-docx-template"),
)
_LATE = {
    "api": ("services.api.latest", "services.api.page_files", "services.common.transcript.document"),
    "orchestrator": (),
}
"""What a function imports only once it is needed."""


def main(dist: Path) -> None:
    """Build all packages, print their sizes, and import each handler under Lambda's Python if there is one."""
    build(dist)
    for path in (*(dist / f"{service}.zip" for service in FUNCTIONS), dist / "worker.tar.gz"):
        sys.stdout.write(f"{path.name}  {path.stat().st_size / 1024 / 1024:.2f} MB\n")
    python = lambda_python() or fetch_python()
    if python:
        import_handlers(dist, python)
        sys.stdout.write(f"each handler was imported by Python {PYTHON}\n")
    else:
        sys.stderr.write(f"left out: importing each handler, since Python {PYTHON} is not here and cannot be fetched\n")
    pinned = requirements.pins(_pinned("api"))
    sys.stdout.write(f"tested with boto3 {pinned['boto3']}, which Lambda's runtime has to bring\n")


def build(dist: Path) -> None:
    """Build all packages into `dist`."""
    dist.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        room = Path(scratch)
        for service in FUNCTIONS:
            build_function(service, room / service, dist / f"{service}.zip")
        build_worker(room / "worker", dist / "worker.tar.gz")


def build_function(service: str, folder: Path, destination: Path) -> None:
    """Build a function's zip: its dependencies, its service and `common`.

    Raises:
        RuntimeError: the zip is larger than `MOST_BYTES`.

    """
    install(requirements.without(_pinned(service), IN_RUNTIME), folder)
    for room in ("common", service):
        shutil.copytree(
            ROOT / "services" / room, folder / "services" / room, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "services" / "__init__.py", folder / "services")
    write_zip(folder, destination)
    if destination.stat().st_size > MOST_BYTES:
        raise RuntimeError(f"{destination.name} is larger than {MOST_BYTES} bytes")


def build_worker(folder: Path, destination: Path) -> None:
    """Build the worker's archive: the wheel, its pinned requirements and the scripts that install them on a machine."""
    folder.mkdir()
    _run(
        find_uv_bin(),
        "build",
        "--quiet",
        "--wheel",
        "--no-build-isolation",
        "--python",
        sys.executable,
        "--out-dir",
        folder,
        ROOT,
    )
    (folder / ".gitignore").unlink(missing_ok=True)
    for name in ("gpu_worker", "cuda"):
        shutil.copy(ROOT / "requirements" / f"{name}.txt", folder)
    _add_uv(folder)
    scripts = ROOT / "packer" / "provision"
    if scripts.is_dir():
        shutil.copytree(scripts, folder, dirs_exist_ok=True)
    write_tar(folder, destination)


def _add_uv(folder: Path) -> None:
    """Add the installer, uv: to fetch it, a machine would need apt, its mirrors and its lock."""
    with tempfile.TemporaryDirectory() as scratch:
        unpacked = Path(scratch) / "uv"
        _unpack(_pinned("uv"), unpacked)
        shutil.copy(unpacked / "bin" / "uv", folder)


def install(pinned: str, folder: Path) -> None:
    """Install these pinned packages into `folder`, as wheels for Lambda's machine, and no others."""
    _unpack(pinned, folder)
    for pattern in (*_LEAVINGS, *_UNUSED):
        for path in list(folder.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _unpack(pinned: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(pinned)
        file.flush()
        _run(
            *(find_uv_bin(), "pip", "install", "--quiet", "--target", folder, "--require-hashes", "--no-deps"),
            *("--only-binary", ":all:", "--python-platform", "x86_64-manylinux2014"),
            *("--python-version", PYTHON, "-r", file.name),
        )


def install_runtime(folder: Path) -> Path:
    """Install what Lambda's runtime provides, its interface client and boto3, at the versions that are tested."""
    names = (*IN_RUNTIME, "awslambdaric", "simplejson", "snapshot-restore-py")
    install(requirements.only(_pinned("dev"), names), folder)
    return folder


def import_handlers(dist: Path, python: Path) -> None:
    """Import each handler, and what it imports later, under Python 3.13 from its unpacked zip.

    Only the runtime's packages are beside it.

    Raises:
        CalledProcessError: a handler cannot be imported; Python's error is on standard error.

    """
    with tempfile.TemporaryDirectory() as scratch:
        runtime = install_runtime(Path(scratch) / "runtime")
        for service in FUNCTIONS:
            folder = Path(scratch) / service
            shutil.unpack_archive(dist / f"{service}.zip", folder)
            reach = [str(folder), str(runtime)]
            modules = ", ".join((f"services.{service}.handler", *_LATE[service]))
            program = f"import sys; sys.path[:0] = {reach}; import {modules}; services.{service}.handler.handler"
            _run(python, "-I", "-S", "-B", "-c", program)


@cache
def lambda_python() -> Path | None:
    """A Python of the version that the functions run on; None where this machine has none."""
    find = [find_uv_bin(), "python", "find", "--no-project", PYTHON]
    found = subprocess.run(find, capture_output=True, text=True, check=False)
    return None if found.returncode else Path(found.stdout.strip())


def fetch_python() -> Path | None:
    """The same, fetched by uv from where it fetches interpreters; None where that cannot be reached."""
    subprocess.run([find_uv_bin(), "python", "install", "--quiet", PYTHON], check=False)
    lambda_python.cache_clear()
    return lambda_python()


def _pinned(extra: str) -> str:
    return (ROOT / "requirements" / f"{extra}.txt").read_text(encoding="utf-8")


def _run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist")
