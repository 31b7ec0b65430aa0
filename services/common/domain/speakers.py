"""How many people a client expects in a recording, and the names that it gives them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.common.domain.errors import InvalidOptionError

OFF, AUTO = "off", "auto"
MOST_SPEAKERS = 50
"""The highest number that may be given; how many are found is not bounded."""
RULE = (
    f"Give {OFF}, {AUTO}, a whole number from 1 to {MOST_SPEAKERS}, or an object with at_least, at_most or both, which "
    "are such numbers."
)
_BOUNDS = {"at_least", "at_most"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedSpeakers:
    """How many speakers a recording is expected to have, in each channel if channels are separate."""

    at_least: int = 1
    at_most: int | None = None
    """None: no bound."""

    def to_json(self) -> Any:  # noqa: ANN401 - a word, a number or an object
        """The shortest form in which a client can give this."""
        if self.at_least > 1:
            bounds = {"at_least": self.at_least}
            return bounds if self.at_most is None else {**bounds, "at_most": self.at_most}
        return AUTO if self.at_most is None else self.at_most

    @classmethod
    def parse(cls, value: object) -> ExpectedSpeakers | None:
        """What a client gave for the option `speakers`; None: speakers are not told apart.

        Raises:
            InvalidOptionError: it is none of the forms of the option.

        """
        if value in (None, OFF):
            return None
        if value == AUTO:
            return cls()
        if isinstance(value, Mapping) and value and set(value) <= _BOUNDS:
            found = cls(**{bound: _number(number) for bound, number in value.items()})
        else:
            found = cls(at_most=_number(value))
        if found.at_most is not None and found.at_most < found.at_least:
            raise InvalidOptionError("speakers", "Give an at_most that is not less than at_least.")
        return found


def _number(value: object) -> int:
    # JSON has one kind of number, so `2.0` is a whole one; `true` is no number in JSON.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidOptionError("speakers", RULE)
    # In this order: what is no number, or is infinite, has no whole one.
    if not (1 <= value <= MOST_SPEAKERS and value == int(value)):
        raise InvalidOptionError("speakers", RULE)
    return int(value)
