"""Copies the image's templates for Debian's Packer (1.6), which is too old for two of their blocks."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LEFT_OUT = {
    "plugins.pkr.hcl": r"(?s)\A.*\Z",  # `packer {}`: plugins came with 1.7
    "image.pkr.hcl": r"(?m)^  metadata_options \{\n(?:    .*\n)*  \}\n",  # for the machine that is built on
}
"""By file: the block that an old Packer rejects. Nothing else is left out."""


def copy(source: Path, destination: Path) -> None:
    """Copy all templates without those blocks.

    Raises:
        ValueError: a block is not in its file exactly once.

    """
    destination.mkdir(parents=True)
    for path in sorted(source.glob("*.pkr.hcl")):
        text = path.read_text("utf-8")
        if path.name in LEFT_OUT:
            text, times = re.subn(LEFT_OUT[path.name], "", text, count=0)
            if times != 1:
                raise ValueError(f"{path.name}: the block to leave out was found {times} times")
        (destination / path.name).write_text(text, encoding="utf-8")
    shutil.copy(source / "models.lock.json", destination)
