"""Groups of options that a command takes as one value."""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


def takes(**groups: Callable[..., Any]) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Make a command that has the options of these functions too, and is given what they return, by their names.

    The functions check their options: what they raise, the command raises before it begins. A group of options may be
    made of smaller ones in the same way.
    """

    def taking(function: Callable[..., Result]) -> Callable[..., Result]:
        own = [one for one in _parameters(function) if one.name not in groups]
        of_groups = {name: _parameters(group) for name, group in groups.items()}

        @wraps(function)
        def command(**given: Any) -> Result:  # noqa: ANN401 - whatever the options are
            values = {
                name: groups[name](**{one.name: given.pop(one.name) for one in parameters if one.name in given})
                for name, parameters in of_groups.items()
            }
            return function(**given, **values)

        parameters = [*own, *(one for group in of_groups.values() for one in group)]
        # From these, typer makes the options.
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # as the library documents
        command.__annotations__ = {one.name: one.annotation for one in parameters}
        return command

    return taking


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Those of a function, each by keyword."""
    signature = inspect.signature(function, eval_str=True)
    return [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in signature.parameters.values()]
