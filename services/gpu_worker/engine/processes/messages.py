"""The messages between the worker and the process that holds the model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.common.domain.errors import DecoderFailedError, TranscriberError
from services.common.redaction import describe
from services.gpu_worker.engine.stopping import StoppedError

if TYPE_CHECKING:
    from services.gpu_worker.engine.decode.model_files import ModelFiles

LOADING = 0
"""The number of the call that is open from the start, without being sent: the loading of the model."""

_OF_THE_DRIVER = re.compile(
    r"CUDA failed with error [a-z -]{1,80}"
    r"|CUDA driver version is insufficient for CUDA runtime version"
    r"|cuBLAS failed with status CUBLAS_STATUS_[A-Z_]{1,40}"
)
"""Messages of the decoder about the driver. An operator needs them, and they hold nothing of a recording."""


@dataclass(frozen=True, slots=True)
class Call:
    """From the worker: a new call, or a message for an open one (`sound`, `end`, `stop`)."""

    number: int
    method: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """To the worker: a value or an error for one call; the last answer ends the call."""

    number: int
    value: Any = None
    error: BaseException | None = None
    last: bool = False


@dataclass(frozen=True, slots=True)
class Busy:
    """To the worker: a batch of these calls begins, with so many seconds of audio.

    Its calls may be the cause if the process ends before the batch does.
    """

    batch: int
    calls: frozenset[int]
    seconds: float


@dataclass(frozen=True, slots=True)
class Idle:
    """To the worker: a batch has ended."""

    batch: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """To the worker: the model is loaded; `most_clips` is how many clips of a call are sent ahead of its answers."""

    files: ModelFiles
    most_clips: int


def of_the_device(error: Exception) -> Exception:
    """An error of the process that holds the model, as it is sent to the worker.

    One of this project's errors stays as it is; every other one becomes a DecoderFailedError.
    """
    if isinstance(error, TranscriberError | StoppedError):
        return error
    words = str(error)
    why = f"{type(error).__name__}: {words}" if _OF_THE_DRIVER.fullmatch(words) else describe(error)
    return DecoderFailedError(f"The device failed ({why}).")
