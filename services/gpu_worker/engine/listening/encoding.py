"""Encodes sound as AAC in an M4A, whose index comes before the sound: a browser has it with its first request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.audio.containers import Untyped
from services.gpu_worker.engine.audio.sound import RATE

Mono: TypeAlias = npt.NDArray[np.int16]
"""Shape (samples,)."""
OPTIONS = {"aac_coder": "fast", "flags": "+qscale", "global_quality": "80"}
"""Speech takes about 15 MB an hour like this. The better way to choose scale factors costs three times the time, and a
bit rate that is held a third more."""
FRAME = 1024
"""Samples of a packet."""
LEAD = 2 * RATE
"""Samples of silence that are encoded before the encoder surely gives packets of silence."""


class Encoder:
    """Takes sound in order; `encoder` makes one."""

    def __init__(self, container: Untyped, stream: Untyped) -> None:
        self._container = container
        self._stream = stream
        self._encoded = self._repeated = 0
        """Samples that the encoder got, and those of packets that were repeated instead."""
        self._last = b""
        self._next = 0
        """The last packet's content, and the place of the one that comes next."""

    def sound(self, block: Mono) -> None:
        """Encode the next sound."""
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), "s16", "mono")
        frame.rate, frame.pts = RATE, self._encoded
        self._encoded += len(block)
        self._write(self._stream.encode(frame))

    def silence(self, samples: int) -> None:
        """Encode silence.

        A long one costs little: packets of silence are all the same, so one is repeated.
        """
        repeated = max(0, samples - LEAD) // FRAME
        self.sound(np.zeros(samples - repeated * FRAME, np.int16))
        for _ in range(repeated):
            packet = av.Packet(self._last)
            packet.pts = packet.dts = self._next
            packet.duration, packet.time_base = FRAME, self._stream.codec_context.time_base
            packet.stream, packet.is_keyframe = self._stream, True
            self._next += FRAME
            self._container.mux_one(packet)
        self._repeated += repeated * FRAME

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._write(self._stream.encode(None))

    def _write(self, packets: Iterable[Untyped]) -> None:
        for packet in packets:
            packet.pts += self._repeated
            packet.dts += self._repeated
            self._last, self._next = bytes(packet), packet.pts + FRAME
            self._container.mux_one(packet)


@contextmanager
def encoder(destination: Path) -> Iterator[Encoder]:
    """An encoder, whose file is whole when the context ends without an error."""
    with av.open(str(destination), "w", format="ipod", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono", options=OPTIONS)
        made = Encoder(container, stream)
        yield made
        made.finish()
