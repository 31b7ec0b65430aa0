"""Writes the files as which a transcript is published. Pure: returns bytes."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from pysubs2 import SSAEvent, SSAFile

from services.common.transcript.segments import Segment
from services.common.transcript.subtitles import cues
from services.common.transcript.transcript import Transcript
from services.common.transcript.voices import label

VERSION = 2
"""The version of the published json."""
INVISIBLE = "\N{WORD JOINER}"
"""Parts what would mean something to a program from what makes it do so. Players of SubRip do the same."""
_FORMULAS = ("=", "+", "-", "@", '"')
_FRACTION = re.compile(r"(?<=:\d\d)(?=[.,]\d)")
_TAG = re.compile("<(?= *[a-z0-9/])", re.IGNORECASE)


class _Format(NamedTuple):
    """A format: its media type, and the function that writes it."""

    media_type: str
    write: Callable[[Transcript], bytes]


def render(transcript: Transcript, form: str, annotations: Mapping[str, Any] = MappingProxyType({})) -> bytes:
    """Write a transcript as `json`, `txt`, `srt`, `vtt` or `tsv`, in UTF-8, or as `docx`.

    Args:
        transcript: of the whole recording.
        form: the format.
        annotations: further members of the json, which the other formats do not show, and `names`, the client's names
            for the speakers, which all formats show.

    Raises:
        KeyError: there is no such format.

    """
    told = transcript.named(annotations.get("names", transcript.names))
    return _json(told, annotations) if form == "json" else _FORMATS[form].write(told)


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
        **{name: value for name, value in annotations.items() if name != "names"},
        "language": transcript.language,
        "duration": transcript.seconds,
        "text": transcript.text,
        **({} if transcript.options.speakers is None else {"speakers": speakers(transcript)}),
        "segments": [_segment(transcript, segment) for segment in transcript.segments],
        "quality": transcript.quality.published(transcript.told_apart),
        "options": transcript.options.to_json(),
        "model": {"name": transcript.model, "revision": transcript.revision},
        "versions": dict(transcript.versions),
    }


def _json(transcript: Transcript, annotations: Mapping[str, Any] = MappingProxyType({})) -> bytes:
    return (json.dumps(published(transcript, annotations), ensure_ascii=False, indent=1) + "\n").encode()


def speakers(transcript: Transcript) -> list[dict[str, Any]]:
    """The speakers of the published json, in the order of their voices."""
    separate = transcript.options.channels == "separate"
    return [
        {"id": label(place), "name": transcript.name(place)} | ({"channel": voice.channel} if separate else {})
        for place, voice in enumerate(transcript.voices)
    ]


def _segment(transcript: Transcript, segment: Segment) -> dict[str, Any]:
    """A segment of the published json; its channel, speaker and words are included if the options ask for them."""
    asked = transcript.options
    data: dict[str, Any] = {
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "confidence": segment.confidence,
        "flags": list(segment.flags),
    }
    if asked.channels == "separate":
        data["channel"] = segment.channel
    if asked.speakers is not None:
        data["speaker"] = _label(segment.speaker)
    if asked.words:
        data["words"] = [
            {"word": word.text.strip(), "start": word.start, "end": word.end, "probability": word.probability}
            | ({} if asked.speakers is None else {"speaker": _label(word.speaker)})
            for word in segment.words
        ]
    return data


def _label(speaker: int | None) -> str | None:
    return None if speaker is None else label(speaker)


def _txt(transcript: Transcript) -> bytes:
    return f"{transcript.text}\n".encode() if transcript.segments else b""


def _tsv(transcript: Transcript) -> bytes:
    """One row per segment, with times in whole milliseconds, as Whisper writes them.

    White space in the text becomes a space, since a tab would begin a column. If channels are separate, the channel
    follows, and if the options ask for speakers, the speaker's name, which is empty if it is not known.
    """
    separate, apart = transcript.options.channels == "separate", transcript.options.speakers is not None
    rows = [["start", "end", "text", *(["channel"] if separate else []), *(["speaker"] if apart else [])]]
    for segment in transcript.segments:
        row = [str(round(moment * 1000)) for moment in (segment.start, segment.end)]
        row.append(" ".join(segment.text.split()))
        if separate:
            row.append(str(segment.channel))
        if apart:
            speaker = transcript.speaker(segment)
            row.append("" if speaker is None else transcript.name(speaker))
        rows.append([_no_formula(cell) for cell in row])
    return "".join("\t".join(row) + "\n" for row in rows).encode()


def _no_formula(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, nor for the beginning of a quotation that hides what follows."""
    return INVISIBLE + cell if cell.startswith(_FORMULAS) else cell


def _subtitles(form: str) -> Callable[[Transcript], bytes]:
    """The function that writes `srt` or `vtt`.

    WebVTT has a tag for the speaker, which takes no room on the screen; in SubRip the name is a part of the text.
    """

    def write(transcript: Transcript) -> bytes:
        file = SSAFile()
        for cue in cues(transcript):
            event = SSAEvent(start=round(cue.start * 1000), end=round(cue.end * 1000))
            spoken = "\n".join(_escaped(line, form) for line in cue.lines)
            if form == "srt" and len(cue.lines) > 1 and cue.lines[-1].isdecimal():
                spoken += INVISIBLE  # some readers take a number for that of the next cue
            name = _escaped(cue.speaker if form == "vtt" else cue.shown, form)
            if form == "vtt" and name.endswith("--"):
                name += INVISIBLE  # with the end of the tag it would be an arrow
            before = f"<v {name}>" if form == "vtt" else f"{name}: "
            event.plaintext = before + spoken if name else spoken
            file.append(event)
        return str(file.to_string(form)).encode()

    return write


def _escaped(line: str, form: str) -> str:
    """Text that neither a player nor pysubs2 takes for markup; `-->` would begin a new cue.

    An invisible character parts `<` from the name of a tag in SubRip, which has no other way to write it, a backslash
    from a letter that would make it a new line, and a time from its fraction.
    """
    line = line.replace("-->", "→").replace("{", "(").replace("}", ")").replace("\\", "\\" + INVISIBLE)
    line = _FRACTION.sub(INVISIBLE, line)
    return html.escape(line, quote=False) if form == "vtt" else _TAG.sub("<" + INVISIBLE, line)


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
