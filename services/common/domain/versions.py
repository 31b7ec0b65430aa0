"""A version of a transcript's text: one correction, as it is kept in the bucket. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from services.common.domain.corrections import Change, parse, to_json
from services.common.domain.times import MINUTE_MS

FORM = 1
"""The version of the kept form."""
QUIET_MS = 2 * MINUTE_MS
"""How long after the last correction it is announced: who types makes one message when at rest."""


@dataclass(frozen=True, kw_only=True)
class Version:
    """A correction and what else the text is written with. What is kept of a version never changes."""

    number: int
    """Numbers of a job only grow; not every number is there."""
    base: int
    """The number of the version that was read before; 0: the machine's words."""
    changed_at: str
    """RFC 3339."""
    by: str
    """`corrections.BY_CLIENT`, or the id of a share."""
    annotations: Mapping[str, Any]
    """The job's annotations as they were: `reference`, `metadata` and `names`."""
    changes: tuple[Change, ...]

    def to_bytes(self) -> bytes:
        """The kept document, which `from_bytes` takes back."""
        document = {
            "version": FORM,
            "number": self.number,
            "base": self.base,
            "changed_at": self.changed_at,
            "by": self.by,
            **self.annotations,
            "changes": to_json(self.changes),
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Version:
        """The version that `to_bytes` gave.

        Raises:
            ValueError: it is of another form.

        """
        found = json.loads(content)
        if found["version"] != FORM:
            raise ValueError(f"form {found['version']} of a correction is not {FORM}")
        return cls(
            number=found["number"],
            base=found["base"],
            changed_at=found["changed_at"],
            by=found["by"],
            annotations={name: found[name] for name in ("reference", "metadata", "names")},
            changes=parse(found["changes"]),
        )

    @property
    def shown(self) -> dict[str, Any]:
        """What the published json, and each reply about a job, says of the correction behind the text."""
        return {"number": self.number, "changed_at": self.changed_at}


def digest(changes: tuple[Change, ...]) -> str:
    """The sha256 of changes, by which a request that is sent once more is known."""
    return sha256(json.dumps(to_json(changes), ensure_ascii=False).encode()).hexdigest()


def described(content: bytes) -> dict[str, Any]:
    """The size and the sha256 of a file, as messages tell them."""
    return {"bytes": len(content), "sha256": sha256(content).hexdigest()}
