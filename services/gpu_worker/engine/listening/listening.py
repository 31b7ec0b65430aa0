"""What a reading writes for people who listen: peaks of every recording, and a copy of those that browsers do not play.

If one of them cannot be made, the recording is transcribed without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from services.gpu_worker.engine.audio.playable import Played, is_played, is_played_as_read, media_type
from services.gpu_worker.engine.audio.reading import Reading
from services.gpu_worker.engine.audio.samples import Samples
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.listening.copying import Copying
from services.gpu_worker.engine.listening.files import copy_file, peaks_file
from services.gpu_worker.engine.listening.peaks import Peaks
from services.gpu_worker.engine.stopping import StopFlag, StoppedError

FIRST = 120 * RATE
"""Samples of sound that are read before the copy is begun: the first text does not wait for it."""
LONGEST = 48 * 3600 * RATE
"""Samples on the player's clock; beyond that, as where a clock is broken, neither peaks nor a copy are made."""
_POLL_SECONDS = 0.1


class Listening:
    """Takes the blocks of a reading, each when its samples are in the spool."""

    def __init__(self, reading: Reading, folder: Path, voices: Callable[[], list[Path]]) -> None:
        """`folder`: gets the files; `voices`: gives those of the spool, once some sound is in them."""
        self._reading = reading
        self._folder = folder
        self._peaks = Peaks()
        self._faults: list[str] = []
        self._copying = Copying(copy_file(folder), voices)
        self._doubtful = not is_played(reading.appearance)
        """Whether a copy is needed whatever is found out later."""
        self._position = self._silence = self._pauses = 0
        """How many samples of sound were taken, and of pauses; how many pauses these are."""

    def push(self, block: Samples) -> None:
        """Take the next block of voices, shape (voices, samples)."""
        pauses = self._reading.pauses
        silence = 0
        while self._pauses < len(pauses) and pauses[self._pauses][0] <= self._position:
            silence += pauses[self._pauses][1]
            self._pauses += 1
        self._silence += silence
        self._position += block.shape[1]
        if self._is_too_long:
            self._copying.give_up()
            return
        self._peaks.pause(silence)
        self._peaks.push(block)
        self._copying.push(silence, block.shape[1])
        if self._doubtful and self._position >= FIRST:
            self._copying.begin()

    def finish(self, stop: StopFlag) -> dict[str, Any]:
        """Write what is left, when all blocks were taken.

        Returns:
            `{media: {media_type, video, playable}, faults}` of the recording; `faults` tell what could not be made.

        Raises:
            StoppedError: `stop` is set.

        """
        seen = self._reading.appearance
        playable = is_played_as_read(seen, self._played())
        if self._is_too_long:
            self._faults.append("the player's clock is beyond all bounds")
        else:
            self._write_peaks()
            if not playable:
                self._finish_copy(stop)
        media = {"media_type": media_type(seen), "video": bool(seen.pictures), "playable": playable}
        return {"media": media, "faults": self._faults}

    def close(self) -> None:
        """End all work."""
        self._copying.give_up()

    @property
    def _is_too_long(self) -> bool:
        return self._position + self._silence > LONGEST

    def _played(self) -> Played:
        reading = self._reading
        losses = sum(track.clock.losses.seconds for track in reading.heard)
        return Played(
            whole=not (reading.broken or any(track.damaged for track in reading.heard)),
            lost=losses + self._silence / RATE,
            seconds=reading.seconds,
        )

    def _write_peaks(self) -> None:
        file = peaks_file(self._folder)
        try:
            file.write_bytes(self._peaks.packed())
        except (OSError, MemoryError) as error:
            self._faults.append(f"peaks: {type(error).__name__}")
            with suppress(OSError):
                file.unlink()

    def _finish_copy(self, stop: StopFlag) -> None:
        self._copying.begin()
        self._copying.finish()
        while not self._copying.wait(_POLL_SECONDS):
            if stop.is_set():
                raise StoppedError
        if self._copying.error:
            self._faults.append(f"copy: {type(self._copying.error).__name__}")


@contextmanager
def listening(reading: Reading, folder: Path, voices: Callable[[], list[Path]]) -> Iterator[Listening]:
    """A `Listening`; nothing is written any more when the context ends."""
    one = Listening(reading, folder, voices)
    try:
        yield one
    finally:
        one.close()
