"""The claims that this worker holds now."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from services.gpu_worker.part.claim import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.common.domain.records import Part
    from services.gpu_worker.part.claim import Claim


class HeldClaims:
    """A set of claims. Safe to use from several threads: an iteration goes over the claims of one moment."""

    def __init__(self) -> None:
        self._claims: dict[str, Claim] = {}
        self._changed = threading.Event()

    def __iter__(self) -> Iterator[Claim]:
        return iter(tuple(self._claims.values()))

    def __len__(self) -> int:
        return len(self._claims)

    def has(self, part: Part) -> bool:
        """Whether a claim on this part is held, even one of an earlier attempt."""
        return name_of(part) in self._claims

    def add(self, claim: Claim) -> None:
        self._claims[claim.name] = claim

    def remove(self, claim: Claim) -> None:
        """Remove a claim that has ended, and end the present wait."""
        del self._claims[claim.name]
        self.wake()

    def wake(self) -> None:
        """End the present wait, or the next one."""
        self._changed.set()

    def wait(self, seconds: float) -> None:
        """Wait until a claim has ended or `wake` is called, for at most `seconds`."""
        self._changed.wait(seconds)
        self._changed.clear()
