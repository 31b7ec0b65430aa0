"""Processor seconds of reading, here and in another checkout: `python -m tests.bench.reading --against DIR [FILE…]`.

Both read the same file in turn, each in a process of its own that is warm; medians are compared, as a ratio. Without
files, a quarter of an hour of the meeting is read, as several programs would write it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

MEETING = Path("examples/audio/meeting.mp3").resolve()
FORMS = {
    "mono.wav": "-ar 16000 -ac 1",
    "mono.mp3": "-c:a libmp3lame -ar 44100 -ac 1",
    "stereo.mp3": "-c:a libmp3lame -ar 44100 -ac 2",
    "stereo.m4a": "-c:a aac -ar 48000 -ac 2",
    "mono.flac": "-c:a flac -ar 16000 -ac 1",
    "stereo.opus": "-c:a libopus -ac 2",
}
READER = """
import sys, threading, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from services.gpu_worker.engine.audio.reading import read
try:
    from services.gpu_worker.engine.audio.sound import Hearing
except ImportError:  # version 0.1.0
    from services.gpu_worker.engine.plan import Hearing
for line in sys.stdin:
    began = time.process_time()
    for block in read(Path(line.strip()), Hearing(), threading.Event())[1]:
        pass
    print(time.process_time() - began, flush=True)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, required=True, metavar="DIR", help="the other checkout")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("files", nargs="*", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        readers = {name: _reader(path) for name, path in (("here", Path.cwd()), ("there", asked.against))}
        for file in asked.files or _made(Path(folder)):
            seconds: dict[str, list[float]] = {name: [] for name in readers}
            for _ in range(asked.runs + 1):
                for name, reader in readers.items():
                    seconds[name].append(_timed(reader, file.resolve()))
            medians = {name: statistics.median(measured[1:]) for name, measured in seconds.items()}
            ratio = medians["there"] / medians["here"]
            print(f"{file.name}: {medians['here']:.3f} s here, {medians['there']:.3f} s there: {ratio:.2f} x its speed")
        for reader in readers.values():
            reader.kill()


def _reader(checkout: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", READER, str(checkout.resolve())]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, cwd="/")


def _timed(reader: subprocess.Popen[str], file: Path) -> float:
    if reader.stdin is None or reader.stdout is None:
        raise RuntimeError("a reader without pipes")
    reader.stdin.write(f"{file}\n")
    reader.stdin.flush()
    return float(reader.stdout.readline())


def _made(folder: Path) -> list[Path]:
    for name, options in FORMS.items():
        words = ["ffmpeg", "-nostdin", "-v", "error", "-stream_loop", "6", "-i", str(MEETING), *options.split()]
        subprocess.run([*words, str(folder / name)], check=True)
    return [folder / name for name in FORMS]


if __name__ == "__main__":
    main()
