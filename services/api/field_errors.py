"""Says what is wrong with a field, a parameter or a header, in sentences of our own. Only refusals need it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from fastapi.routing import APIRoute
from pydantic import BaseModel

from services.api.schemas.fields import TOLD

SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "It is required.",
    "string_type": lambda _: "Give a text.",
    "string_unicode": lambda _: "It holds half of a surrogate pair, which is no character.",
    "string_too_short": lambda found: f"It must have {found['min_length']} or more characters.",
    "string_too_long": lambda found: f"It must have at most {found['max_length']} characters.",
    "int_type": lambda _: "Give a whole number.",
    "int_parsing": lambda _: "Give a whole number.",
    "int_parsing_size": lambda _: "Give a whole number with fewer digits.",
    "greater_than_equal": lambda found: f"Give {found['ge']} or more.",
    "less_than_equal": lambda found: f"Give {found['le']} or less.",
    "bool_type": lambda _: "Give true or false.",
    "bool_parsing": lambda _: "Give true or false.",
    "literal_error": lambda found: f"Give {found['expected']}.",
    "enum": lambda found: f"Give {found['expected']}.",
    "list_type": lambda _: "Give a list.",
    "too_short": lambda found: f"It must have {found['min_length']} or more entries.",
    "too_long": lambda found: f"It must have at most {found['max_length']} entries.",
    "dict_type": lambda _: "Give an object.",
    "model_attributes_type": lambda _: "Give an object.",
    "value_error": lambda found: str(found["error"]),
}
"""By the type of pydantic's error, made of the error's context."""
OTHERWISE = "It is not as /api/openapi.json describes it."
"""For types of errors that no field has today."""
_SHOWN_CHARACTERS = 100
_OF_A_KEY = "[key]"
_STEPS_TO_A_KEY = 3
"""Pydantic ends the place of what is wrong with a key in these: the field, the key, and `[key]`."""


def place(location: Sequence[str | int]) -> str:
    """Where the error is, as clients read it: the path from the body's root, or the name of a parameter or a header.

    An error in a key of an object is one of the object.
    """
    source, *steps = location
    if source != "body":
        return _name(steps[0])
    if len(steps) >= _STEPS_TO_A_KEY and steps[-1] == _OF_A_KEY:
        steps = steps[:-2]
    return ".".join(map(_name, steps)) or "body"


def _name(step: str | int) -> str:
    """A step as it is shown: a field that does not exist may have any name, of any length."""
    name = str(step) or '""'
    return name if len(name) <= _SHOWN_CHARACTERS else f"{name[:_SHOWN_CHARACTERS]}…"


def sentence(error: Mapping[str, Any], route: APIRoute) -> str:
    """What is wrong, and what to give instead; `error` is one of pydantic's, of a request to this route."""
    kind, location = error["type"], error["loc"]
    if kind == TOLD:
        return str(error["msg"])
    if kind == "extra_forbidden":
        return f"There is no such field. There are: {', '.join(_fields(route, location[1:-1]))}."
    if location == ("body",) and kind == "missing":
        return "Send a body of JSON."
    make = SENTENCES.get(kind)
    return make(error.get("ctx", {})) if make else OTHERWISE


def _fields(route: APIRoute, steps: Sequence[str]) -> Sequence[str]:
    """The names of the fields at this place of the route's body."""
    assert route.body_field is not None
    within: Any = route.body_field.field_info.annotation
    for step in steps:
        within = within.model_fields[step].annotation
        within = next(kind for kind in (*get_args(within), within) if _is_model(kind))
    return list(within.model_fields)


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
