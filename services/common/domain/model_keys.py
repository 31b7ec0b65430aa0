"""Model keys, by which a deployment lists its models: `name`, or `name@style` for a style of its own."""

from __future__ import annotations

STANDARD = "standard"
"""The style that a bare name stands for."""
SPEAKERS = "speakers"
"""The key of the two models that tell speakers apart. No job asks for a model by it."""


def join(name: str, style: str) -> str:
    """The key of a model in a style."""
    return name if style == STANDARD else f"{name}@{style}"


def split(key: str) -> tuple[str, str]:
    """The name and the style of a key."""
    name, _, style = key.partition("@")
    return name, style or STANDARD
