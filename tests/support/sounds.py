"""Recordings made for a test, as bytes."""

from __future__ import annotations

import io
import wave
import zipfile

import av
import numpy as np

RATE = 16_000
DAY = 24 * 3600


def wav(samples: np.ndarray[tuple[int], np.dtype[np.int16]], *, rate: int = RATE, channels: int = 1) -> bytes:
    """PCM of 16 bit, 16 kHz and mono unless said otherwise."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


def silence(seconds: float) -> bytes:
    return wav(np.zeros(round(seconds * RATE), np.int16))


def heavier(recording: bytes, size: int) -> bytes:
    """The same wav with so many bytes more (an even number) in a chunk that readers skip, as recorders leave one."""
    chunk = b"JUNK" + size.to_bytes(4, "little") + np.random.default_rng(size).bytes(size)
    inside = recording[8:12] + chunk + recording[12:]
    return b"RIFF" + len(inside).to_bytes(4, "little") + inside


def more_than_a_day() -> bytes:
    """A FLAC whose header promises a day and two seconds, in 36 bits of its first block, and which is as large as that
    would be; its sound ends after a second.
    """
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=RATE, layout="mono", format="s16")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, RATE), np.int16), "s16", "mono")
        frame.rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    content = bytearray(buffer.getvalue())
    content[21] = content[21] & 0xF0
    content[22:26] = ((DAY + 2) * RATE).to_bytes(4, "big")
    return bytes(content) + bytes(6_000_000)


def playlist(target: str) -> bytes:
    """A list of one piece, which lies elsewhere."""
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n".encode()


def concatenation(target: str) -> bytes:
    """FFmpeg's own kind of such a list."""
    return f"ffconcat version 1.0\nfile '{target}'\n".encode()


def silent_video(frames: int = 10, *, container: str = "mp4", codec: str = "mpeg4", pixels: str = "yuv420p") -> bytes:
    """Pictures and no sound track at all."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as file:
        stream = file.add_stream(codec, rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = pixels
        for _ in range(frames):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return buffer.getvalue()


def picture() -> bytes:
    """A png."""
    return silent_video(1, container="image2pipe", codec="png", pixels="rgb24")


def archive() -> bytes:
    """A zip of text."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("anteckningar.txt", "En anteckning.\n" * 5_000)
    return buffer.getvalue()


def noise_of_bytes() -> bytes:
    """Bytes by chance: no format at all."""
    return np.random.default_rng(0).bytes(100_000)
