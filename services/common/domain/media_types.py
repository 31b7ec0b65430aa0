"""The container formats that are read, and the media types under which they may be uploaded.

The engine opens no other formats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain

UNKNOWN = "application/octet-stream"
"""The media type of an upload whose client does not know it. The engine recognises the format by itself."""

CONTAINERS: Mapping[str, tuple[str, ...]] = {
    "aac": ("audio/aac", "audio/aacp", "audio/x-aac", "audio/x-hx-aac-adts"),
    "ac3": ("audio/ac3", "audio/x-ac3"),
    "aiff": ("audio/aiff", "audio/x-aiff"),
    "amr": ("audio/amr", "audio/amr-wb"),
    "asf": ("audio/x-ms-wma", "video/x-ms-wmv", "video/x-ms-asf", "application/vnd.ms-asf"),
    "au": ("audio/basic", "audio/x-au"),
    "avi": ("video/avi", "video/msvideo", "video/vnd.avi", "video/x-msvideo"),
    "caf": ("audio/x-caf",),
    "eac3": ("audio/eac3",),
    "flac": ("audio/flac", "audio/x-flac"),
    "flv": ("video/flv", "video/x-flv", "application/x-flash-video"),
    "matroska,webm": (
        *("audio/webm", "audio/matroska", "audio/x-matroska", "video/webm", "video/matroska", "video/x-matroska"),
        *("application/matroska", "application/x-matroska"),
    ),
    "mov,mp4,m4a,3gp,3g2,mj2": (
        *("audio/mp4", "audio/m4a", "audio/x-m4a", "audio/x-m4b", "audio/3gpp", "audio/3gpp2"),
        *("video/mp4", "video/x-m4v", "video/quicktime", "video/3gpp", "video/3gpp2", "video/mj2"),
        "application/mp4",
    ),
    "mp3": ("audio/mpeg", "audio/mp3", "audio/mpeg3", "audio/x-mp3", "audio/x-mpeg", "audio/x-mpeg-3"),
    "mpeg": ("video/mpeg", "video/mp2p", "video/x-mpeg"),
    "mpegts": ("video/mp2t", "video/vnd.dlna.mpeg-tts"),
    "mxf": ("application/mxf",),
    "ogg": (
        *("audio/ogg", "audio/opus", "audio/speex", "audio/vorbis", "audio/x-speex+ogg", "audio/x-vorbis+ogg"),
        *("video/ogg", "application/ogg", "application/x-ogg"),
    ),
    "tta": ("audio/tta", "audio/x-tta"),
    "w64": ("audio/w64", "audio/x-w64"),
    "wav": ("audio/wav", "audio/wave", "audio/vnd.wave", "audio/x-wav", "audio/x-pn-wav"),
    "wv": ("audio/wavpack", "audio/x-wavpack"),
}
"""Media types by the name of FFmpeg's demuxer with its aliases. They are in small letters, since case does not
matter."""

FORMAT_WHITELIST = ",".join(CONTAINERS)
"""For FFmpeg's option `format_whitelist`, which splits at commas, as its own lists of aliases do."""

_APPLICATION = "application/"
APPLICATION_TYPES = sorted(kind for kind in (UNKNOWN, *chain(*CONTAINERS.values())) if kind.startswith(_APPLICATION))
"""The media types that a recording may have beside those of audio and video."""


def _any_case(text: str) -> str:
    """A pattern for a text in any case: a schema's pattern has no flag for that."""
    return re.sub("[a-z]", lambda letter: f"[{letter[0].upper()}{letter[0]}]", text).replace(".", r"\.")


def _allowed() -> str:
    named = "|".join(kind.removeprefix(_APPLICATION) for kind in APPLICATION_TYPES)
    kind = f"({_any_case('audio')}|{_any_case('video')})/[A-Za-z0-9][A-Za-z0-9!#&^_.+-]{{0,126}}"
    parameters = r" ?;([ -#%-\[\]-~]{0,200}[!-#%-\[\]-~])?"
    return f"^(({kind}|{_any_case(_APPLICATION)}({_any_case(named)}))({parameters})?)?$"


ALLOWED = _allowed()
"""A pattern for the media types under which recordings may be uploaded: any audio or video, and what of `application`
recordings come in, with parameters. `$` and the backslash are not allowed, since they have a meaning in the policy of
S3's upload forms."""
ALLOWED_WORDS = (
    f"Give `audio/…`, `video/…` or one of {', '.join(APPLICATION_TYPES)}; after a `;`, parameters may follow, of at "
    r"most 201 ASCII characters without `$` and `\`. Leave out what is none of these."
)
