"""Folders that killed workers left behind, told from those of living ones by a lock that only a living process holds.

Several workers may share a machine. The kernel lets go of a lock however its process ends, so neither clocks nor ids of
processes have to be trusted.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import structlog

log = structlog.get_logger()
PREFIX = "transcribe-worker-"
LOCK = "lock"
BLOCK_BYTES = 512
"""What `st_blocks` counts in, whatever the file system."""


def take(parent: Path) -> tuple[Path, int]:
    """A new folder of our own, and the open file whose lock says that we live.

    Raises:
        OSError: the disk has no room, or cannot be written.

    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        # Until the lock is held another worker may take it for a leftover: then it is gone, and we begin again.
        with suppress(FileNotFoundError):
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            if _locked(lock) and _is_at(lock, folder / LOCK):
                return folder, lock
            os.close(lock)


def clean(parent: Path) -> None:
    """Remove what killed workers left; what cannot be removed is left for the next who tries."""
    count = freed = 0
    with suppress(OSError):
        for folder in sorted(parent.glob(f"{PREFIX}*")):
            with suppress(OSError):
                status = folder.lstat()
                # In a folder that all may write to, such as /tmp, anybody can make one of this name.
                if status.st_uid == os.getuid() and folder.is_dir() and not folder.is_symlink():
                    freed += _remove_if_left(folder)
                    count += 1 - folder.exists()
    if count:
        log.info("work_folder.cleaned", count=count, bytes=freed)


def remove(folder: Path) -> int:
    """Remove a folder whose lock is ours, the lock last: a half-removed one can still be known by it. Returns bytes."""
    freed = sum(_bytes(path) for path in folder.rglob("*"))
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOCK:
            path.unlink(missing_ok=True)
    (folder / LOCK).unlink(missing_ok=True)
    folder.rmdir()
    return freed


def _remove_if_left(folder: Path) -> int:
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        # Its worker died, or is about to make its lock, and then begins again. Only an empty folder can go like this.
        folder.rmdir()
        return 0
    try:
        return remove(folder) if _locked(lock) else 0
    finally:
        os.close(lock)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(lock: int, path: Path) -> bool:
    """Whether the file that we have locked is still the one that others find."""
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False


def _bytes(path: Path) -> int:
    try:
        return path.lstat().st_blocks * BLOCK_BYTES
    except OSError:
        return 0
