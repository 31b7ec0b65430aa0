"""Refuses what an operation does not take: a misspelt filter or a body must not be taken for none."""

from __future__ import annotations

from typing import get_origin

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from services.api.schemas.fields import TOLD

_NO_BODY = {b"", b"{}"}


async def only_known(request: Request) -> None:
    """Check the names of a request's query parameters, and that it has no body if the operation takes none.

    The values, and the fields of a body, are the operation's own affair.

    Raises:
        RequestValidationError: a parameter is unknown, or is given several times and takes one value; or there is a
            body.
        BodyTooLargeError: there is one that is too large to be looked at.

    """
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    wrong: dict[tuple[str, ...], str] = {
        ("query", name): message for name, message in _wrong_names(request, route).items()
    }
    if route.body_field is None and (await request.body()).strip() not in _NO_BODY:
        wrong["body",] = "This operation takes no body: leave it out."
    if wrong:
        raise RequestValidationError([{"type": TOLD, "loc": place, "msg": message} for place, message in wrong.items()])


def _wrong_names(request: Request, route: APIRoute) -> dict[str, str]:
    """What is wrong with a parameter, by its name."""
    if not request.query_params:
        return {}
    takes_several = {
        parameter.alias: get_origin(parameter.field_info.annotation) is list
        for parameter in route.dependant.query_params
    }
    names = [name for name, _ in request.query_params.multi_items()]
    there_are = f"There are: {', '.join(sorted(takes_several))}." if takes_several else "There are none here."
    wrong = {name: f"There is no such parameter. {there_are}" for name in names if name not in takes_several}
    return wrong | {
        name: "This parameter takes one value: give it once."
        for name, several in takes_several.items()
        if names.count(name) > 1 and not several
    }
