"""Subtitles as a browser's `<track>` reads them: by the parser that Firefox uses."""

from __future__ import annotations

import html
import json
import re
import subprocess

import pytest

from services.common.transcript.formats import INVISIBLE, render
from services.common.transcript.subtitles import cues
from tests.support.node import WEBVTT, installed
from tests.support.transcripts import dialogue, spoken, transcript

pytestmark = pytest.mark.npm

SAID = "Är 2 < 3 & 3 > 2 --> ja <i>säkert</i>, sade ordföranden; nu går vi vidare till nästa punkt på dagordningen."
WORDS = SAID.split()


def test_a_browser_shows_each_subtitle_at_its_time_with_its_very_text() -> None:
    told = transcript(spoken(SAID, pace=0.5))
    read = subprocess.run(
        ["node", "parse.cjs"], cwd=installed(WEBVTT), input=render(told, "vtt"), capture_output=True, check=True
    )
    shown = [
        (start, end, text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
        for start, end, text in json.loads(read.stdout)
    ]
    assert [(start, end) for start, end, _ in shown] == [(round(cue.start, 3), round(cue.end, 3)) for cue in cues(told)]
    said = [word.replace("-->", "→") for word in WORDS]  # an arrow would end the cue
    assert " ".join(text.replace("\n", " ") for _, _, text in shown).split() == said


def test_a_browser_reads_who_speaks_of_names_that_look_like_markup() -> None:
    names = ["Å & </v><v Bo>", "a --> b <i>", "Ek: \\N"]
    told = dialogue((0, "Ja det är så."), (1, "Nej då."), (2, "Jo så här är det.")).named(names)
    read = subprocess.run(
        ["node", "parse.cjs"], cwd=installed(WEBVTT), input=render(told, "vtt"), capture_output=True, check=True
    )
    shown = [re.fullmatch("<v ([^>]+)>([^<>]+)", text) for _, _, text in json.loads(read.stdout)]
    assert [html.unescape(found[1]).replace(INVISIBLE, "") if found else "" for found in shown] == [
        name.replace("-->", "→") for name in names
    ]
    assert [found[2] if found else "" for found in shown] == [segment.text for segment in told.segments]
