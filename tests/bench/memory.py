"""Peak memory of a process of its own that transcribes one recording."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from services.gpu_worker.engine.decode.device_choice import EngineSettings
from services.gpu_worker.engine.decode.model_files import locate
from services.gpu_worker.engine.local import LocalEngine
from tests.bench.contestants import Plain, transcript
from tests.bench.process_costs import forget_peak, peak_mib
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
    if done.returncode == -signal.SIGKILL:
        return 0
    done.check_returncode()
    return int(done.stdout.split()[-1])


def main() -> None:
    forget_peak()  # what the bench itself holds was inherited
    contestant, path, model = sys.argv[1:]
    files = locate("random", Path(model)) if model else locate("whisper-base")
    if contestant == "ours":
        engine = LocalEngine.load(files, EngineSettings())
        transcript(engine, Path(path))
        engine.close()
    else:
        Plain(files, compute_type="int8").batched(Path(path))
    sys.stdout.write(f"{round(peak_mib())}\n")


if __name__ == "__main__":
    main()
