"""Peak memory of a process of its own that transcribes one recording."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from services.gpu_worker.engine.device import EngineSettings
from services.gpu_worker.engine.engine import Engine
from services.gpu_worker.engine.model import locate
from tests.bench.contestants import Field, transcript
from tests.support.acoustics import load, write_wav

HOURS = 3


def peaks(long: Path, folder: Path, model: Path | None) -> dict[str, Any]:
    """Peak MB for eleven minutes and for three hours, the engine's and the plain library's; 0 where it was killed."""
    sound = load(long)
    times = -(-HOURS * 3600 * 16_000 // len(sound))
    hours = folder / "hours.wav"
    write_wav(hours, np.tile(sound, times)[: HOURS * 3600 * 16_000])
    return {
        contestant: {
            "eleven minutes": _peak(contestant, long, model),
            f"{HOURS} hours": _peak(contestant, hours, model),
        }
        for contestant in ("ours", "batched")
    }


def _peak(contestant: str, path: Path, model: Path | None) -> int:
    command = [sys.executable, "-m", "tests.bench.memory", contestant, str(path), str(model or "")]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    return 0 if done.returncode == -signal.SIGKILL else int(done.stdout.split()[-1])


def main() -> None:
    contestant, path, model = sys.argv[1:]
    files = locate("random", Path(model)) if model else locate("whisper-base")
    if contestant == "ours":
        engine = Engine.load(files, EngineSettings())
        transcript(engine, Path(path))
        engine.close()
    else:
        field = Field(files)
        field.batched(Path(path))
        field.close()
    sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}\n")


if __name__ == "__main__":
    main()
