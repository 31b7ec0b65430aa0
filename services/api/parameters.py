"""Refuses query parameters that an operation does not take: a misspelt filter must not be taken for none."""

from __future__ import annotations

from typing import get_origin

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute


def only_known(request: Request) -> None:
    """Check the names of a request's query parameters; their values are the operation's own affair.

    Raises:
        RequestValidationError: a parameter is unknown, or is given several times and takes one value.

    """
    if not request.query_params:
        return
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    takes_several = {
        parameter.alias: get_origin(parameter.field_info.annotation) is list
        for parameter in route.dependant.query_params
    }
    names = [name for name, _ in request.query_params.multi_items()]
    there_are = f"There are: {', '.join(sorted(takes_several))}." if takes_several else "There are none here."
    wrong = {name: f"There is no such parameter. {there_are}" for name in names if name not in takes_several}
    wrong |= {
        name: "This parameter takes one value: give it once."
        for name, several in takes_several.items()
        if names.count(name) > 1 and not several
    }
    if wrong:
        raise RequestValidationError(
            [{"loc": ("query", name or '""'), "msg": message} for name, message in wrong.items()]
        )
