"""Recordings made for a test, as bytes."""

from __future__ import annotations

import io
import wave

import av
import numpy as np

RATE = 16_000


def wav(samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> bytes:
    """16 kHz mono PCM."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


def silence(seconds: float) -> bytes:
    return wav(np.zeros(round(seconds * RATE), np.int16))


def silent_video(frames: int = 10) -> bytes:
    """An mp4 with pictures and no sound track at all."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        for _ in range(frames):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()
