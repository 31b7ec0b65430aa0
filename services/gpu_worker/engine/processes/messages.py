"""What goes over the pipe between the worker and the process that holds the model."""

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
"""The number of the call that nobody makes: the model's loading."""

_OF_THE_DRIVER = re.compile(
    r"CUDA failed with error [a-z -]{1,80}"
    r"|CUDA driver version is insufficient for CUDA runtime version"
    r"|cuBLAS failed with status CUBLAS_STATUS_[A-Z_]{1,40}"
)
"""What the driver says of itself, in the decoder's words: it is what an operator needs, and of no recording."""


@dataclass(frozen=True, slots=True)
class Call:
    """To the device: a new call, or more for one that is open (`sound`, `end`, `stop`)."""

    number: int
    method: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """From the device: a value or an error for one call; the last one ends it."""

    number: int
    value: Any = None
    error: BaseException | None = None
    last: bool = False


@dataclass(frozen=True, slots=True)
class Busy:
    """From the device: a batch begins, of these calls, with so many seconds of audio; whoever is in it is the suspect
    if the process says no more.
    """

    batch: int
    calls: frozenset[int]
    seconds: float


@dataclass(frozen=True, slots=True)
class Idle:
    """From the device: that batch has ended."""

    batch: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """From the device: the model is ready; `most_clips` is what a call needs to have there at a time."""

    files: ModelFiles
    most_clips: int


def of_the_device(error: Exception) -> Exception:
    """An error of the process that holds the model, as it goes over the pipe: of its own kind where it is ours, else
    the device's, whatever a library called it.
    """
    if isinstance(error, TranscriberError | StoppedError):
        return error
    words = str(error)
    why = f"{type(error).__name__}: {words}" if _OF_THE_DRIVER.fullmatch(words) else describe(error)
    return DecoderFailedError(f"The device failed ({why}).")
