"""The files a transcript is written to. Pure: bytes out."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping

from pysubs2 import SSAEvent, SSAFile

from services.common.transcript.subtitles import cues
from services.common.transcript.transcript import Transcript


def render(transcript: Transcript, form: str) -> bytes:
    """A transcript as `json`, `txt`, `srt`, `vtt` or `tsv`, in UTF-8. Raises KeyError for any other form."""
    return _FORMS[form](transcript).encode()


def _json(transcript: Transcript) -> str:
    return json.dumps(transcript.to_json(), ensure_ascii=False, indent=1) + "\n"


def _txt(transcript: Transcript) -> str:
    return f"{transcript.text}\n" if transcript.segments else ""


def _tsv(transcript: Transcript) -> str:
    """Times in whole milliseconds, as Whisper writes them; a tab in the text would be a column. The channel is a column
    of its own where the json has it too.
    """
    separate = transcript.options.channels == "separate"
    rows = [["start", "end", "text", "channel"]]
    for segment in transcript.segments:
        times = [str(round(moment * 1000)) for moment in (segment.start, segment.end)]
        rows.append([*times, " ".join(segment.text.split()), str(segment.channel)])
    return "".join("\t".join(row if separate else row[:-1]) + "\n" for row in rows)


def _subtitles(form: str) -> Callable[[Transcript], str]:
    """WebVTT has a tag for who speaks; in SubRip it is a part of the text."""
    before = "<v {}>" if form == "vtt" else "{}: "

    def write(transcript: Transcript) -> str:
        file = SSAFile()
        for cue in cues(transcript):
            event = SSAEvent(start=round(cue.start * 1000), end=round(cue.end * 1000))
            spoken = "\n".join(_escaped(line, form) for line in cue.lines)
            event.plaintext = before.format(cue.speaker) + spoken if cue.speaker else spoken
            file.append(event)
        return str(file.to_string(form))

    return write


def _escaped(line: str, form: str) -> str:
    """Text that no player takes for markup, nor pysubs2 for its own; an arrow would begin a new cue."""
    line = line.replace("-->", "→").replace("{", "(").replace("}", ")")
    return html.escape(line, quote=False) if form == "vtt" else line


_FORMS: Mapping[str, Callable[[Transcript], str]] = {
    "json": _json,
    "txt": _txt,
    "srt": _subtitles("srt"),
    "vtt": _subtitles("vtt"),
    "tsv": _tsv,
}
