"""How often a part may bring down what works on it before it is given up. Pure."""

from __future__ import annotations

from services.common.domain.errors import RepeatedCrashError

MAX_DEATHS = 3
"""Of processes that had this part on the device."""
MAX_FAULTS = 3
"""Of devices, disks or readings that failed it."""
MAX_LOSSES = 20
"""Of machines that vanished otherwise: spot interruptions are nobody's fault, but they must end some day."""
LONGEST_WAIT_MS = 600_000
"""How long a part over which a process died lets those go first that were queued by then."""
FIRST_PAUSE_MS = 5_000
LONGEST_PAUSE_MS = 600_000
LONGEST_MODEL_PAUSE_MS = 3_600_000
"""Between two tries to have a model: each may cost the start of a machine, and some operator has to act first."""


def pause_ms(losses: int, *, longest_ms: int = LONGEST_PAUSE_MS) -> int:
    """How long a part rests that has been broken so often by what is not its fault: throttling, an outage."""
    return int(min(FIRST_PAUSE_MS * 2**losses, longest_ms))


def exhausted(deaths: int, losses: int) -> bool:
    """Whether a part has had its last try."""
    return deaths >= MAX_DEATHS or losses >= MAX_LOSSES


def crash_error() -> RepeatedCrashError:
    """What is said of such a recording."""
    return RepeatedCrashError(
        "The process that worked on this recording died each time it was tried. "
        "The file may be damaged in an unusual way: convert it (for example to FLAC) and upload it again."
    )
