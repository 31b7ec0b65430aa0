"""Writes the files as which a transcript is published. Pure: returns bytes."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from pysubs2 import SSAEvent, SSAFile

from services.common.transcript.subtitles import cues
from services.common.transcript.transcript import Segment, Transcript

VERSION = 2
"""The version of the published json."""


class _Format(NamedTuple):
    """A format: its media type, and the function that writes it."""

    media_type: str
    write: Callable[[Transcript], bytes]


def render(transcript: Transcript, form: str, annotations: Mapping[str, Any] = MappingProxyType({})) -> bytes:
    """Write a transcript as `json`, `txt`, `srt`, `vtt` or `tsv`, in UTF-8, or as `docx`.

    Args:
        transcript: of the whole recording.
        form: the format.
        annotations: further members of the json, which the other formats do not show.

    Raises:
        KeyError: there is no such format.

    """
    return _json(transcript, annotations) if form == "json" else _FORMATS[form].write(transcript)


def media_type(form: str) -> str:
    """The media type of a format.

    Raises:
        KeyError: there is no such format.

    """
    return _FORMATS[form].media_type


def published(transcript: Transcript, annotations: Mapping[str, Any]) -> dict[str, Any]:
    """The json transcript, as `services/api/contract/transcripts.py` describes it."""
    return {
        "version": VERSION,
        **annotations,
        "language": transcript.language,
        "duration": transcript.seconds,
        "text": transcript.text,
        "segments": [_segment(transcript, segment) for segment in transcript.segments],
        "quality": transcript.quality.published(),
        "options": transcript.options.to_json(),
        "model": {"name": transcript.model, "revision": transcript.revision},
        "versions": dict(transcript.versions),
    }


def _json(transcript: Transcript, annotations: Mapping[str, Any] = MappingProxyType({})) -> bytes:
    return (json.dumps(published(transcript, annotations), ensure_ascii=False, indent=1) + "\n").encode()


def _segment(transcript: Transcript, segment: Segment) -> dict[str, Any]:
    """A segment of the published json; its channel and its words are included if the options ask for them."""
    data: dict[str, Any] = {
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "confidence": segment.confidence,
        "flags": list(segment.flags),
    }
    if transcript.options.channels == "separate":
        data["channel"] = segment.channel
    if transcript.options.words:
        data["words"] = [
            {"word": word.text.strip(), "start": word.start, "end": word.end, "probability": word.probability}
            for word in segment.words
        ]
    return data


def _txt(transcript: Transcript) -> bytes:
    return f"{transcript.text}\n".encode() if transcript.segments else b""


def _tsv(transcript: Transcript) -> bytes:
    """One row per segment, with times in whole milliseconds, as Whisper writes them.

    White space in the text becomes a space, since a tab would begin a column. If channels are separate, the channel
    is the last column.
    """
    separate = transcript.options.channels == "separate"
    rows = [["start", "end", "text", "channel"]]
    for segment in transcript.segments:
        times = [str(round(moment * 1000)) for moment in (segment.start, segment.end)]
        rows.append([*times, " ".join(segment.text.split()), str(segment.channel)])
    return "".join("\t".join(row if separate else row[:-1]) + "\n" for row in rows).encode()


def _subtitles(form: str) -> Callable[[Transcript], bytes]:
    """The function that writes `srt` or `vtt`.

    WebVTT has a tag for the speaker; in SubRip the name is a part of the text.
    """
    before = "<v {}>" if form == "vtt" else "{}: "

    def write(transcript: Transcript) -> bytes:
        file = SSAFile()
        for cue in cues(transcript):
            event = SSAEvent(start=round(cue.start * 1000), end=round(cue.end * 1000))
            spoken = "\n".join(_escaped(line, form) for line in cue.lines)
            event.plaintext = before.format(cue.speaker) + spoken if cue.speaker else spoken
            file.append(event)
        return str(file.to_string(form)).encode()

    return write


def _escaped(line: str, form: str) -> str:
    """Text that neither a player nor pysubs2 takes for markup; `-->` would begin a new cue."""
    line = line.replace("-->", "→").replace("{", "(").replace("}", ")")
    return html.escape(line, quote=False) if form == "vtt" else line


def _docx(transcript: Transcript) -> bytes:
    # The library takes a third of a second to import, and only processes that write a document need it.
    from services.common.transcript.document import document  # noqa: PLC0415

    return document(transcript)


_FORMATS: Mapping[str, _Format] = {
    "json": _Format("application/json", _json),
    "txt": _Format("text/plain; charset=utf-8", _txt),
    "srt": _Format("application/x-subrip; charset=utf-8", _subtitles("srt")),
    "vtt": _Format("text/vtt; charset=utf-8", _subtitles("vtt")),
    "tsv": _Format("text/tab-separated-values; charset=utf-8", _tsv),
    "docx": _Format("application/vnd.openxmlformats-officedocument.wordprocessingml.document", _docx),
}
