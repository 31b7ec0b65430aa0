"""Works on one claimed part, from its recording to its committed result, on a thread of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from services.common.domain import object_keys
from services.common.domain.annotations import annotations_of
from services.common.domain.events import INLINE_TEXT_BYTES
from services.common.domain.records import MERGE_PART, part_index, part_name
from services.common.domain.states import JobStatus, PartStatus
from services.common.store.leases import FencedError, JobChangedError
from services.common.transcript import kept_words
from services.common.transcript.formats import render
from services.gpu_worker.engine.assembly import assemble
from services.gpu_worker.engine.stopping import StoppedError
from services.gpu_worker.part.transcribing import Transcribing
from services.gpu_worker.part.who_speaks import who_speaks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.common.domain.records import Job
    from services.common.store.store import Store
    from services.common.transcript.transcript import Transcript
    from services.gpu_worker.engine.decode.model_files import ModelFiles
    from services.gpu_worker.engine.decode.results import ClipResult
    from services.gpu_worker.engine.process import EngineProcess
    from services.gpu_worker.engine.speakers.windows import ObservedWindow
    from services.gpu_worker.engine.speakers.work import Speakers
    from services.gpu_worker.machine.work_folder import WorkFolder
    from services.gpu_worker.part.claim import Claim
    from services.gpu_worker.part.endings import PartEndings
    from services.gpu_worker.part.files import Files
    from services.gpu_worker.settings import WorkerSettings

log = structlog.get_logger()
MOST_REWRITTEN = 5
"""How often a text is written again because its job's annotations were updated meanwhile. A client that goes on to
update them faster than files are written must not hold the machine: its message has the last words all the same."""


class PartRunner:
    """Works on claimed parts; `endings` ends them."""

    def __init__(
        self,
        *,
        store: Store,
        files: Files,
        settings: WorkerSettings,
        folder: WorkFolder,
        clock: Callable[[], int],
        endings: PartEndings,
        speakers: Speakers,
    ) -> None:
        self._store = store
        self._files = files
        self._settings = settings
        self._folder = folder
        self._clock = clock
        self._endings = endings
        self._speakers = speakers

    def do(self, claim: Claim, engine: EngineProcess, model: ModelFiles) -> None:
        """Work on a part until it is done, has failed, was given back, or turns out to be another worker's."""
        try:
            with self._folder.part() as folder:
                if claim.part.part_id == MERGE_PART:
                    self._merge(claim, model)
                else:
                    self._transcribe(claim, engine, model, folder)
        except Exception as error:  # noqa: BLE001 - `settle` decides by the error's cause
            self._endings.settle(claim, engine, error)

    def _transcribe(self, claim: Claim, engine: EngineProcess, model: ModelFiles, folder: Path) -> None:
        recording = folder / "recording"
        if part_index(claim.part) == 0:
            self._folder.require_room(claim.job.source_bytes)
            claim.retry(lambda: self._files.fetch_source(claim.job, recording, claim.stop))
        else:
            audio = object_keys.part_audio(claim.job.place, claim.part.part_id)
            claim.retry(lambda: self._files.fetch(audio, recording))
        # From here on the recording may be the cause if a process dies.
        claim.on_device = True
        work = Transcribing(
            claim,
            engine,
            folder,
            store=self._store,
            files=self._files,
            settings=self._settings,
            clock=self._clock,
            speakers=self._speakers,
        )
        plan, found = work.run()
        claim.on_device = False
        if claim.part.parts == 1:
            times = {**work.times, "transcribed": self._clock()}
            turns = who_speaks(claim, self._speakers, plan, found.windows)
            transcript = assemble(plan, found.results.values(), claim.options, model, turns)
            self._complete(claim, transcript, times, plan.listening)
        else:
            self._finish_slice(claim)

    def _finish_slice(self, claim: Claim) -> None:
        """Finish one of several parts; the worker that finishes the last one makes the merge due."""
        while not claim.stop.is_set():
            job = claim.retry(lambda: self._store.jobs.get(claim.part.job_id))
            if job is None or job.status is not JobStatus.RUNNING:
                if claim.ending and claim.retry(lambda: self._store.parts.already(claim.part, PartStatus.DONE)):
                    # An earlier try has finished it, whose answer was lost, and the job has ended since.
                    return
                raise FencedError(claim.part.part_id)
            claim.ending = True
            now, cost = self._clock(), self._endings.cost(claim)
            finish = partial(self._store.endings.finish_slice, claim.part, job, merge_due_at=now, cost=cost)
            if claim.retry(finish):
                log.info("part.done", job_id=job.job_id, part=claim.part.part_id, attempt=claim.part.attempt)
                return
        raise StoppedError

    def _merge(self, claim: Claim, model: ModelFiles) -> None:
        """Put the text of all parts together and complete the job; this needs no device."""
        plan = claim.retry(lambda: self._files.plan(claim.job.place))
        results: dict[int, ClipResult] = {}
        windows: dict[int, ObservedWindow] = {}
        for part in plan.parts:
            name = part_name(part.index)
            results |= claim.retry(partial(self._files.checkpoints, claim.job.place, name))
            if claim.options.speakers:
                windows |= claim.retry(partial(self._files.windows, claim.job.place, name))
        turns = who_speaks(claim, self._speakers, plan, windows)
        transcript = assemble(plan, results.values(), claim.options, model, turns)
        self._complete(claim, transcript, {"transcribed": self._clock()}, plan.listening)

    def _complete(
        self, claim: Claim, transcript: Transcript, times: Mapping[str, int], listening: Mapping[str, Any]
    ) -> None:
        """Write the transcript's files and complete the job, with its annotations as they are at that moment."""
        result = self._publish(claim, transcript, listening)
        rewritten = 0
        while True:
            try:
                return self._endings.complete(claim, result, times, **_inline(claim.job, transcript))
            except JobChangedError as changed:
                before, claim.job = claim.job, changed.job
                if annotations_of(before) != annotations_of(claim.job) and rewritten < MOST_REWRITTEN:
                    rewritten += 1
                    result = self._publish(claim, transcript, listening)

    def _publish(self, claim: Claim, transcript: Transcript, listening: Mapping[str, Any]) -> dict[str, Any]:
        """Write the transcript's files; returns the job's result."""
        place, attempt = claim.job.place, claim.part.attempt
        notes = annotations_of(claim.job)
        rendered = {form: render(transcript, form, notes) for form in claim.options.formats}
        words = kept_words.pack(transcript)
        published = claim.retry(lambda: self._files.publish(place, attempt, rendered, words))
        return {
            "attempt": attempt,
            "prefix": object_keys.result_prefix(place, attempt),
            "files": published,
            "language": transcript.language,
            "duration_seconds": transcript.seconds,
            "model": {"name": transcript.model, "revision": transcript.revision},
            "quality": transcript.quality.short(transcript.told_apart),
            **listening,
        }


def _inline(job: Job, transcript: Transcript) -> dict[str, str]:
    """The text with the names of the moment, if a message has room for it."""
    text = transcript.named(job.names).text
    return {"text": text} if len(text.encode()) <= INLINE_TEXT_BYTES else {}
