"""The errors that people may see: each has a stable code and a sentence that says what was wrong and what to do."""

from __future__ import annotations

from typing import ClassVar


class TranscriberError(Exception):
    """Base of all these errors; `str()` is the message for people."""

    code: ClassVar[str] = "INTERNAL"
    retryable: ClassVar[bool] = True
    """Whether the same job, unchanged, may succeed if it is tried again."""

    def describe(self) -> dict[str, object]:
        """The error as jobs, webhooks and the API show it: `code`, `message` and `retryable`."""
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


class LostTooOftenError(TranscriberError):
    """The machines that worked on this recording vanished, or failed otherwise, as often as is allowed."""

    code = "LOST_TOO_OFTEN"


class InvalidFieldError(PermanentError):
    """A field that was given with a job is wrong; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field

    def __reduce__(self) -> tuple[type[InvalidFieldError], tuple[str, str]]:
        """Pickle with both arguments, so that the error can be sent to another process."""
        return type(self), (self.field, str(self))


class InvalidOptionError(InvalidFieldError):
    """A job option that this deployment cannot honour."""

    code = "INVALID_OPTION"


class InvalidAnnotationError(InvalidFieldError):
    """A job's reference, metadata or names that are too long, or hold what cannot be kept."""

    code = "INVALID_ANNOTATION"


class InvalidCorrectionError(InvalidFieldError):
    """A correction that is not written as one, or does not fit the machine's words; `field` names the place."""

    code = "INVALID_CORRECTION"


class ModelUnavailableError(InvalidOptionError):
    """A model or style that this deployment does not hold."""

    code = "MODEL_UNAVAILABLE"


class AlreadyEndedError(PermanentError):
    """A job that was to be canceled has ended."""

    code = "ALREADY_ENDED"


class NotFailedError(PermanentError):
    """A job that was to be retried has not failed."""

    code = "NOT_FAILED"


class CorrectedMeanwhileError(TranscriberError):
    """A correction was made against another one than the newest; `latest` is the newest one's number."""

    code = "CORRECTED_MEANWHILE"

    def __init__(self, latest: int) -> None:
        super().__init__(f"The newest correction is {latest}: read it, bring the changes together, and save again.")
        self.latest = latest

    def __reduce__(self) -> tuple[type[CorrectedMeanwhileError], tuple[int]]:
        """Pickle with the number, so that the error can be sent to another process."""
        return type(self), (self.latest,)


class ChangedMeanwhileError(TranscriberError):
    """A job changed at the moment at which it was to be changed."""

    code = "CONFLICT"

    def __init__(self) -> None:
        super().__init__("The job changed at the same moment: read it and try again.")


def unrecorded(model: str) -> str:
    """The message about a model that the lock of models does not hold, so that machines must not fetch it."""
    return (
        f"The lock of models does not know {model}, so no machine may fetch it: run "
        f"`python -m tools.models record {model}` in the deployment's repository, and apply."
    )


NO_SPEAKER_LABELS = (
    "This deployment tells no speakers apart: leave `speakers` out. Whoever runs it sets speaker_labels = true and, if "
    "the lock of models does not know what is needed, runs `python -m tools.models record speakers` in the "
    "deployment's repository, and applies."
)
"""The message about `speakers` where machines must not fetch the models that tell speakers apart."""


class DamagedModelError(TranscriberError):
    """The model's files are not the ones that were recorded (sha256 differs or a file is missing)."""

    code = "DAMAGED_MODEL"


class ReadingDiffersError(TranscriberError):
    """Each time the part was tried, the recording gave other audio than when it was planned."""

    code = "READING_DIFFERS"


class DiskFullError(TranscriberError):
    """Each time the part was tried, the machine's disk was full."""

    code = "DISK_FULL"


class RecordingTooLargeError(DiskFullError):
    """The recording is larger than the disk of each machine that tried it; none of it was fetched."""

    code = "RECORDING_TOO_LARGE"


class DecoderFailedError(TranscriberError):
    """Each time the part was tried, the device gave values that are no numbers, or no answer at all."""

    code = "DECODER_FAILED"
