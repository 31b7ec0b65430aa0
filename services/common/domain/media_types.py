"""The container formats that are read, and the media types under which they may be uploaded.

The engine opens no other formats.
"""

from __future__ import annotations

from collections.abc import Mapping

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
