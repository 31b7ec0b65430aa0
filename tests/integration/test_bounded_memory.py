"""A recording of hours takes no more memory than one of eleven minutes: neither its reader nor the worker does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from services.common.domain.options import Options
from services.gpu_worker.engine.decode.results import ClipResult
from services.gpu_worker.engine.engine import Engine
from services.gpu_worker.engine.plan import planner
from services.gpu_worker.engine.plan.local_reader import LocalReader
from services.gpu_worker.engine.plan.plan import Plan
from services.gpu_worker.engine.plan.spans import WINDOW
from services.gpu_worker.engine.plan.spool import Sound
from tests.support.long_recordings import long_wav

SHORT, LONG = 11 / 60, 6.0
"""Hours."""
MOST = 1.1
SPEECH = 300
"""Windows of speech, then as many without it: ten seconds each."""


class Alternating:
    """As `SpeechDetector`, but it takes no time: every other ten seconds are speech, whatever they sound like."""

    def __init__(self) -> None:
        self._samples = self._windows = 0

    def feed(self, samples: npt.NDArray[np.int16]) -> list[float]:
        self._samples += len(samples)
        known = range(self._windows, self._samples // WINDOW)
        self._windows = known.stop
        return [float(window // SPEECH % 2) for window in known]

    def finish(self) -> list[float]:
        return [0.0] * (self._samples % WINDOW > 0)


class Ear:
    """A model that takes every clip and hears nothing."""

    def decode(self, sounds: Iterator[Sound | None], *_: Any, **__: Any) -> Iterator[ClipResult]:
        for sound in sounds:
            if sound:
                assert len(sound.read()) > WINDOW
                yield ClipResult(index=sound.index, words=(), logprob=-0.1, no_speech=0.0)


def listen(path: Path) -> tuple[int, int]:
    """The number of clips, and this process's peak memory in KiB, of which reading and taking clips has a part."""
    vars(planner)["SpeechDetector"] = Alternating  # in a process of its own
    parts: tuple[Any, Any] = LocalReader(), Ear()
    plans: list[Plan] = []
    with tempfile.TemporaryDirectory(dir=path.parent) as spool:
        results = Engine(*parts).transcribe(
            path,
            Options(language="sv"),
            spool=Path(spool),
            max_seconds=1e6,
            stop=threading.Event(),
            planned=plans.append,
        )
        count = sum(1 for _ in results)
    assert count <= len(plans[0].clips)
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found
    return len(plans[0].clips), int(found[1])


def peak(path: Path) -> tuple[int, int]:
    code = "import json, sys; from tests.integration import test_bounded_memory as t; from pathlib import Path; "
    code += "Path('/proc/self/clear_refs').write_text('5'); print(json.dumps(t.listen(Path(sys.argv[1]))))"
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, timeout=120)
    told: Sequence[int] = json.loads(done.stdout.splitlines()[-1])
    return told[0], told[1]


def test_six_hours_take_no_more_memory_than_eleven_minutes(tmp_path: Path) -> None:
    few, usual = peak(long_wav(tmp_path / "short.wav", b"", hours=SHORT, width=1))
    many, long = peak(long_wav(tmp_path / "long.wav", b"", hours=LONG, width=1))
    assert many > 25 * few > 0
    assert long < MOST * usual
