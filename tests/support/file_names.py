"""Names that a client may give to a recording, and ours to make a key of."""

from __future__ import annotations

HOSTILE = {
    "${filename}": "_{filename}",
    "a${filename}b": "a_{filename}b",
    "a.mp3${filename}": "a.mp3_{filename}",
    "${filename}/${filename}": "_{filename}_{filename}",
    "\\${filename}": "_{filename}",
    "$\n{filename}": "_{filename}",
    "${FILENAME}": "_{FILENAME}",
    "%24{filename}": "%24{filename}",
    "$": "_",
    "\\": "_",
    "..": "recording",
    "../../../results/x": ".._.._.._results_x",
    "/etc/passwd\0.mp3": "_etc_passwd_.mp3",
    "a\r\nx-amz-acl: public-read": "a_x-amz-acl: public-read",
    'a"; name="key': 'a"; name="key',
    "'\"<&>": "'\"<&>",
    "\u202egpm.3pm": "\u202egpm.3pm",
    "🎙️ möte.mp3": "🎙️ möte.mp3",
    "x" * 300 + "${filename}": "x" * 244 + "_{filename}",
    "å" * 150: "å" * 127,
}
"""By name: the last segment of its key."""
