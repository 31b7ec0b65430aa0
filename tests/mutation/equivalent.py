"""Mistakes that are none: whoever makes one has the same program. Each by file, function and text, with the reason."""

from __future__ import annotations

from collections.abc import Mapping

STORE = "services/common/store"
_IMPLIED = "a condition on the value of an attribute holds for no item that is not there"
EQUIVALENT: Mapping[tuple[str, str, str], str] = {
    (
        f"{STORE}/fleet.py",
        "FleetItems.silent_boot",
        "when=ABSENT | Attr('pk').exists() -> always",
    ): "this condition is the one that always holds",
    (f"{STORE}/clients.py", "Clients.revoke", "& PRESENT -> "): _IMPLIED,
    (f"{STORE}/jobs.py", "Jobs.arrive", "& PRESENT -> "): _IMPLIED,
    (f"{STORE}/jobs.py", "Jobs.expire", "& PRESENT -> "): _IMPLIED,
    (
        f"{STORE}/codec.py",
        "_enums",
        "and issubclass(hint, StrEnum) -> ",
    ): "a plain type makes of its own value that value",
}
