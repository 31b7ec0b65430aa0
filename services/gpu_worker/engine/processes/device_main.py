"""The process that holds the model: it loads the model, then answers each call on a thread of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import signal
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from services.common import logs
from services.gpu_worker.engine.processes.messages import LOADING, Answer, Busy, Call, Idle, Loaded, of_the_device

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

    from services.gpu_worker.engine.decode.loaded_model import LoadedModel
    from services.gpu_worker.engine.plan.spool import Sound

SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter while another waits for it: the device waits as long between two calls."""
_WAIT_SECONDS = 0.02
"""How long to wait for the next clip before results are collected."""


@dataclass
class _OpenCall:
    """An open call, as this process knows it."""

    stop: threading.Event = field(default_factory=threading.Event)
    sounds: queue.SimpleQueue[Sound | None] = field(default_factory=queue.SimpleQueue)

    def coming(self) -> Iterator[Sound | None]:
        """The sounds of the call as they arrive; None while there is none."""
        while True:
            try:
                sound = self.sounds.get(timeout=_WAIT_SECONDS)
            except queue.Empty:
                yield None
                continue
            if sound is None:
                return
            yield sound


class _Server:
    """Answers calls."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._sending = threading.Lock()
        self._batches = itertools.count()
        self._open: dict[int, _OpenCall] = {}

    def answer(self, content: Answer | Busy | Idle) -> None:
        with self._sending:
            self._pipe.send(content)

    @contextlib.contextmanager
    def watch(self, calls: frozenset[int], seconds: float) -> Iterator[None]:
        """Report that the device works on a batch; before it begins, since a crash would leave no time afterwards."""
        batch = next(self._batches)
        self.answer(Busy(batch, calls, seconds))
        try:
            yield
        finally:
            self.answer(Idle(batch))

    def run(self, model: LoadedModel) -> None:
        """Take calls until told to exit, or until the worker has ended; calls that are open then get no answer."""
        call: Call
        with contextlib.suppress(EOFError, OSError):
            while (call := self._pipe.recv()).method != "exit":
                opened = self._open.get(call.number)
                match call.method:
                    case "stop":
                        if opened:
                            opened.stop.set()
                    case "sound":
                        if opened:
                            opened.sounds.put(call.arguments["sound"])
                    case "end":
                        if opened:
                            opened.sounds.put(None)
                    case _:
                        self._open[call.number] = _OpenCall()
                        threading.Thread(target=self._do, args=(model, call), name=call.method, daemon=True).start()

    def _do(self, model: LoadedModel, call: Call) -> None:
        try:
            for value in _perform(model, call, self._open[call.number]):
                self.answer(Answer(call.number, value=value))
            self.answer(Answer(call.number, last=True))
        except Exception as error:  # noqa: BLE001 - every error is sent to the worker
            self.answer(Answer(call.number, error=of_the_device(error), last=True))
        finally:
            del self._open[call.number]


def _perform(model: LoadedModel, call: Call, opened: _OpenCall) -> Iterator[Any]:
    match call.method:
        case "fitting":
            yield model.fitting(**call.arguments, stop=opened.stop)
        case "language":
            yield model.language(opened.coming(), **call.arguments, stop=opened.stop, call=call.number)
        case "decode":
            yield from model.decode(opened.coming(), **call.arguments, stop=opened.stop, call=call.number)


def serve(pipe: Connection, model: str, folder: Path | None, device: str, compute_type: str) -> None:
    """Run this process: load the model, then answer the calls that come over the pipe."""
    sys.setswitchinterval(SWITCH_SECONDS)
    logs.configure("info", service="gpu_worker", device=device)
    with logs.process():
        _serve(pipe, model, folder, device, compute_type)


def _serve(pipe: Connection, model: str, folder: Path | None, device: str, compute_type: str) -> None:
    from services.gpu_worker.engine.decode.device_choice import EngineSettings  # noqa: PLC0415 - only here, in the other process
    from services.gpu_worker.engine.decode.loaded_model import LoadedModel  # noqa: PLC0415
    from services.gpu_worker.engine.decode.model_files import locate  # noqa: PLC0415

    # A spot notice or Ctrl-C reaches the worker too, which stops the calls one by one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server = _Server(pipe)
    try:
        files = locate(model, folder)
        settings = EngineSettings(device=device, compute_type=compute_type)
        loaded = LoadedModel.load(files, settings, server.watch)
    except Exception as error:  # noqa: BLE001 - every error is sent to the worker
        server.answer(Answer(LOADING, error=of_the_device(error), last=True))
        return
    server.answer(Answer(LOADING, value=Loaded(files, loaded.most_clips)))
    server.run(loaded)
    os._exit(0)
