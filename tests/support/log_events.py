"""The log's events as the code writes them, found by parsing it: calls of the log reach over several lines."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SERVICES = Path(__file__).parents[2] / "services"
EVENT = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
"""What an event's name looks like; files and webhook types look the same."""
ERRORS = frozenset({"error", "exception", "critical"})
"""Levels at which something is wrong that does not mend itself."""

_LOGS = {"log", "logger"}
_LEVELS = {"debug", "info", "warning", *ERRORS}
_WRITERS = {"log_line"}
"""Functions that make a line of the log without the log: its first argument is the event."""


def is_log(called: ast.expr) -> bool:
    """Whether this is a method that writes a line: `log.info`, `structlog.get_logger().error`."""
    if not (isinstance(called, ast.Attribute) and called.attr in _LEVELS):
        return False
    owner = called.value
    if isinstance(owner, ast.Call):
        return isinstance(owner.func, ast.Attribute) and owner.func.attr == "get_logger"
    return isinstance(owner, ast.Name) and owner.id in _LOGS


def events_in(source: str) -> dict[str, set[str]]:
    """Event → the levels at which this source writes it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    tree = ast.parse(source)
    aliases = dict(_aliases(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            for event in _names(node.args[0]):
                found[event] |= _levels(node, aliases)
        elif isinstance(node, ast.Dict):
            for event in _names(*_values(node, "event")):
                found[event] |= _texts(*_values(node, "level"))
    return {event: levels for event, levels in found.items() if levels}


@cache
def events(*left_out: str) -> Mapping[str, set[str]]:
    """Event → its levels, over all services but those that are left out."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in SERVICES.rglob("*.py"):
        if path.relative_to(SERVICES).parts[0] not in left_out:
            for event, levels in events_in(path.read_text(encoding="utf-8")).items():
                found[event] |= levels
    return found


def _levels(call: ast.Call, aliases: Mapping[str, set[str]]) -> set[str]:
    match call.func:
        case ast.Attribute(attr=level) if is_log(call.func):
            return {level}
        case ast.Name(id=name) if name in aliases:
            return aliases[name]
        case ast.Name(id=name) if name in _WRITERS:
            return _texts(*(keyword.value for keyword in call.keywords if keyword.arg == "level"))
    return set()


def _aliases(tree: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """Names that stand for a method of the log, as in `tell = log.error if failed else log.warning`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            methods = [part for part in ast.walk(node.value) if isinstance(part, ast.Attribute) and is_log(part)]
            if methods:
                yield node.targets[0].id, {method.attr for method in methods}


def _values(node: ast.Dict, name: str) -> Iterator[ast.expr]:
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and key.value == name:
            yield value


def _texts(*nodes: ast.AST) -> set[str]:
    parts: Iterable[ast.AST] = (part for node in nodes for part in ast.walk(node))
    return {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}


def _names(*nodes: ast.AST) -> set[str]:
    return {text for text in _texts(*nodes) if EVENT.fullmatch(text)}
