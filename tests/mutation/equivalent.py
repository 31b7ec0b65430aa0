"""Mistakes that are none: whoever makes one has the same program. Each by file, function and text, with the reason."""

from __future__ import annotations

from collections.abc import Mapping

STORE = "services/common/store"
EQUIVALENT: Mapping[tuple[str, str, str], str] = {
    (
        f"{STORE}/fleet.py",
        "FleetItems.silent_boot",
        "when=ABSENT | Attr('pk').exists() -> always",
    ): "this condition is the one that always holds",
}
