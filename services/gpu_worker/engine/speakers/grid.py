"""Where the windows lie in which a recording is searched for speakers. Pure.

They lie on a grid that begins at the first sample of the recording, whatever its parts are. So what is observed does
not depend on how a recording was split.
"""

from __future__ import annotations

HEARING = 160_000
"""Samples that are heard at once: 10 s at 16 kHz."""
HEARINGS = (0, 40_000)
"""Where in a window it is heard, in samples."""
WINDOW = HEARINGS[-1] + HEARING
"""Samples of a window."""
STEP = 80_000
"""Samples from the beginning of one window to that of the next: so each sample is heard four times."""


def windows_between(start: int, end: int) -> range:
    """The windows that begin in a stretch of the recording, from sample `start` to before sample `end`, by index."""
    return range(-(-start // STEP), -(-end // STEP))
