"""Which queued part this worker takes next, if any. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.common.domain.retry_policy import ALONE_FROM_LOSSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.common.domain.records import Part
    from services.gpu_worker.part.claim import Claim

PREPARING_SECONDS = 20.0
"""How long a recording may take from its claim to its first clip: the download, and the reading of its first minutes.
This is more than usual, because the self-test, whose clip is short, measures too low a speed."""
LEAST_AHEAD_SECONDS = 120.0
"""The least audio to have in hand, in seconds, however slow the device is."""
MAX_HELD = 8
"""How many parts are held at once, at most; short recordings share the device's batches."""
MAX_LABELLING = 8
"""How many more may be held whose text is done and whose speakers are not: the device goes on with others meanwhile."""


def ahead_seconds(speed: float) -> float:
    """How much audio to have in hand, in seconds, so that the device never waits: with less, the next part is claimed.

    `speed`: of the device, in seconds of audio a second.
    """
    return max(LEAST_AHEAD_SECONDS, PREPARING_SECONDS * speed)


def has_room(held: Sequence[Claim], ahead: float, now: float) -> bool:
    """Whether another part should be claimed now.

    Args:
        held: the claims of this worker.
        ahead: how much audio to have in hand, in seconds.
        now: in seconds of the monotonic clock.

    """
    if any(goes_alone(claim.part) for claim in held):
        return False
    labelling = sum(claim.labelling for claim in held)
    return len(held) - min(labelling, MAX_LABELLING) < MAX_HELD and sum(claim.ahead(now) for claim in held) < ahead


def joins(part: Part, model: str, held: Sequence[Claim]) -> bool:
    """Whether this part may be worked on beside those held: all need one model, and none has to be alone."""
    return not held or (not goes_alone(part) and all(claim.options.model_key == model for claim in held))


def goes_alone(part: Part) -> bool:
    """Whether no other part may be held beside this one: a process has died of it, or it was lost several times."""
    return part.deaths > 0 or part.losses >= ALONE_FROM_LOSSES
