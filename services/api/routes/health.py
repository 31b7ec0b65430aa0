"""Whether the API answers."""

from __future__ import annotations

from pydantic import BaseModel

from services.api import openapi

router = openapi.router("/health", "health", needs_key=False)


class Health(BaseModel):
    status: str


@router.get("", responses=openapi.problems(always=openapi.WITHOUT_A_KEY))
def read_health() -> Health:
    """Whether the API answers; asks nobody else."""
    return Health(status="ok")
