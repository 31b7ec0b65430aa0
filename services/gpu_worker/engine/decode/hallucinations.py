"""Known hallucinations: lines that Whisper models write in Swedish when nobody speaks, from the subtitles they were
trained on. Data and one function.

Each of them can really be said, so the list counts only for a clip with little speech in it.
"""

from __future__ import annotations

import re

LITTLE_SPEECH_SECONDS = 5.0
NO_SPEECH = 0.3
"""The model's own probability of no speech above which the list counts as well."""

_LINES = re.compile(
    r"""
    tack\ (så\ mycket\ )?för\ att\ (du|ni)\ (har\ )?(tittat|tittade|tittar|lyssnat|såg)
        (\ på\ (videon|den\ här\ videon))?
    | tack\ för\ (mig|idag|titten)
    | vi\ ses\ (i\ nästa\ (video|avsnitt)|nästa\ gång)
    | prenumerera\ på\ (min\ |vår\ )?kanal(en)?
    | glöm\ inte\ att\ prenumerera.*
    | (under)?textning(ar)?\ (av|från)\ .*
    | undertexter\ (av|från|nu)\ .*
    | undertexter\ från\ amara\ org\ gemenskapen
    | (svensk)?textning\ nu | (www\ )?(svensktextning|undertexter)\ (nu|se)
    | (tack\ till\ )?btistudios\ com
    | översättning\ (av\ )?.*\ (btistudios|svt|amara).*
    | copyright\ .*
    | musik(en)? | applåder | skratt
    """,
    re.VERBOSE,
)


def is_known(text: str) -> bool:
    """Whether a whole text is one of the lines, whatever its case and punctuation."""
    bare = " ".join(re.sub(r"[^\w\s]", " ", text.casefold()).split())
    return _LINES.fullmatch(bare) is not None
