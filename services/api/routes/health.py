"""Whether the API answers."""

from __future__ import annotations

from services.api import openapi
from services.api.schemas.health import Health

router = openapi.router("/health", "health")


@router.get("")
def read_health() -> Health:
    """Whether the API answers; asks nobody else."""
    return Health(status="ok")
