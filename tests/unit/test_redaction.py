"""What is told of an error, and what of none."""

from __future__ import annotations

import errno
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from hypothesis import given
from hypothesis import strategies as st

from services.api.problem_codes import ProblemCode
from services.api.problems import Problem
from services.common.domain.errors import DiskFullError, InvalidOptionError, ModelUnavailableError
from services.common.redaction import OF_MACHINES, describe, traceback_of
from services.common.store.codec import UnknownVersionError
from services.common.webhooks.endpoint import InvalidUrlError
from services.gpu_worker.engine.decode.model_sources import ModelMissingError
from services.orchestrator.bulkheads import SweepFailedError
from tests.support.operations_in_code import in_code

SECRET = "möte med Åsa Öberg.mp3"
KINDS: tuple[type[BaseException], ...] = (
    *(Exception, ValueError, KeyError, RuntimeError, AssertionError, OSError, FileNotFoundError, TimeoutError),
    *(ImportError, StopIteration, SyntaxError, KeyboardInterrupt, SystemExit, LookupError, EOFError),
    *(Problem, InvalidUrlError, UnknownVersionError),
)


def refused(operation: str, code: Any = "AccessDenied", message: str = SECRET) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 403}},  # type: ignore[typeddict-item]
        operation,
    )


def raised(error: BaseException) -> BaseException:
    """The same, having been raised."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - any
        raise error
    return caught.value


@st.composite
def errors(draw: st.DrawFn, depth: int = 3) -> BaseException:
    """An error of any kind that holds the secret wherever an error can hold something."""
    kind = draw(st.sampled_from([*KINDS, ClientError, ConnectionClosedError, ExceptionGroup]))
    error: BaseException
    if kind is ClientError:
        error = refused("GetObject", draw(st.sampled_from(["NoSuchKey", SECRET, 7, None])))
    elif kind is ConnectionClosedError:
        error = ConnectionClosedError(endpoint_url=f"https://s3/{SECRET}")
    elif kind is ExceptionGroup and depth:
        inner = draw(st.lists(errors(depth - 1), min_size=1, max_size=3))
        error = BaseExceptionGroup(SECRET, inner)
    else:
        error = _holding(KeyError if kind is ExceptionGroup else kind, draw(st.integers(0, 200)))
    if draw(st.booleans()):
        error.add_note(SECRET)
    if depth and draw(st.booleans()):
        error.__cause__ = draw(errors(depth - 1))
    if depth and draw(st.booleans()):
        error.__context__ = draw(errors(depth - 1))
    return raised(error)


def _holding(kind: type[Any], number: int) -> BaseException:
    if kind is Problem:
        return Problem(ProblemCode.INVALID_REQUEST, SECRET)
    if issubclass(kind, OSError):
        return kind(number, SECRET, SECRET)
    if kind is SyntaxError:
        return SyntaxError(SECRET, (SECRET, 1, 1, SECRET))
    if kind is ImportError:
        return ImportError(SECRET, name=SECRET, path=SECRET)
    error: BaseException = kind(SECRET)
    error.secret = SECRET  # type: ignore[attr-defined] # an attribute like any other
    return error


@given(errors())
def test_no_error_tells_a_secret_wherever_it_holds_it(error: BaseException) -> None:
    for told in (describe(error), traceback_of(error)):
        assert "Öberg" not in told
        assert type(error).__name__ in told or isinstance(error, ClientError)


def test_an_error_of_ours_is_told_in_its_sentence() -> None:
    assert describe(DiskFullError("The disk is full.")) == "The disk is full."
    assert describe(SweepFailedError("search, fleet")) == "search, fleet"
    assert describe(ModelMissingError("model", "The model x is nowhere.")) == "The model x is nowhere."


@pytest.mark.parametrize(
    "error",
    [
        InvalidOptionError("prompt", SECRET),
        ModelUnavailableError("model", SECRET),
        InvalidUrlError(SECRET),
        Problem(ProblemCode.NOT_FOUND, SECRET),
        UnknownVersionError(SECRET),
    ],
)
def test_what_a_request_held_is_its_senders_alone(error: Exception) -> None:
    assert describe(error) == type(error).__name__


def test_an_answer_of_aws_is_told_by_code_operation_and_status() -> None:
    assert describe(refused("GetObject")) == "AccessDenied at GetObject (403)"
    assert describe(refused("GetObject", code=SECRET)) == "unknown at GetObject (403)"


def test_what_aws_says_of_machines_is_told_word_for_word() -> None:
    words = "You are not authorized to perform this operation."
    assert describe(refused("CreateFleet", "UnauthorizedOperation", words)).endswith(f"CreateFleet (403): {words}")


def test_operations_that_are_told_word_for_word_are_asked_for_and_know_no_recording() -> None:
    rooms = set().union(*map(in_code, ("api", "orchestrator", "gpu_worker", "common")))
    assert rooms >= OF_MACHINES
    # The linter keeps the API and the worker away from common's room of machines.
    assert not OF_MACHINES & (in_code("api") | (in_code("common") - in_code("common/machines")))


def test_the_machines_errors_are_told_by_their_number_and_without_a_file() -> None:
    assert describe(OSError(errno.ENOSPC, "x", SECRET)) == "OSError: No space left on device (28)"
    assert describe(TimeoutError()) == "TimeoutError"


def raise_after_another(*, aside: bool) -> None:
    try:
        raise_it(ValueError(SECRET))
    except ValueError as error:
        raise DiskFullError("The disk is full.") from (None if aside else error)


def raise_it(error: Exception) -> None:
    raise error


def test_a_traceback_shows_where_and_what_led_to_it() -> None:
    with pytest.raises(DiskFullError) as caught:
        raise_after_another(aside=False)
    first, then = traceback_of(caught.value).split("\nThat led to:\n")
    assert first.splitlines()[-1] == "ValueError"
    assert re.search(r'File "(tests/unit/)?test_redaction.py", line \d+, in raise_it\n    raise error\n', first)
    assert then.splitlines()[-1] == "services.common.domain.errors.DiskFullError: The disk is full."


def test_a_context_that_was_put_aside_is_not_told() -> None:
    with pytest.raises(DiskFullError) as caught:
        raise_after_another(aside=True)
    assert "That led to" not in traceback_of(caught.value)


def test_errors_without_end_and_in_circles_are_told_all_the_same() -> None:
    first, second = ValueError(SECRET), KeyError(SECRET)
    first.__cause__, second.__cause__ = second, first
    assert traceback_of(first).count("Traceback") == 2
    for _ in range(2_000):
        earlier, first = first, ValueError(SECRET)
        first.__context__ = earlier
    assert traceback_of(first).count("Traceback") == 10


def test_an_error_that_cannot_be_told_is_told_by_its_kind() -> None:
    odd = refused("GetObject")
    odd.response = None  # type: ignore[assignment]
    assert (describe(odd), traceback_of(odd)) == ("ClientError", "ClientError")
