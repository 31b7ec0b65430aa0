"""How often and when a part is tried again, until its job fails. Pure."""

from __future__ import annotations

from services.common.domain.errors import LostTooOftenError, RepeatedCrashError, TranscriberError

MAX_DEATHS = 3
"""Most deaths of processes that had the part on the device, or read it and were killed."""
MAX_FAULTS = 3
"""Most attempts that a device, a disk or a different reading may make fail."""
MAX_LOSSES = 20
"""Most machines that may vanish otherwise. A spot interruption is no fault of the part, but its retries must end."""
ALONE_FROM_LOSSES = 3
"""From so many losses on, a part is worked on alone: it may be the cause of them."""
LONGEST_WAIT_MS = 600_000
"""How long a part over which a process died lets parts go first that were queued by then."""
FIRST_PAUSE_MS = 5_000
LONGEST_PAUSE_MS = 600_000
LONGEST_MODEL_PAUSE_MS = 3_600_000
"""Longest pause after a model could not be had: each try may launch a machine, and an operator has to act first."""


def pause_ms(times: int, *, longest_ms: int = LONGEST_PAUSE_MS) -> int:
    """The pause of a part that has failed so many times through no fault of its own, by throttling or an outage.

    The pause doubles each time (exponential backoff), up to `longest_ms`.
    """
    return int(min(FIRST_PAUSE_MS * 2**times, longest_ms))


def exhausted(deaths: int, losses: int) -> bool:
    """Whether a part has had its last try."""
    return deaths >= MAX_DEATHS or losses >= MAX_LOSSES


def exhaustion_error(deaths: int) -> TranscriberError:
    """The error of a job whose part is exhausted: by deaths, which speak against the recording, or by losses."""
    if deaths < MAX_DEATHS:
        return LostTooOftenError(
            f"{MAX_LOSSES} attempts at this recording were lost: machines vanished, or failed for their own reasons. "
            "Retry the job. If it fails so again, look into the machines' log."
        )
    return RepeatedCrashError(
        "The process that worked on this recording died each time it was tried. "
        "The file may be damaged in an unusual way: convert it (for example to FLAC) and upload it again."
    )
