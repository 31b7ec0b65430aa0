"""Seconds of each step around the model, for one recording: processor time, but wall time of calls to AWS."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from services.common.domain.options import FORMATS, Options
from services.common.transcript.formats import render
from services.gpu_worker.engine.assembly import assemble
from services.gpu_worker.engine.audio.reading import read
from services.gpu_worker.engine.audio.sound import Hearing
from services.gpu_worker.engine.decode.acceptance import judge
from services.gpu_worker.engine.decode.decoder import Decoded
from services.gpu_worker.engine.plan.clip_audio import clip_audio
from services.gpu_worker.engine.plan.clips import ClipFinder
from services.gpu_worker.engine.plan.speech import SpeechDetector
from tests.bench.contestants import FOREVER, Field
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

    engine, stop = field.engine, threading.Event()
    options = Options.parse({}, [engine.model.files.key])
    plan = engine.plan(path, options, max_seconds=FOREVER, stop=stop)
    began = time.perf_counter()
    results = list(engine.decode(path, plan, range(len(plan.clips)), options, stop=stop))
    whole = time.perf_counter() - began
    blocks = timed("decode", lambda: list(read(path, Hearing(), stop)[1]))
    detector = SpeechDetector()

    def detect() -> list[float]:
        return [one for block in blocks for one in detector.feed(block[0])] + detector.finish()

    probabilities = timed("detection", detect)
    finder = ClipFinder(1)
    timed("ours: plan", lambda: [*finder.push([probabilities]), *finder.finish(plan.samples)])
    clips = timed("ours: cut", lambda: list(clip_audio(blocks, plan.clips)))
    timed("features", lambda: [engine.model.decoder.features(sound) for _, sound in clips])
    timed(
        "ours: verdicts",
        lambda: [
            judge(Decoded(words=r.words, logprob=r.logprob, no_speech=r.no_speech), plan.clips[r.index])
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
