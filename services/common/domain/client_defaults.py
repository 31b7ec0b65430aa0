"""The options that a client's plain uploads get, since nobody is there to ask for any. Pure.

They are checked when they are set, and again for each upload, since models and releases change in between. An upload
never suffers from them: its job runs without what can no longer be honoured, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from services.common.domain.errors import InvalidOptionError, ModelUnavailableError
from services.common.domain.options import Options

UNKNOWN_VOCABULARY = "UNKNOWN_VOCABULARY"
"""The code of a vocabulary that is gone, as the API gives it to a job that names one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """One of a client's defaults without which a job runs."""

    option: str
    code: str
    message: str
    """A sentence that says why."""

    @classmethod
    def because(cls, option: str, error: InvalidOptionError) -> LeftOut:
        """An option that was left out because of this error, which may name another one."""
        return cls(option=option, code=error.code, message=str(error))

    @classmethod
    def vocabulary(cls, name: str) -> LeftOut:
        """A vocabulary that the client does not have any more."""
        message = f"The client has no vocabulary {name}."
        return cls(option="vocabulary", code=UNKNOWN_VOCABULARY, message=message)

    def to_json(self) -> dict[str, Any]:
        """A JSON object of which `LeftOut(**…)` makes the same."""
        return asdict(self)


def honoured(
    defaults: Mapping[str, Any], models: Sequence[str], unfetchable: Sequence[str] = ()
) -> tuple[dict[str, Any], list[LeftOut]]:
    """Of a client's defaults those that a job can have, and those that it cannot. Arguments as of `Options.parse`."""
    options, left_out = dict(defaults), list[LeftOut]()
    while True:
        try:
            Options.parse(options, models, unfetchable)
        except InvalidOptionError as error:
            option = _to_leave_out(error, options)
            if option is None:
                # The deployment's own model cannot be fetched: a job without any options would be no better off.
                return options, left_out
            del options[option]
            left_out.append(LeftOut.because(option, error))
        else:
            return options, left_out


def _to_leave_out(error: InvalidOptionError, options: Mapping[str, Any]) -> str | None:
    """The option without which the rest may be honoured: a style alone can ask for a model that is not held."""
    named = (error.field, "style") if isinstance(error, ModelUnavailableError) else (error.field,)
    return next((option for option in named if option in options), None)
