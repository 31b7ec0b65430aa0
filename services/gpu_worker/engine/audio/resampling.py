"""Resampling: frames of one format become 16 kHz samples of all their channels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import av
from av.filter import Graph

from services.gpu_worker.engine.audio.containers import Untyped
from services.gpu_worker.engine.audio.samples import BLOCK, Names, Samples
from services.gpu_worker.engine.audio.sound import RATE


class Resampler:
    """FFmpeg's resampler, which fills gaps between frames with silence.

    PyAV has a class for it, but that asks the resampler for samples after every frame.
    """

    def __init__(self, frame: Untyped) -> None:
        """`frame`: the first one; those that follow have its format, layout and rate."""
        self._format, self._layout, self._rate = frame.format.name, frame.layout, frame.sample_rate
        self.names: Names = tuple(channel.name for channel in frame.layout.channels)
        self._asked = 0
        self._graph = Graph()
        chain = (
            self._graph.add(
                "abuffer",
                sample_rate=str(self._rate),
                sample_fmt=self._format,
                channel_layout=self._layout.name,
                time_base=f"1/{self._rate}",
            ),
            # The frames' places are decided before (`clock.py`); the filter may not correct them on its own.
            self._graph.add("aresample", **{"async": "1", "min_hard_comp": "0.004", "first_pts": "0"}),
            # Packed: PyAV reads beyond the planes of eight channels and more.
            self._graph.add("aformat", sample_rates=str(RATE), sample_fmts="s16", channel_layouts=self._layout.name),
            self._graph.add("abuffersink"),
        )
        for earlier, later in pairwise(chain):
            earlier.link_to(later)
        self._graph.configure()
        self._graph.set_audio_frame_size(BLOCK)
        self._source: Untyped = chain[0]
        self._sink: Untyped = chain[-1]

    def takes(self, frame: Untyped) -> bool:
        """Whether a frame has the format, layout and rate of the first one."""
        alike = frame.sample_rate == self._rate and frame.format.name == self._format
        return bool(alike and frame.layout == self._layout)

    def push(self, frame: Untyped, seconds: float) -> Iterator[Samples] | None:
        """Take a frame that begins `seconds` after the first; once a second, give blocks of shape (channels, n)."""
        frame.pts = round(seconds * self._rate)
        self._source.push(frame)
        if frame.pts - self._asked >= self._rate:
            self._asked = frame.pts
            return self._pull()
        return None

    def finish(self) -> Iterator[Samples]:
        """The blocks that are left, when no more frames will come."""
        self._source.push(None)
        return self._pull()

    def _pull(self) -> Iterator[Samples]:
        while True:
            try:
                block = self._sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            yield block.to_ndarray().reshape(-1, len(self.names)).T
