"""Recordings as files, and what the planner makes of them."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from services.common.domain.options import Options
from services.gpu_worker.engine.plan.plan import Plan
from tests.support.listening import plan_of

SECONDS = 26.0
"""Of the meeting: its first four sentences, enough for anything that is tried here."""


def plan(path: Path, max_seconds: float = 600, **options: object) -> Plan:
    return plan_of(path, Options.parse(options, ["any"]), max_seconds=max_seconds)


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def film(path: Path, source: Path, *, codec: str = "libx264", pixels: str = "yuv420p", tracks: int = 1) -> Path:
    """A recording under pictures, as MP4 or whatever the name says; more tracks than one have the same sound."""
    with av.open(str(source)) as sound, av.open(str(path), "w") as container:
        picture = container.add_stream(codec, rate=5)
        picture.width, picture.height, picture.pix_fmt = 64, 64, pixels
        streams = [container.add_stream("aac", rate=48_000, layout="mono") for _ in range(tracks)]
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=48_000, frame_size=1024)
        for frame in [*sound.decode(audio=0), None]:
            for resampled in resampler.resample(frame):
                for stream in streams:
                    container.mux(stream.encode(resampled))
        seconds = float(sound.streams.audio[0].duration * sound.streams.audio[0].time_base)
        for _ in range(round(5 * seconds)):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")))
        for stream in (picture, *streams):
            container.mux(stream.encode(None))
    return path


def paused(path: Path, source: Path, at: float, seconds: float) -> Path:
    """A recording whose recorder was stopped at a moment for so many seconds, in a container that tells so."""
    with av.open(str(source)) as read, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(read.streams.audio[0])
        for packet in read.demux(audio=0):
            if packet.pts is not None:
                pause = seconds if packet.pts * packet.time_base > at else 0
                packet.pts = packet.dts = packet.pts + round(pause / packet.time_base)
                packet.stream = stream
                container.mux(packet)
    return path
