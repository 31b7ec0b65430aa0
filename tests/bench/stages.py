"""Seconds of each step around the model, for one recording: processor time, but wall time of calls to AWS."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from services.common.domain.options import FORMATS, Options
from services.common.transcript.formats import render
from services.gpu_worker.engine.assembly import assemble
from services.gpu_worker.engine.audio.reading import read
from services.gpu_worker.engine.audio.sound import RATE, Hearing
from services.gpu_worker.engine.decode.acceptance import judge
from services.gpu_worker.engine.decode.decoder import Decoded
from services.gpu_worker.engine.plan.clips import ClipFinder
from services.gpu_worker.engine.plan.speech import SpeechDetector
from services.gpu_worker.engine.plan.spool import Sound, spooled
from tests.bench.contestants import Field
from tests.support.listening import heard
from tests.support.step_world import step_world

T = TypeVar("T")


def seconds(field: Field, path: Path) -> dict[str, float]:
    """Decoding, detection and features are the library's work; `ours` is the rest but the model."""
    spent: dict[str, float] = {}

    def timed(name: str, step: Callable[[], T]) -> T:
        began = time.thread_time()
        result = step()
        spent[name] = round(time.thread_time() - began, 3)
        return result

    engine = field.engine
    options = Options.parse({}, [engine.model.files.key])
    began = time.perf_counter()
    plan, results = heard(engine, path, options)
    whole = time.perf_counter() - began
    blocks = timed("decode", lambda: list(read(path, Hearing(), threading.Event())[1]))
    detector, finder = SpeechDetector(), ClipFinder(1)
    probabilities = timed("detection", lambda: [*map(detector.feed, (block[0] for block in blocks)), detector.finish()])
    timed("ours: plan", lambda: [*(finder.push([new]) for new in probabilities), finder.finish(plan.samples)])
    with tempfile.TemporaryDirectory() as name:
        spool = Path(name)
        timed("ours: spool", lambda: list(spooled(iter(blocks), spool)))
        clips = timed("ours: cut", lambda: [Sound(clip, spool).read() for clip in plan.clips])
    timed("features", lambda: [engine.model.decoder.features(np.frombuffer(sound, np.int16)) for sound in clips])
    timed(
        "ours: verdicts",
        lambda: [
            judge(Decoded(words=r.words, logprob=r.logprob, no_speech=r.no_speech), plan.clips[r.index].samples / RATE)
            for r in results
        ],
    )
    transcript = timed("ours: assemble", lambda: assemble(plan, results, options, engine.model.files))
    timed("ours: render", lambda: [render(transcript, form) for form in FORMATS])
    calls, spent["ours: AWS calls"] = aws_calls(path.read_bytes())
    ours = sum(took for name, took in spent.items() if name.startswith("ours"))
    return spent | {
        "AWS calls": calls,
        "all, wall": round(whole, 1),
        "ours, % of all": round(100 * ours / whole, 2),
    }


def aws_calls(recording: bytes) -> tuple[int, float]:
    """How many calls a worker makes for a job, download and checkpoints included, and their seconds in the emulator."""
    took: list[float] = []
    began: list[float] = []
    with step_world() as world:
        world.upload(content=recording)
        world.serve_queue()
        for client in (world.dynamodb, world.s3):
            client.meta.events.register("before-call", lambda **_: began.append(time.perf_counter()))
            client.meta.events.register("after-call", lambda **_: took.append(time.perf_counter() - began.pop()))
        world.run_machines()
    return len(took), round(sum(took), 3)
