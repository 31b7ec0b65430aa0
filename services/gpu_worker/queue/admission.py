"""Which queued part this worker takes next, if any. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.common.domain.retry_policy import MAX_DEATHS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.common.domain.records import Part
    from services.gpu_worker.part.claim import Claim

PREPARING_SECONDS = 20.0
"""What a long recording takes from its claim to its first clip: download, decoding, detection of speech."""
LEAST_AHEAD_SECONDS = 120.0
"""Of audio in hand, however slow the device is."""
MAX_HELD = 8
"""Parts held at once: short recordings share the device's batches."""


def ahead_seconds(speed: float) -> float:
    """Audio in hand under which the next part is claimed, so that the device never waits for it.

    `speed`: seconds of audio a second.
    """
    return max(LEAST_AHEAD_SECONDS, PREPARING_SECONDS * speed)


def has_room(held: Sequence[Claim], ahead: float, now: float) -> bool:
    """Whether another part should be claimed now; `ahead` in seconds of audio, `now` on the monotonic clock."""
    if any(goes_alone(claim.part) for claim in held):
        return False
    return len(held) < MAX_HELD and sum(claim.ahead(now) for claim in held) < ahead


def joins(part: Part, model: str, held: Sequence[Claim]) -> bool:
    """Whether this part may be worked on beside those held: all by one model, and none that goes alone."""
    return not held or (not goes_alone(part) and all(claim.options.model_key == model for claim in held))


def goes_alone(part: Part) -> bool:
    """Whether no other part may be held beside it: a process died over it, or it was lost again and again."""
    return part.deaths > 0 or part.losses >= MAX_DEATHS
