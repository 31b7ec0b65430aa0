"""The routes that only people at work with a transcript use: they are imported when the first request for one comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.api.routes import corrections, recordings, shared, shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import APIRouter, FastAPI

_LATE: Sequence[APIRouter] = (corrections.router, recordings.router, shares.router, shared.router)


def add_to(app: FastAPI) -> None:
    """Add them to an application, in place; once they are there, nothing happens."""
    there = set(map(id, app.router.routes))
    app.router.routes.extend(route for router in _LATE for route in router.routes if id(route) not in there)
