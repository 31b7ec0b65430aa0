"""Follows the writes of moto's backends."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from services.local.emulator.transactions import TURN


def after_each(kind: type[Any], method: str, then: Callable[[Any, Any], None]) -> None:
    """Patch a method, so that it has its turn among all writes, and something is called after it in the same turn.

    Args:
        kind: whose method it is.
        method: its name.
        then: gets the arguments by their names, and what the method returned.

    """
    original = getattr(kind, method)
    signature = inspect.signature(original)

    @wraps(original)
    def followed(*given: Any, **more: Any) -> Any:
        with TURN:
            result = original(*given, **more)
            told = signature.bind(*given, **more).arguments
            then({("self" if name == "backend" else name): value for name, value in told.items()}, result)
            return result

    setattr(kind, method, followed)
