"""What decoding gives for each clip: its words, and how far they can be trusted. Pure, with JSON for checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.common.transcript.words import Word
from services.gpu_worker.engine.plan.plan import Clip

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipResult:
    """The words of one clip, and how sure the model was."""

    index: int
    words: tuple[Word, ...]
    logprob: float
    """Mean log probability of a token."""
    no_speech: float
    """The model's probability that nobody speaks."""
    decodes: int = 1
    """How often the clip was decoded until its text was taken."""
    flags: tuple[str, ...] = ()
    """What was still wrong with the text that was taken; see acceptance.py."""
    dropped: tuple[str, ...] = ()
    """Why text was left out."""
    clip: Clip | None = None
    """The clip that was decoded, once the words are placed in the recording; None in a checkpoint of an earlier
    release."""

    @property
    def text(self) -> str:
        return "".join(word.text for word in self.words).strip()

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` takes back."""
        return {
            "version": VERSION,
            "index": self.index,
            "words": [word.to_json() for word in self.words],
            "logprob": self.logprob,
            "no_speech": self.no_speech,
            "decodes": self.decodes,
            "flags": list(self.flags),
            "dropped": list(self.dropped),
            "clip": self.clip and self.clip.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ClipResult:
        """The result that `to_json` gave.

        Raises:
            ValueError: it is of another version.

        """
        if data["version"] != VERSION:
            raise ValueError(f"clip result version {data['version']} is not {VERSION}")
        return cls(
            index=data["index"],
            words=tuple(map(Word.from_json, data["words"])),
            logprob=data["logprob"],
            no_speech=data["no_speech"],
            decodes=data["decodes"],
            flags=tuple(data["flags"]),
            dropped=tuple(data["dropped"]),
            clip=Clip.from_json(data["index"], data["clip"]) if data.get("clip") else None,
        )
