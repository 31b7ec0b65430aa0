"""Who said what, by the whole engine: how far its turns and labels are from the truth, and what they cost."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from services.common.domain.options import Options
from services.common.transcript.attribution import SpokenTurn
from services.gpu_worker.engine.assembly import assemble
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.decode.catalogue import SPEAKERS
from services.gpu_worker.engine.decode.device_choice import EngineSettings
from services.gpu_worker.engine.decode.model_files import ModelFiles, locate
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.local import LocalEngine
from services.gpu_worker.engine.plan.local_reader import LocalReader
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.speakers.following import follow
from services.gpu_worker.engine.speakers.spoken_turns import SpeakerTurn, overlapping_turns, speaker_turns
from services.gpu_worker.engine.speakers.windows import ObservedWindow
from tests.bench.speakers import recordings
from tests.bench.speakers.recordings import Recording
from tests.bench.speakers.report import turn_figures
from tests.bench.speakers.turn_errors import turn_errors
from tests.bench.speakers.turns import Turn, speakers_of
from tests.bench.speakers.word_errors import SpokenWord, word_errors

LONGEST = 1e6
"""Seconds: no recording is too long."""
Turns = list[tuple[SpokenTurn, ...]]


def chosen(names: Sequence[str], folder: Path | None, kept: Path) -> Iterator[Recording]:
    """The recordings of a folder; without one, the made ones of these names, which are made if `kept` lacks them."""
    if folder:
        return recordings.of_folder(folder)
    kept.mkdir(parents=True, exist_ok=True)
    return recordings.made(names, kept)


def figures(heard: Iterable[Recording], model: ModelFiles | None, settings: EngineSettings) -> list[dict[str, Any]]:
    """One entry for each recording.

    Args:
        heard: the recordings.
        model: of words; None: words are not decoded, and their labels not counted.
        settings: of the engine.

    """
    if model is None:
        return list(_entries(heard, None))
    engine = LocalEngine.load(model, settings)
    try:
        return list(_entries(heard, engine))
    finally:
        engine.close()


def _entries(heard: Iterable[Recording], engine: LocalEngine | None) -> Iterator[dict[str, Any]]:
    for recording in heard:
        entry = _entry(recording, engine)
        sys.stderr.write(f"{entry}\n")
        yield entry


def _entry(recording: Recording, engine: LocalEngine | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        plan, results = _heard(recording, engine, Path(name))
        models = locate(SPEAKERS).folder
        began = time.process_time()
        windows = list(follow(Path(name), models, first=0, threads=1, stop=threading.Event()))
        told = _turns(plan, windows, speaker_turns)
        spent = time.process_time() - began
    # Words have one speaker; but the rate counts all who speak at once.
    at_once = _turns(plan, windows, overlapping_turns)
    found = [Turn(turn.start, turn.end, str(turn.speaker)) for channel in at_once for turn in channel]
    entry = {
        "recording": recording.name,
        "speakers": len(speakers_of(recording.turns)),
        "found": len(speakers_of(found)),
        **turn_figures(turn_errors(recording.turns, found)),
        "processor_seconds_per_hour": round(spent * 3600 / plan.seconds, 1),
    }
    if engine and recording.words:
        transcript = assemble(plan, results, _options(engine), engine.model.files, told)
        heard = [
            SpokenWord(word.text, None if word.speaker is None else str(word.speaker))
            for segment in transcript.segments
            for word in segment.words
        ]
        errors = word_errors(recording.words, heard)
        entry |= {"words": round(errors.matched / errors.words, 4), "word_errors": round(errors.rate, 4)}
    return entry


def _heard(recording: Recording, engine: LocalEngine | None, spool: Path) -> tuple[Plan, list[ClipResult]]:
    """The plan and the words, if they are wanted; the sound stays in the spool."""
    stop = threading.Event()
    given: dict[str, Any] = {"spool": spool, "max_seconds": LONGEST, "stop": stop}
    if engine and recording.words:
        plans: list[Plan] = []
        results = list(engine.transcribe(recording.path, _options(engine), planned=plans.append, **given))
        return plans[0], results
    *_, plan = LocalReader().plan(recording.path, Options(), **given)
    assert isinstance(plan, Plan)
    return plan, []


def _options(engine: LocalEngine) -> Options:
    return Options.parse({"language": "auto", "speakers": "auto"}, [engine.model.files.key])


def _turns(plan: Plan, windows: Sequence[ObservedWindow], tell: Callable[..., tuple[SpeakerTurn, ...]]) -> Turns:
    """Who speaks when, in seconds."""
    found: Turns = []
    for channel in range(plan.channels):
        observations = [window.voices[channel] for window in windows]
        turns = tell(observations, [span for clip in plan.clips if clip.channel == channel for span in clip.spans])
        found.append(
            tuple(
                SpokenTurn(plan.clock(turn.start / RATE), plan.clock(turn.end / RATE), turn.speaker) for turn in turns
            )
        )
    return found
