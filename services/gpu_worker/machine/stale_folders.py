"""Removes the folders of killed workers. Those of running workers are known by a lock that only their process holds.

Several workers may share a machine. The kernel releases a lock however its process ends, so neither clocks nor process
ids have to be trusted.
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
"""The unit of `st_blocks` on every file system."""


def take(parent: Path) -> tuple[Path, int]:
    """Make a folder for this process; returns it and the file descriptor of its lock.

    Raises:
        OSError: the disk has no room, or cannot be written to.

    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        # Until the lock is held, another worker may remove the folder as a stale one; then another one is made.
        with suppress(FileNotFoundError):
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            if _locked(lock) and _is_at(lock, folder / LOCK):
                return folder, lock
            os.close(lock)


def clean(parent: Path) -> None:
    """Remove the folders of killed workers in `parent`; one that cannot be removed is left for a later worker."""
    count = freed = 0
    with suppress(OSError):
        for folder in sorted(parent.glob(f"{PREFIX}*")):
            with suppress(OSError):
                status = folder.lstat()
                # In a folder that every user may write to, such as /tmp, another user may make one of this name.
                if status.st_uid == os.getuid() and folder.is_dir() and not folder.is_symlink():
                    freed += _remove_if_left(folder)
                    count += 1 - folder.exists()
    if count:
        log.info("work_folder.cleaned", count=count, bytes=freed)


def remove(folder: Path) -> int:
    """Remove a folder whose lock this process holds; the lock goes last, as others know it by that. Returns bytes."""
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
        # Its worker died before it made the lock, or is about to make it, and then begins again. Only an empty folder
        # can be removed like this.
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
    """Whether the locked file is still the one at `path`, which other workers find."""
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False


def _bytes(path: Path) -> int:
    try:
        return path.lstat().st_blocks * BLOCK_BYTES
    except OSError:
        return 0
