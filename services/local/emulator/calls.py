"""What moto finds out anew for every call, found out once: which services it has, and which calls a service has."""

from __future__ import annotations

from functools import cache

import moto.backends
import moto.core.responses


def apply() -> None:
    """Patch moto in this process; once is enough, twice does no harm."""
    if getattr(moto.backends, "_calls_patched", False):
        return
    moto.backends._calls_patched = True
    moto.core.responses.method_names_from_class = cache(moto.core.responses.method_names_from_class)
    # Moto looks through its folder, which took a fifth of a short call's time.
    modules = frozenset(moto.backends.list_of_moto_modules())
    moto.backends.list_of_moto_modules = lambda: modules


def forget() -> None:
    """Have moto list the calls of its services anew, after one was added to them."""
    clear = getattr(moto.core.responses.method_names_from_class, "cache_clear", None)
    if clear:
        clear()
