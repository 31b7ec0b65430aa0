"""Which language a recording is in, asked once, so that every part is decoded in the same one."""

from __future__ import annotations

import threading
from pathlib import Path

from services.gpu_worker.engine.clip_audio import as_planned, clip_audio
from services.gpu_worker.engine.decoder import Decoder
from services.gpu_worker.engine.plan import Plan

CLIPS = 3
"""The longest of the first ten minutes or so; one clip alone is often a greeting or a jingle."""
AMONG = 20
WITHOUT_SPEECH = "sv"


def detect(path: Path, plan: Plan, decoder: Decoder, stop: threading.Event) -> str:
    """The language with the highest sum of probabilities over a few clips."""
    clips = sorted(plan.clips[:AMONG], key=lambda clip: (-clip.samples, clip.index))[:CLIPS]
    blocks = as_planned(path, plan, None, stop)
    sums: dict[str, float] = {}
    for _, samples in clip_audio(blocks, sorted(clips, key=lambda clip: clip.index)):
        for language, probability in decoder.languages(decoder.features(samples)):
            sums[language] = sums.get(language, 0.0) + probability
    return max(sums, key=lambda language: (sums[language], language), default=WITHOUT_SPEECH)
