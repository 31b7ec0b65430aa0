"""On a GPU: whether the words are right and always the same, how long everything takes, and how busy the device is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np

from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.decode.model_files import ModelFiles
from services.gpu_worker.engine.process import EngineProcess
from services.gpu_worker.machine.self_test import CLIP, judge, listen
from tests.bench.one_run import Asked, run
from tests.support.accuracy import MEETING, SENTENCES, character_error_rate
from tests.support.acoustics import load, write_wav

NUMBERS = ("int8_float16", "float16", "float32")
"""What a T4 computes with."""
BATCHES = (1, 4, 8, 16, 32)
FILES = 40
PLAIN = "plain, asked as we do"
Rows = dict[str, dict[str, Any]]


def missing() -> str | None:
    """Why nothing can be measured here; None where it can."""
    return None if ctranslate2.get_cuda_device_count() else "left out: this machine has no CUDA device"


@dataclass(frozen=True)
class Recordings:
    """What is transcribed."""

    minutes: Path
    """Eleven: the meeting five times over."""
    half_hour: Path
    """As long as a part of a long recording."""
    hours: Path
    """Three."""


def recordings(minutes: Path, folder: Path) -> Recordings:
    """Longer ones, made of eleven minutes as WAV."""
    sound = load(minutes)

    def tiled(name: str, seconds: int) -> Path:
        times = -(-seconds * RATE // len(sound))
        return write_wav(folder / name, np.tile(sound, times)[: seconds * RATE])

    return Recordings(minutes, tiled("half_an_hour.wav", 1800), tiled("three_hours.wav", 3 * 3600))


class Bench:
    """Each section is a table; `device` is another one only where the bench itself is tried out."""

    def __init__(self, files: ModelFiles, heard: Recordings, device: str = "cuda") -> None:
        self._files = files
        self._heard = heard
        self._device = device
        warm_up = [str(heard.minutes)]
        self._asked = Asked(
            contestant="engine", model=files.key, folder=str(files.folder), paths=[], warm_up=warm_up, device=device
        )

    def figures(self) -> dict[str, Rows]:
        """Everything."""
        return {
            "start": self.start(),
            "numbers": self.numbers(),
            "half an hour": self.batches(),
            "whole": self.whole(),
            "clips whose words differ": self.sameness(),
            "short files": self.short_files(),
        }

    def start(self) -> Rows:
        """Seconds until the worker may claim, and the self-test's speed; with the files on the disk, and in memory."""
        kinds = ["from the disk"] if _forgotten() else []
        return {kind: self._started() for kind in [*kinds, "from memory"]}

    def _started(self) -> dict[str, float]:
        began = time.perf_counter()
        engine = EngineProcess(self._files.key, self._files.folder, self._device)
        try:
            engine.wait_until_ready()
            loaded = time.perf_counter() - began
            passed = judge(listen(engine), likeness=0.6, floor=0.0)
        finally:
            engine.close()
        return {"loaded s": round(loaded, 2), "first pass": passed.warm_up_seconds, "speed": passed.speed}

    def numbers(self) -> Rows:
        """Error rates by kind of numbers, and how far the words of eleven minutes are from float32's on the CPU."""
        kinds = [("cpu", "float32"), ("cpu", "int8"), *((self._device, kind) for kind in NUMBERS)]
        spoken = " ".join(SENTENCES)
        rows: Rows = {}
        exact = None
        for device, kind in kinds:
            meeting = self._run(MEETING, device=device, compute_type=kind)
            told = self._run(self._heard.minutes, device=device, compute_type=kind)
            exact = exact or _text(told)
            rows[f"{device} {kind}"] = {
                "CER meeting": round(character_error_rate(_text(meeting), spoken), 4),
                "CER long": round(character_error_rate(_text(told), " ".join([spoken] * 5)), 4),
                "differs": round(character_error_rate(_text(told), exact), 4),
            } | _shown(told)
        return rows

    def batches(self) -> Rows:
        """Half an hour in batches of several sizes, one and two in flight, and by the library, asked as we do."""
        path = self._heard.half_hour
        rows = {
            f"{batch} clips, {flight} in flight": self._row(path, batch=batch, workers=flight)
            for flight in (1, 2)
            for batch in BATCHES
        }
        return rows | {f"{PLAIN}, {batch} clips": self._row(path, contestant=PLAIN, batch=batch) for batch in (8, 32)}

    def whole(self) -> Rows:
        """Recordings of two lengths, by the engine here, as the worker has it, and by the library."""
        return {
            f"{path.stem}, {contestant}": self._row(path, contestant=contestant)
            for path in (self._heard.minutes, self._heard.hours)
            for contestant in ("engine", "worker", PLAIN)
        }

    def sameness(self) -> Rows:
        """How many clips of half an hour have other words than in batches of eight."""
        asked: dict[str, dict[str, Any]] = {f"{batch} clips": {"batch": batch} for batch in BATCHES}
        asked |= {
            "8 again": {"batch": 8},
            "8 resumed": {"batch": 8, "from_the_middle": True},
            "8 by two": {"batch": 8, "workers": 2},
        }
        rows: Rows = {}
        for kind in NUMBERS:
            heard = {
                name: self._run(self._heard.half_hour, compute_type=kind, **given)["texts"][0]
                for name, given in asked.items()
            }
            usual = heard["8 clips"]
            rows[kind] = {"of": len(usual)} | {
                name: sum(text != usual[index] for index, text in clips.items()) for name, clips in heard.items()
            }
        return rows

    def short_files(self) -> Rows:
        """Forty files of one sentence: one after the other, and as many at once as a worker holds."""
        asked = [("engine", 1), ("engine", 8), ("worker", 1), ("worker", 8), (PLAIN, 1)]
        rows: Rows = {}
        for contestant, together in asked:
            told = self._run(*[CLIP] * FILES, contestant=contestant, together=together)
            texts = {" ".join(clips.values()) for clips in told["texts"]}
            rows[f"{contestant}, {together} at once"] = _shown(told) | {"texts": len(texts)}
        return rows

    def _row(self, path: Path, **given: Any) -> dict[str, Any]:
        told = self._run(path, **given)
        seconds = path.stat().st_size / 2 / RATE  # 16 bit a sample
        return {"times real time": round(seconds / told["seconds"])} | _shown(told)

    def _run(self, *paths: Path, **given: Any) -> dict[str, Any]:
        return run(replace(self._asked, paths=[str(path) for path in paths], **given))


def _text(told: Mapping[str, Any]) -> str:
    return " ".join(told["texts"][0].values())


def _shown(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "texts"}


def _forgotten() -> bool:
    """Whether the kernel let go of what it keeps of files; only root may ask it to."""
    with suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("3")
        return True
    return False
