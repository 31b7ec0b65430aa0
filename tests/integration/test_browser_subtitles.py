"""Subtitles as a browser's `<track>` reads them: by the parser that Firefox uses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from services.common.domain.options import Options
from services.common.transcript.formats import render
from services.common.transcript.subtitles import cues
from services.common.transcript.transcript import Transcript
from services.common.transcript.words import Word
from services.gpu_worker.engine.assembly import assemble
from services.gpu_worker.engine.audio.sound import RATE, MediaInfo
from services.gpu_worker.engine.decode.model_files import ModelFiles
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.plan.plan import Clip, Plan, PlannedPart
from tests.support.node import WEBVTT, installed

pytestmark = pytest.mark.npm

SAID = "Är 2 < 3 & 3 > 2 --> ja <i>säkert</i>, sade ordföranden; nu går vi vidare till nästa punkt på dagordningen."
WORDS = SAID.split()


@pytest.fixture
def transcript() -> Transcript:
    words = tuple(Word(f" {word}", index * 0.5, index * 0.5 + 0.4, 0.9) for index, word in enumerate(WORDS))
    plan = Plan(
        samples=60 * RATE,
        channels=1,
        language="sv",
        speech=60 * RATE,
        clips=(Clip(0, 0, ((0, 30 * RATE),)),),
        parts=(PlannedPart(0, 0, 60 * RATE, 0, 1),),
        source=MediaInfo("wav", "pcm_s16le", RATE, 1, 60.0),
    )
    results = [ClipResult(index=0, words=words, logprob=-0.2, no_speech=0.0)]
    return assemble(plan, results, Options(), ModelFiles(Path("model"), "any", "standard", "abc", {}))


def test_a_browser_shows_each_subtitle_at_its_time_with_its_very_text(transcript: Transcript) -> None:
    read = subprocess.run(
        ["node", "parse.cjs"], cwd=installed(WEBVTT), input=render(transcript, "vtt"), capture_output=True, check=True
    )
    shown = [
        (start, end, text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
        for start, end, text in json.loads(read.stdout)
    ]
    assert [(start, end) for start, end, _ in shown] == [
        (round(cue.start, 3), round(cue.end, 3)) for cue in cues(transcript)
    ]
    said = [word.replace("-->", "→") for word in WORDS]  # an arrow would end the cue
    assert " ".join(text.replace("\n", " ") for _, _, text in shown).split() == said
