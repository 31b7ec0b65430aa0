"""From the recording of a claimed part to the results of its clips; a long recording is split on the way."""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from services.common.domain import object_keys
from services.common.domain.errors import DecoderFailedError
from services.common.domain.records import part_index, part_name
from services.common.domain.vocabularies import KeptWords
from services.common.store.parts import MAX_PARTS
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.plan.reader import Cutting
from services.gpu_worker.engine.processes.device_link import DeviceDiedError
from services.gpu_worker.engine.processes.readers import ReaderLostError
from services.gpu_worker.engine.speakers.grid import WINDOW
from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.part.checkpoints import Checkpoints
from services.gpu_worker.part.claim import StopReason
from services.gpu_worker.part.left_out import with_what_was_left_out
from services.gpu_worker.part.listening import with_listening
from services.gpu_worker.part.observing import Observing

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from services.common.store.store import Store
    from services.gpu_worker.engine.decode.results import ClipResult
    from services.gpu_worker.engine.plan.plan import Plan, PlannedPart
    from services.gpu_worker.engine.process import EngineProcess
    from services.gpu_worker.engine.speakers.work import Speakers
    from services.gpu_worker.part.claim import Claim
    from services.gpu_worker.part.files import Files
    from services.gpu_worker.settings import WorkerSettings

log = structlog.get_logger()
HOUR_SECONDS = 3_600
MINUTE_SECONDS = 60


class Transcribing:
    """The work on one claimed part, while an engine decodes it."""

    def __init__(
        self,
        claim: Claim,
        engine: EngineProcess,
        folder: Path,
        *,
        store: Store,
        files: Files,
        settings: WorkerSettings,
        clock: Callable[[], int],
        speakers: Speakers,
    ) -> None:
        """`folder`: of the part; it holds the `recording`, or the part's own audio."""
        self._claim = claim
        self._engine = engine
        self._folder = folder
        self._store = store
        self._files = files
        self._settings = settings
        self._clock = clock
        self._plan: Plan | None = None
        self._lengths: dict[int, float] | None = None
        """Seconds of audio of each clip that this part needs, by index, once the part is known."""
        self._advancing = threading.Lock()
        """Two threads do: the one that takes results, and the one that splits the recording meanwhile."""
        self.times: dict[str, int] = {}
        """Of the stages, in epoch milliseconds."""
        every = settings.checkpoint_seconds
        told_apart = claim.options.speakers is not None
        self._checkpoints = claim.retry(
            lambda: Checkpoints(files, claim.job.place, claim.part, every, speakers=told_apart)
        )
        self._speakers = speakers
        self._observing: Observing | None = None

    def run(self) -> tuple[Plan, Checkpoints]:
        """The plan, and what is known of every clip and window of the part; each is stored soon after it is done."""
        claim, checkpoints = self._claim, self._checkpoints
        (self._folder / "spool").mkdir()
        try:
            with ExitStack() as until_done:
                results = until_done.enter_context(closing(self._results()))
                if self._observing:
                    until_done.enter_context(self._observing)
                for result in results:
                    self._take(result)
                if self._observing:
                    # The device has done its work, so from here on the recording is not the cause if a machine dies.
                    claim.on_device, claim.labelling = False, True
                    self._observing.wait()
        except (StoppedError, DeviceDiedError, DecoderFailedError, ReaderLostError, OSError):
            # The finished clips are of use to the next attempt. A worker that has lost the lease writes nothing.
            if claim.stop_reason in {None, StopReason.SHUTDOWN}:
                self._keep()
            raise
        if claim.part.parts > 1:
            # The merge reads the checkpoints; a job of one part has its results in memory.
            claim.retry(checkpoints.save)
        assert self._plan is not None
        return self._plan, checkpoints

    def _take(self, result: ClipResult) -> None:
        if "first_text" not in self.times:
            self._engine.worked = True
            self.times["first_text"] = self._clock()
            self._claim.begin()
        self._checkpoints.add(result)
        self._advance()

    def _results(self) -> Generator[ClipResult, None, None]:
        claim, recording, spool = self._claim, self._folder / "recording", self._folder / "spool"
        index = part_index(claim.part)
        if claim.part.parts > 1:
            plan = claim.retry(lambda: self._files.plan(claim.job.place))
            self._checkpoints.keep(plan)
            part = plan.parts[index]
            self._observe(spool, part, offset=part.start if index else 0)
            self._need(plan, index)
            return self._engine.decode(
                recording,
                plan,
                [clip for clip in plan.parts[index].clips if clip not in self._checkpoints.results],
                claim.options,
                spool=spool,
                stop=claim.stop,
                part=index or None,
                apart=claim.part.suspected,
                until=part.end + WINDOW if self._observing else 0,
            )
        self._observe(spool, None)
        return self._engine.transcribe(
            recording,
            claim.options,
            spool=spool,
            stop=claim.stop,
            planned=self._planned,
            known=self._checkpoints.clips,
            vocabulary=KeptWords.from_json(claim.job.vocabulary),
            max_seconds=self._settings.max_audio_hours * HOUR_SECONDS,
            apart=claim.part.suspected,
            cutting=Cutting(
                part_seconds=self._settings.part_minutes * MINUTE_SECONDS,
                alone_seconds=self._settings.alone_minutes * MINUTE_SECONDS,
                most_parts=MAX_PARTS,
            ),
        )

    def _observe(self, spool: Path, part: PlannedPart | None, *, offset: int = 0) -> None:
        """Have the part's speakers observed, if they are to be told apart."""
        if self._claim.options.speakers:
            self._observing = Observing(
                self._claim,
                self._speakers,
                self._checkpoints,
                spool,
                part=part,
                offset=offset,
            )

    def _planned(self, plan: Plan) -> None:
        """Take the plan, once the recording has been read; its clips are being decoded meanwhile."""
        self.times["planned"] = self._clock()
        plan = with_what_was_left_out(plan, self._claim.job)
        plan = with_listening(plan, self._claim, self._files, self._folder / "spool")
        if len(plan.parts) > 1:
            known = self._checkpoints.results
            self._claim.begin(sum(plan.clips[clip].samples for clip in plan.parts[0].clips if clip not in known) / RATE)
            self._split(plan)
        self._need(plan, 0)

    def _split(self, plan: Plan) -> None:
        """Split a long recording: store its plan and the parts' audio, then write all part items in one transaction.

        If this worker dies in between, the next attempt writes the same plan and audio again.
        """
        claim, place = self._claim, self._claim.job.place
        claim.retry(lambda: self._files.put_plan(place, plan))
        self._engine.cut_parts(plan, self._folder / "spool", self._folder, stop=claim.stop)
        for part in plan.parts[1:]:
            audio, piece = object_keys.part_audio(place, part_name(part.index)), self._folder / f"{part.index}.flac"
            claim.retry(partial(self._files.store, audio, piece))
        # Perhaps clips of later parts were decoded before it was known that they are: their workers find them.
        claim.retry(self._checkpoints.save)
        lengths = [(part.end - part.start) / RATE for part in plan.parts]
        split = claim.retry(
            lambda: self._store.leases.split(claim.part, claim.job, lengths, due_at=self._clock()),
        )
        claim.update(parts=split.parts, seconds=split.seconds)
        claim.job = replace(claim.job, parts=len(plan.parts))
        log.info("job.split", job_id=claim.part.job_id, parts=len(plan.parts))

    def _need(self, plan: Plan, index: int) -> None:
        """Note the plan, and which of its clips this part needs."""
        self._plan = plan
        if self._observing:
            self._observing.need(plan.parts[index])
        self._lengths = {clip: plan.clips[clip].samples / RATE for clip in plan.parts[index].clips}
        self._advance()

    def _advance(self) -> None:
        """Note the progress; there is none until the part is known."""
        with self._advancing:
            lengths, known = self._lengths, self._checkpoints.results
            if lengths is not None:
                left = sum(length for clip, length in lengths.items() if clip not in known)
                self._claim.advance(left, sum(lengths.values()))

    def _keep(self) -> None:
        """Save the finished clips if possible; an error in that must not hide the one that ended the work."""
        try:
            self._checkpoints.try_to_save()
        except Exception:
            log.exception("checkpoint.lost")
