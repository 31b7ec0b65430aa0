"""The whole transcript that is kept of every completed job, so that any format can be written later. Pure."""

from __future__ import annotations

import gzip
import json

from services.common.transcript.transcript import Transcript

MEDIA_TYPE = "application/gzip"


def pack(transcript: Transcript) -> bytes:
    """The whole transcript with all words, as gzipped JSON. The same transcript gives the same bytes."""
    content = json.dumps(transcript.to_json(), ensure_ascii=False, separators=(",", ":")).encode()
    return gzip.compress(content, mtime=0)


def unpack(content: bytes) -> Transcript:
    """The transcript that `pack` was given.

    Raises:
        ValueError: it was packed in another version.

    """
    return Transcript.from_json(json.loads(gzip.decompress(content)))
