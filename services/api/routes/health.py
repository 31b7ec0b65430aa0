"""Whether the API answers."""

from __future__ import annotations

from services.api import openapi, views

router = openapi.router("/health", "health")


@router.get("")
def health() -> views.Health:
    """Whether the API answers; asks nobody else."""
    return views.Health(status="ok")
