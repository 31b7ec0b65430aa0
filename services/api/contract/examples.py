"""Examples in the OpenAPI document: of every request, every reply and the refusals that clients meet most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass


def add(document: dict[str, Any]) -> None:
    """Add the examples to a document in place."""
