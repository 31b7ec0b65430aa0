"""Whether browsers play a recording as it is, with the clock that its words have. Pure.

The table holds what Chrome, Firefox and Safari all play. Its sources are MDN's "Media container formats (file types)"
and "Web audio codec guide". WebM and Ogg are not in it, since not every Safari plays them, nor is ADTS, in which no
browser finds a moment exactly. Chrome does not find it in an MP3 whose bit rate varies either
(https://github.com/bbc/peaks.js/issues/221). Whatever is doubtful is not played as it is: a listening copy costs less
than words that run beside their sound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.common.domain.media_types import CONTAINERS, UNKNOWN

if TYPE_CHECKING:
    from services.gpu_worker.engine.audio.appearance import Appearance

PLAYED: Mapping[str, frozenset[str]] = {
    "flac": frozenset({"flac"}),
    "mov": frozenset({"aac"}),
    "mp3": frozenset({"mp3", "mp3float"}),
    "wav": frozenset({"pcm_s16le", "pcm_u8"}),
}
"""Codecs by container, both as FFmpeg names them."""
BRANDS = frozenset({"M4A", "M4B", "M4V", "MSNV", "avc1", "iso2", "iso4", "iso5", "iso6", "isom", "mp41", "mp42"})
"""Kinds of MP4. Not among them are QuickTime's `qt` and the 3GP of phones."""
PROFILES = frozenset({"LC"})
"""Of AAC."""
PICTURES = frozenset({"h264 yuv420p", "h264 yuvj420p"})
RATES = range(8_000, 48_001)
MOST_CHANNELS = 2
LATEST_BEGINNING = 0.1
"""Seconds. Encoders begin a little after zero; a file whose clock begins later is shown differently by each player."""
MOST_LOST = 0.1
"""Seconds of sound that are missing within a file: some players close the gap."""
MOST_DIFFERENT = 1.0
"""Seconds between the end of the sound and what the header says: some players stop there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What was found out while a recording was read."""

    whole: bool
    """Whether all of its packets could be decoded, in one opening of the file that was not given up."""
    lost: float
    """Seconds of sound that the stamps say are missing, long pauses included."""
    seconds: float
    """Where the sound ends on the player's clock."""


def media_type(seen: Appearance) -> str:
    """The media type under which a browser gets the recording: never one that a browser runs or shows as a page."""
    kinds = CONTAINERS.get(seen.container, (UNKNOWN,))
    wanted = "video/" if seen.pictures else "audio/"
    return next((kind for kind in kinds if kind.startswith(wanted)), kinds[0])


def is_played(seen: Appearance) -> bool:
    """Whether all browsers play a file that appears so, if nothing is wrong with it inside."""
    form = seen.container.partition(",")[0]
    return (
        seen.codec in PLAYED.get(form, ())
        and (form != "mov" or (seen.brand in BRANDS and seen.profile in PROFILES))
        and set(seen.pictures) <= PICTURES
        and len(seen.pictures) <= 1
        and seen.rate in RATES
        and seen.channels in range(1, MOST_CHANNELS + 1)
        and seen.sound_tracks == 1
        and seen.begins <= LATEST_BEGINNING
        and seen.seekable
        and seen.seconds is not None
    )


def is_played_as_read(seen: Appearance, played: Played) -> bool:
    """Whether browsers play the recording as it is, with the clock on which it was read."""
    return (
        is_played(seen)
        and played.whole
        and played.lost <= MOST_LOST
        and abs((seen.seconds or 0.0) - played.seconds) <= MOST_DIFFERENT
    )
