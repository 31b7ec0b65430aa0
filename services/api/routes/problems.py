"""What the codes of problem documents mean, for programs and, as a page, for people. No key is needed."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request
from fastapi.responses import HTMLResponse

from services.api import openapi
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem, address
from services.api.schemas.problems import ProblemType, ProblemTypeList

router = openapi.router("/problems", "problems", needs_key=False)


@router.get(
    "", response_model=ProblemTypeList, responses=openapi.with_page(openapi.problems(always=openapi.WITHOUT_A_KEY))
)
def list_problem_types(request: Request) -> ProblemTypeList | HTMLResponse:
    """Every code that a problem document can have, in order of their statuses; for a browser as a page."""
    found = [_entry(request, code) for code in ProblemCode]
    return _page("Problems", found) if _is_browser(request) else ProblemTypeList(problems=found)


@router.get(
    "/{name}",
    response_model=ProblemType,
    responses=openapi.with_page(openapi.problems(ProblemCode.NOT_FOUND, always=openapi.WITHOUT_A_KEY)),
)
def read_problem_type(
    name: Annotated[str, Path(examples=[ProblemCode.NOT_FOUND.slug])], request: Request
) -> ProblemType | HTMLResponse:
    """One code; `name` is the code in lower case with hyphens, as in a document's `type`. For a browser as a page."""
    code = next((code for code in ProblemCode if code.slug == name), None)
    if code is None:
        raise Problem(ProblemCode.NOT_FOUND, "There is no such code: `GET /api/problems` lists all.")
    entry = _entry(request, code)
    return _page(entry.title, [entry]) if _is_browser(request) else entry


def _entry(request: Request, code: ProblemCode) -> ProblemType:
    return ProblemType(
        type=address(request, code),
        code=code,
        title=code.heading,
        status=code.status,
        meaning=code.meaning,
        remedy=code.remedy,
    )


def _is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _page(title: str, entries: list[ProblemType]) -> HTMLResponse:
    from services.api import problem_page  # noqa: PLC0415 - a cold start does not need it

    return HTMLResponse(problem_page.of(title, entries), headers=problem_page.HEADERS)
