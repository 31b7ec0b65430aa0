"""Every error that a person may meet: what was wrong and what to do, in a sentence, under a stable code."""

from __future__ import annotations

from typing import ClassVar


class TranscriberError(Exception):
    """Base of all errors of this system; `str()` is the message for people."""

    code: ClassVar[str] = "INTERNAL"
    retryable: ClassVar[bool] = True
    """Whether the same job, unchanged, may succeed if it is tried again."""

    def describe(self) -> dict[str, object]:
        """As jobs, webhooks and the API tell it."""
        return {"code": self.code, "message": str(self), "retryable": self.retryable}


class PermanentError(TranscriberError):
    """The input is at fault: trying again gives the same answer."""

    code = "INVALID_INPUT"
    retryable = False


class InvalidMediaError(PermanentError):
    """The file is no audio or video that can be decoded."""

    code = "INVALID_MEDIA"


class NoAudioTrackError(PermanentError):
    """A video or image without any sound."""

    code = "NO_AUDIO_TRACK"


class AudioTooLongError(PermanentError):
    """Longer than the deployment's limit."""

    code = "AUDIO_TOO_LONG"


class SourceGoneError(PermanentError):
    """The upload was deleted before it could be read; uploaded once more, its job begins anew."""

    code = "SOURCE_GONE"


class SourceReplacedError(PermanentError):
    """The upload was overwritten by another object; that one is transcribed, by a job of its own or by this one."""

    code = "SOURCE_REPLACED"


class RepeatedCrashError(PermanentError):
    """The process died on this recording as often as is allowed."""

    code = "REPEATED_CRASH"


class InvalidOptionError(PermanentError):
    """A job option that this deployment cannot honour; `field` names it."""

    code = "INVALID_OPTION"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field

    def __reduce__(self) -> tuple[type[InvalidOptionError], tuple[str, str]]:
        """Both arguments, so that it can cross from one process to another."""
        return type(self), (self.field, str(self))


class ModelUnavailableError(InvalidOptionError):
    """A model or style that this deployment does not hold."""

    code = "MODEL_UNAVAILABLE"


class AlreadyEndedError(PermanentError):
    """A job that was to be canceled has ended."""

    code = "ALREADY_ENDED"


class NotFailedError(PermanentError):
    """A job that was to be retried has not failed."""

    code = "NOT_FAILED"


class ChangedMeanwhileError(TranscriberError):
    """A job changed at the moment at which it was to be changed."""

    code = "CONFLICT"

    def __init__(self) -> None:
        super().__init__("The job changed at the same moment: read it and try again.")


def unrecorded(model: str) -> str:
    """What is said of a model that no machine may fetch, wherever that is noticed."""
    return (
        f"The lock of models does not know {model}, so no machine may fetch it: run "
        f"`python -m tools.models record {model}` in the deployment's repository, and apply."
    )


class DamagedModelError(TranscriberError):
    """The model's files are not the ones that were recorded (sha256 differs or a file is missing)."""

    code = "DAMAGED_MODEL"


class ReadingDiffersError(TranscriberError):
    """The recording was read otherwise than it was planned, each time it was tried."""

    code = "READING_DIFFERS"


class DiskFullError(TranscriberError):
    """The machine's disk took no more, each time the part was tried."""

    code = "DISK_FULL"


class RecordingTooLargeError(DiskFullError):
    """The recording is larger than the disk of each machine that tried it; none of it was fetched."""

    code = "RECORDING_TOO_LARGE"


class DecoderFailedError(TranscriberError):
    """The device gave back something that is no number, or nothing at all, each time the part was tried."""

    code = "DECODER_FAILED"
