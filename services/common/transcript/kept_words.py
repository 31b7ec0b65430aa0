"""What is kept of every completed job, whatever formats it asked for: any format can be written from it later. Pure."""

from __future__ import annotations

import gzip
import json

from services.common.transcript.transcript import Transcript

MEDIA_TYPE = "application/gzip"


def pack(transcript: Transcript) -> bytes:
    """The whole transcript with all of its words, as gzipped JSON; the same transcript gives the same bytes."""
    content = json.dumps(transcript.to_json(), ensure_ascii=False, separators=(",", ":")).encode()
    return gzip.compress(content, mtime=0)


def unpack(content: bytes) -> Transcript:
    """What `pack` was given. Raises ValueError for words that were kept in another version."""
    return Transcript.from_json(json.loads(gzip.decompress(content)))
