"""Whether the API answers."""

from __future__ import annotations

from fastapi import Depends

from services.api import openapi
from services.api.parameters import only_known
from services.api.schemas.health import Health

router = openapi.router("/health", "health")


@router.get("", dependencies=[Depends(only_known)], responses={422: openapi.problems()[422]})
def read_health() -> Health:
    """Whether the API answers; asks nobody else."""
    return Health(status="ok")
