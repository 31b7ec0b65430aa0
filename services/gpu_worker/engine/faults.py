"""Errors of the operating system that say something of this machine, whatever it was doing. Pure."""

from __future__ import annotations

import errno

OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""It takes no more."""
_OF_THE_MACHINE = OF_THE_DISK | {
    *(errno.ENOENT, errno.EACCES, errno.EMFILE, errno.ENFILE, errno.ENOMEM),
    *(errno.EFBIG, errno.ESTALE),
}
"""Not EIO, which FFmpeg says of files that end too early."""


def is_of_the_machine(error: Exception) -> bool:
    """Whether an error says something of this machine; all others that a library raises say it of the file."""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _OF_THE_MACHINE)
