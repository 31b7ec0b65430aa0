"""Which queued part this worker takes next, if any. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.common.domain.records import Part
    from services.gpu_worker.claim import Claim

AHEAD_SECONDS = 120.0
"""Audio in hand under which the next part is claimed: its download, decoding and features then run beside the
device's work, so that the device never waits."""
MAX_HELD = 8
"""Parts held at once: short recordings share the device's batches."""


def has_room(held: Sequence[Claim]) -> bool:
    """Whether another part should be claimed now."""
    if any(claim.part.attempt > 1 for claim in held):
        # Something went wrong with it before: nobody should share its fate.
        return False
    return len(held) < MAX_HELD and sum(claim.seconds_left for claim in held) < AHEAD_SECONDS


def fits(part: Part, held: Sequence[Claim], now: int) -> bool:
    """Whether this part may join those held: one that failed before only alone, and only after its rest."""
    return part.not_before <= now and (part.attempt == 0 or not held)
