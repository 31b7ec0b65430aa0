"""Which errors of the operating system are caused by this machine, and not by the file that was read. Pure."""

from __future__ import annotations

import errno

OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""The disk is full, the quota is used up, or the file system is read-only."""
_OF_THE_MACHINE = OF_THE_DISK | {
    *(errno.ENOENT, errno.EACCES, errno.EMFILE, errno.ENFILE, errno.ENOMEM),
    *(errno.EFBIG, errno.ESTALE),
}
"""EIO is not among them: FFmpeg gives it for files that end too early."""


def is_of_the_machine(error: Exception) -> bool:
    """Whether this machine is the cause of an error; every other error of a library is the file's."""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _OF_THE_MACHINE)
