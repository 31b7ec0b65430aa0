"""Where a worker keeps recordings while it works on them, and what follows from a disk that is full or read-only.

A full disk is the machine's fault, not the recording's: the part is tried again elsewhere. This machine stays if other
parts are on the disk, whose end will make room.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from services.common.domain.errors import DiskFullError, RecordingTooLargeError
from services.gpu_worker.engine.faults import OF_THE_DISK
from services.gpu_worker.machine import stale_folders
from services.gpu_worker.machine.preflight import GIB, UnfitError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

log = structlog.get_logger()


class WorkFolder:
    """The folder of one worker, with one folder for each part. Safe to use from several threads."""

    def __init__(self, path: Path, lock: int | None = None) -> None:
        """`lock`: the file descriptor of the lock by which other workers know that it is in use; see `make`."""
        self.path = path
        self._lock = lock
        self._counting = threading.Lock()
        self._open = 0
        self.crowded = False
        """Whether the disk was full with several parts on it; no part is taken until one of them has ended."""
        self.unusable: str | None = None
        """Why no part can be worked on here any more: the disk was full with only one part on it. None while it was
        not."""

    @classmethod
    def make(cls, parent: Path) -> Self:
        """Make a folder for this worker; if this worker is killed, another one removes it.

        Raises:
            UnfitError: `parent` cannot be written to.

        """
        try:
            return cls(*stale_folders.take(parent))
        except OSError as error:
            raise UnfitError(
                f"This machine takes no work: the folder for recordings, {parent}, takes nothing ({error.strerror})."
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # The thread of a part that was given back may still write here; the next worker removes what it leaves.
        with suppress(OSError):
            stale_folders.remove(self.path)
        if self._lock is not None:
            os.close(self._lock)

    @property
    def takes_more(self) -> bool:
        """Whether another part may be taken."""
        return not (self.crowded or self.unusable)

    @property
    def free(self) -> int:
        """Free bytes on the disk."""
        return shutil.disk_usage(self.path).free

    def described(self) -> str:
        """A sentence for people on where recordings lie and how much room there is; the log gets the same facts."""
        on_root = self.path.stat().st_dev == Path("/").stat().st_dev
        log.info("work_folder.made", on_root_volume=on_root, free_gib=round(self.free / GIB, 1))
        where = "the root volume" if on_root else "a disk of their own"
        return f"recordings lie on {where}, {self.free / GIB:.1f} GiB free"

    def require_room(self, size: int) -> None:
        """Check, within `part`, that the disk has room for so many bytes.

        Raises:
            RecordingTooLargeError: it has not, even with only this part on it.
            OSError: it has not beside the other parts.

        """
        if size <= (free := self.free):
            return
        with self._counting:
            alone = self._open == 1
        if not alone:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise RecordingTooLargeError(
            f"The recording has {size / GIB:.1f} GiB, and the disk of the machine that tried it for the last time has "
            f"room for {free / GIB:.1f} GiB. Send the sound without the picture, which is most of a film, or give the "
            "machines more room: an instance type with a disk of its own, or a larger root_volume_gib in Terraform."
        )

    @contextmanager
    def part(self) -> Iterator[Path]:
        """A folder for one part, which is removed afterwards.

        Raises:
            DiskFullError: an error within the context came from a full or read-only disk.

        """
        with self._counting:
            self._open += 1
        fault: str | None = None
        try:
            with tempfile.TemporaryDirectory(prefix="part-", dir=self.path, ignore_cleanup_errors=True) as folder:
                yield Path(folder)
        except Exception as error:
            fault = _fault(error)
            if fault is None:
                raise
            raise DiskFullError(
                f"When this recording was tried for the last time, the machine's disk was {fault}. Retry the job: "
                "another machine will try. If it fails like this again, send a smaller file, or give the machines more "
                "room: an instance type with a disk of its own, or a larger root_volume_gib in Terraform."
            ) from error
        finally:
            with self._counting:
                self._open -= 1
                self.crowded = fault is not None and self._open > 0
                if fault is not None and not self._open:
                    self.unusable = f"the disk is {fault}"


def _fault(error: Exception) -> str | None:
    """`full` or `read-only` for an error that comes from such a disk; None for every other error."""
    if not isinstance(error, OSError) or error.errno not in OF_THE_DISK:
        return None
    return "read-only" if error.errno == errno.EROFS else "full"
