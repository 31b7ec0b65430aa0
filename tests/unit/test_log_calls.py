"""How the code speaks to the log: errors as they are, so that one place decides what is told of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.support.log_events import SERVICES, is_log

_TEXT = {"str", "repr", "format", "ascii"}


def words_of_errors(source: str) -> list[int]:
    """Lines on which a call of the log makes text of an error, or lets the log do so."""
    tree = ast.parse(source)
    errors = {node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.name} | {"error"}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and is_log(node.func)]
    return [call.lineno for call in calls if any(_texts(call, errors))]


def _texts(call: ast.Call, errors: set[str]) -> Iterator[ast.AST]:
    if len(call.args) > 1:  # they would be put into the event's text
        yield call
    for node in ast.walk(call):
        is_text = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _TEXT
        if (is_text or isinstance(node, ast.FormattedValue)) and any(_names(part) & errors for part in ast.walk(node)):
            yield node


def _names(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Name):
        return {node.id}
    return {node.attr} if isinstance(node, ast.Attribute) else set()


def test_no_call_of_the_log_makes_text_of_an_error() -> None:
    files = {str(path.relative_to(SERVICES)): path.read_text(encoding="utf-8") for path in SERVICES.rglob("*.py")}
    assert {name: lines for name, source in files.items() if (lines := words_of_errors(source))} == {}


@pytest.mark.parametrize(
    "call",
    [
        "log.warning('a', error=str(one.error))",
        "log.warning('a', error=repr(error))",
        "logger.error(f'a {error}')",
        "log.error('a %s', error)",
        "try: pass\nexcept OSError as odd: log.error('a', of=[f'{odd!r}'])",
    ],
)
def test_such_a_call_would_be_seen(call: str) -> None:
    assert words_of_errors(call)
