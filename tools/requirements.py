"""Reads pinned requirement files, package by package."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)


def pins(text: str) -> dict[str, str]:
    """The pinned versions by package name."""
    return {found["name"]: found["version"] for found in _PIN.finditer(text)}


def only(text: str, names: Iterable[str]) -> str:
    """The blocks (pin and hashes) of these packages.

    Raises:
        KeyError: a package is not pinned in the text.

    """
    blocks = _blocks(text)
    return "".join(blocks[name] for name in sorted(names))


def without(text: str, names: Iterable[str]) -> str:
    """All blocks except those of these packages."""
    left_out = set(names)
    return "".join(block for name, block in _blocks(text).items() if name not in left_out)


def _blocks(text: str) -> dict[str, str]:
    starts = [*((found.start(), found["name"]) for found in _PIN.finditer(text)), (len(text), "")]
    return {name: text[start:end] for (start, name), (end, _) in pairwise(starts)}
