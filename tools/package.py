"""Build what is deployed: `python -m tools.package [FOLDER]` leaves api.zip, orchestrator.zip and worker.tar.gz in
dist/ or in that folder.

The zips are for Lambda's Python 3.13 on x86-64 and hold a service's own dependencies without boto3, which the runtime
brings. `worker.tar.gz` holds the wheel and the pinned requirements, for building images and for provisioning at boot.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
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
# What installers leave behind and nobody reads; some of it differs from one machine to the next.
_LEAVINGS = (
    *("bin", ".lock", "**/__pycache__", "*.pth"),
    *("*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED"),
    *("*.dist-info/direct_url.json", "*.dist-info/uv_cache.json"),
)


def main(dist: Path) -> None:
    """Build all three, import each handler from its unpacked zip, and print sizes."""
    dist.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        room = Path(scratch)
        runtime = install_runtime(room / "runtime")
        for service in FUNCTIONS:
            path = dist / f"{service}.zip"
            build_function(service, room / service, path)
            import_handler(service, path, room / f"{service}-unpacked", runtime)
            _tell(path)
        build_worker(room / "worker", dist / "worker.tar.gz")
        _tell(dist / "worker.tar.gz")
    pinned = requirements.pins(_pinned("api"))
    sys.stdout.write(f"tested with boto3 {pinned['boto3']}, which Lambda's runtime has to bring\n")


def build_function(service: str, folder: Path, destination: Path) -> None:
    """A function's zip: its dependencies and its own rooms.

    Raises:
        RuntimeError: it grew beyond what a function should be.

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
    """The wheel, its pinned requirements and the scripts that lay them down on a machine."""
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
    for name in ("gpu_worker", "cuda", "uv"):
        shutil.copy(ROOT / "requirements" / f"{name}.txt", folder)
    scripts = ROOT / "packer" / "provision"
    if scripts.is_dir():
        shutil.copytree(scripts, folder, dirs_exist_ok=True)
    write_tar(folder, destination)


def install(pinned: str, folder: Path) -> None:
    """Put these pinned packages into `folder`, as wheels for Lambda's machine, and nothing that they do not name."""
    folder.mkdir(parents=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(pinned)
        file.flush()
        _run(
            *(find_uv_bin(), "pip", "install", "--quiet", "--target", folder, "--require-hashes", "--no-deps"),
            *("--only-binary", ":all:", "--python-platform", "x86_64-manylinux2014"),
            *("--python-version", PYTHON, "-r", file.name),
        )
    for pattern in _LEAVINGS:
        for path in list(folder.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def install_runtime(folder: Path) -> Path:
    """What Lambda's runtime brings: its interface client and boto3, at the versions that are tested."""
    names = (*IN_RUNTIME, "awslambdaric", "simplejson", "snapshot-restore-py")
    install(requirements.only(_pinned("dev"), names), folder)
    return folder


def import_handler(service: str, archive: Path, folder: Path, runtime: Path) -> None:
    """Import the handler under Python 3.13 from the unpacked zip, with nothing else but the runtime in reach."""
    shutil.unpack_archive(archive, folder)
    program = (
        f"import sys; sys.path[:0] = {[str(folder), str(runtime)]}; import services.{service}.handler as h; h.handler"
    )
    _run(lambda_python(), "-I", "-S", "-B", "-c", program)


def lambda_python() -> Path:
    """A Python of the version that the functions run on, fetched by uv where the machine has none.

    Raises:
        FileNotFoundError: there is none, and none can be fetched.

    """
    find = [find_uv_bin(), "python", "find", PYTHON]
    found = subprocess.run(find, capture_output=True, text=True, check=False)
    if found.returncode:
        subprocess.run([find_uv_bin(), "python", "install", PYTHON], check=False)
        found = subprocess.run(find, capture_output=True, text=True, check=False)
    if found.returncode:
        raise FileNotFoundError(f"the functions run on Python {PYTHON}, and it is not on this machine: install it")
    return Path(found.stdout.strip())


def _pinned(extra: str) -> str:
    return (ROOT / "requirements" / f"{extra}.txt").read_text(encoding="utf-8")


def _tell(path: Path) -> None:
    sys.stdout.write(f"{path.name}  {path.stat().st_size / 1024 / 1024:.2f} MB\n")


def _run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist")
