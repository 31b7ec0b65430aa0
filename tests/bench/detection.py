"""Detection of speech beside onnxruntime's whole graph: `python -m tests.bench.detection [FILE…] [--runs 15]`.

It prints processor seconds, as medians of alternating runs, and how far apart the probabilities are on the bench's
recordings and on sounds that are hard on a network. Of the steep telephone they are to be apart: what is missing there
is put back. Then it prints how much of the speech of the files (without any, of `examples/audio`) is found through a
telephone's filter with steep edges.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from faster_whisper.vad import get_vad_model

from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.plan.spans import WINDOW, Thresholds, speech_spans
from services.gpu_worker.engine.plan.speech import SpeechDetector
from tests.bench.listening import conditions
from tests.support.accuracy import MEETING
from tests.support.acoustics import NOBODY_SPEAKS, Sound, load, music, quieter, telephone_band, whispered, with_noise

Samples = npt.NDArray[np.int16]
EXAMPLES = MEETING.parent
SHORT_SECONDS = 5
SURELY = 0.8
"""A probability of speech."""
NOISE_DECIBELS = 20
BLOCK = RATE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, default=sorted(EXAMPLES.glob("*.mp3")))
    parser.add_argument("--runs", type=int, default=15)
    given = parser.parse_args()
    runs = given.runs
    meeting = load(MEETING)
    print(f"| processor seconds, medians of {runs} | here | whole graph | speed |\n|---|---|---|---|")
    for name, samples in (("the meeting", pcm(meeting)), ("a file of 5 s", pcm(meeting)[: SHORT_SECONDS * RATE])):
        ours, theirs = _seconds(runs, lambda: heard(samples), lambda: whole_graph(samples))  # noqa: B023 - called here
        print(f"| {name} | {ours:.4f} | {theirs:.4f} | {theirs / ours:.1f} times |")
        hour = 3600 * RATE / len(samples)
        print(f"| … for an hour of such | {ours * hour:.2f} | {theirs * hour:.2f} | |")
    print("\n| sound | seconds | farthest apart | spans | the same |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, sound in sounds(meeting, Path(folder)):
            samples = pcm(sound)
            ours_, theirs_ = heard(samples), whole_graph(samples)
            apart = np.abs(np.subtract(ours_, theirs_)).max()
            spans = [speech_spans(one, len(samples), Thresholds()) for one in (ours_, theirs_)]
            same = "yes" if spans[0] == spans[1] else "NO"
            print(f"| {name} | {len(samples) / RATE:.1f} | {apart:.1e} | {len(spans[0])} | {same} |")
    print("\n| through a telephone | whole graph | here | whole graph, noise | here, noise |\n|---|---|---|---|---|")
    shares = [through_a_telephone(load(path)) for path in given.files]
    for name, row in zip(
        [*(path.name for path in given.files), "all"], [*shares, np.mean(shares, axis=0)], strict=True
    ):
        print(f"| {name} | {' | '.join(f'{share:.2f}' for share in row)} |")


def through_a_telephone(sound: Sound) -> list[float]:
    """Of what the whole graph surely hears in a sound, the share that it and we hear through a filter with steep edges,
    on a silent line and with white noise 20 dB below the voices.
    """
    surely = np.array(whole_graph(pcm(sound))) > SURELY
    cut = telephone_band(sound)
    lines = (pcm(line) for line in (cut, with_noise(cut, NOISE_DECIBELS)))
    heard_on = [hear(line) for line in lines for hear in (whole_graph, heard)]
    return [float((np.array(found)[surely] > Thresholds().off).mean()) for found in heard_on]


def pcm(sound: Sound) -> Samples:
    """As the reader gives it."""
    return (np.clip(sound, -1, 1) * 32767).astype(np.int16)


def heard(samples: Samples) -> list[float]:
    """Our probabilities, of blocks of a second."""
    detector = SpeechDetector()
    blocks = (samples[start : start + BLOCK] for start in range(0, len(samples), BLOCK))
    return [probability for block in blocks for probability in detector.feed(block)] + detector.finish()


def whole_graph(samples: Samples) -> list[float]:
    """The library's probabilities. It spoils the end of the last window, so one is added."""
    windows = -(-len(samples) // WINDOW)
    sound = np.zeros((windows + 1) * WINDOW, np.float32)
    sound[: len(samples)] = samples.astype(np.float32) / 32768
    probabilities: list[float] = np.ravel(get_vad_model()(sound))[:windows].tolist()
    return probabilities


def sounds(meeting: Sound, folder: Path) -> Iterator[tuple[str, Sound]]:
    """What is compared: the bench's recordings, and what is at the edge of a network's numbers."""
    for name, paths in conditions(folder).items():
        for number, path in enumerate(paths, 1):
            yield f"{name} {number}" if len(paths) > 1 else name, load(path)
    for name, make in NOBODY_SPEAKS.items():
        yield name, make(60)
    pause = np.zeros(4 * RATE)
    yield "eleven minutes", np.concatenate([np.r_[meeting, pause]] * 5)
    yield "whisper", whispered(meeting)
    yield "over music", meeting + 2 * music(len(meeting) / RATE + 1)[: len(meeting)]
    yield "noise at -5 dB", with_noise(meeting, -5)
    yield "50 dB quieter", quieter(meeting, 50)
    yield "backwards", meeting[::-1]
    yield "clipped", 40 * meeting
    yield "beside zero", meeting / 2 + 0.5
    ticks = np.arange(10 * RATE)
    yield "a constant", np.full(len(ticks), 0.4)
    yield "noise at full scale", np.random.default_rng(4).uniform(-1, 1, len(ticks))
    yield "square wave, 400 Hz", np.where(ticks % 40 < 20, 1.0, -1.0)
    yield "square wave, 2 Hz", np.where(ticks % 8000 < 4000, 1.0, -1.0)
    yield "clicks", (ticks % 4000 == 0).astype(np.float64)
    for length in (1, WINDOW - 1, WINDOW, WINDOW + 1):
        yield f"{length} samples", meeting[RATE : RATE + length]


def _seconds(runs: int, *competitors: Callable[[], object]) -> list[float]:
    """Of each, the median; the first round warms up."""
    measured: list[list[float]] = [[] for _ in competitors]
    for _ in range(runs + 1):
        for competitor, seconds in zip(competitors, measured, strict=True):
            began = time.process_time()
            competitor()
            seconds.append(time.process_time() - began)
    return [statistics.median(seconds[1:]) for seconds in measured]


if __name__ == "__main__":
    main()
