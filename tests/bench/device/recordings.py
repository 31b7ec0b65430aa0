"""The recordings of this bench, made of the meeting of two minutes. They are kept in the system's temporary folder."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from tests.support.acoustics import Sound, load

MEETING = Path("examples/audio/meeting.mp3")
KEPT = Path(tempfile.gettempdir()) / "transcriber-bench"
SOUND_RATE, AAC_RATE = 16_000, 48_000
BITS_A_VOICE = 64_000
SHORT_FILES = 20
SHORTEST, LONGEST = 5.0, 10.0
"""Seconds of a short file."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One or several files that are transcribed at once."""

    name: str
    make: Callable[[Path], list[Path]]
    """Writes the files into a folder."""
    seconds: float
    """Of all files together; each voice is counted."""
    separate: bool = False
    most_runs: int = 5
    stopped_after: float = 0.0
    """Seconds after which a slow device is stopped; 0: never."""

    def files(self) -> list[Path]:
        """The files, made at the first call and then found."""
        folder = KEPT / self.name.replace(" ", "_")
        if not folder.exists():
            KEPT.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=KEPT, ignore_cleanup_errors=True) as new:
                self.make(Path(new))
                Path(new).rename(folder)
        return sorted(folder.iterdir())


def _repeated(source: Path, target: Path, seconds: float) -> list[Path]:
    """The packets of a recording over and over, until it is as long."""
    with av.open(str(source)) as once, av.open(str(target), "w") as container:
        stream = container.add_stream_from_template(once.streams.audio[0])
        packets = [(bytes(packet), packet.duration) for packet in once.demux(audio=0) if packet.size]
        base = once.streams.audio[0].time_base
        position, end = 0, seconds / base
        for content, duration in cycle(packets):
            if position >= end:
                return [target]
            packet = av.Packet(content)
            packet.stream, packet.time_base = stream, base
            packet.pts = packet.dts = position
            packet.duration = duration
            container.mux(packet)
            position += duration
    raise ValueError(f"{source} has no packets")


def _encoded(sound: npt.NDArray[np.float64], target: Path) -> Path:
    """AAC at 48 kHz of a sound of shape (channels, samples) at 16 kHz."""
    layout = "mono" if len(sound) == 1 else "stereo"
    samples = (np.clip(sound, -1, 1) * 32767).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T).reshape(1, -1), "s16", layout)
    frame.rate = SOUND_RATE
    with av.open(str(target), "w") as container:
        stream = container.add_stream("aac", rate=AAC_RATE, layout=layout, format="fltp")
        stream.bit_rate = BITS_A_VOICE * len(sound)
        resampler = av.AudioResampler(format="fltp", layout=layout, rate=AAC_RATE, frame_size=stream.frame_size or 1024)
        for one in (frame, None):
            for resampled in resampler.resample(one):
                container.mux(stream.encode(resampled))
        container.mux(stream.encode(None))
    return target


def _mp3(seconds: float) -> Callable[[Path], list[Path]]:
    return lambda folder: _repeated(MEETING, folder / "recording.mp3", seconds)


def _m4a(seconds: float, sound: Callable[[], Sound]) -> Callable[[Path], list[Path]]:
    def make(folder: Path) -> list[Path]:
        with tempfile.TemporaryDirectory() as passing:
            piece = _encoded(np.atleast_2d(sound()), Path(passing) / "piece.m4a")
            return _repeated(piece, folder / "recording.m4a", seconds)

    return make


def _two_voices() -> Sound:
    """The meeting on the left, and on the right the same from its middle on."""
    sound = load(MEETING)
    return np.stack([sound, np.roll(sound, len(sound) // 2)])


def _short(folder: Path) -> list[Path]:
    """Sentences of the meeting, and what follows them where they are shorter than five seconds."""
    sound, sentences = load(MEETING), json.loads(MEETING.with_suffix(".json").read_text())
    made = []
    for number in range(SHORT_FILES):
        start = sentences[number]["start"] - 0.3
        seconds = min(max(sentences[number]["end"] + 0.3 - start, SHORTEST), LONGEST)
        piece = sound[int(max(start, 0) * SOUND_RATE) : int((start + seconds) * SOUND_RATE)]
        made.append(_encoded(np.atleast_2d(piece), folder / f"{number:02}.m4a"))
    return made


RECORDINGS = {
    one.name: one
    for one in (
        Recording(name="65 minutes", make=_mp3(65 * 60), seconds=65 * 60),
        Recording(name="short files", make=_short, seconds=126.0),
        Recording(
            name="stereo",
            make=_m4a(30 * 60, _two_voices),
            seconds=2 * 30 * 60,
            separate=True,
            most_runs=1,
        ),
        Recording(name="eleven minutes", make=_mp3(11 * 60), seconds=11 * 60, most_runs=3),
        Recording(
            name="ten hours",
            make=_m4a(10 * 3600, lambda: load(MEETING)),
            seconds=10 * 3600,
            most_runs=1,
            stopped_after=20.0,
        ),
    )
}
