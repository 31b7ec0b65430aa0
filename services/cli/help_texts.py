"""The help of a command as people read it: what stands for a value is a word, and not a type of Python's."""

from __future__ import annotations

from typing import Any

_Parameter = Any
_Context = Any
"""Typer keeps its classes to itself."""


def for_people(text: str | None) -> str:
    """A function's docstring as its command's help: without what is told to whoever calls the function."""
    return (text or "").partition("\n\nRaises:")[0]


def usage(parameters: list[_Parameter]) -> list[str]:
    """What follows a command's name in the line `Usage:`, such as `[OPTIONS] JOB_ID…`."""
    return ["[OPTIONS]", *(_word(one) if one.required else f"[{_word(one)}]" for one in _arguments(parameters))]


def sections(parameters: list[_Parameter], ctx: _Context) -> dict[str, list[tuple[str, str]]]:
    """The lists below it: of arguments and of options, each with what stands for it and what it means."""
    options = [one for one in parameters if one.param_type_name == "option"]
    for one in options:
        one.metavar = _word(one)
    return {
        "Arguments": [(_word(one), one.help or "") for one in _arguments(parameters) if not one.hidden],
        "Options": [record for one in options if (record := one.get_help_record(ctx))],
    }


def _arguments(parameters: list[_Parameter]) -> list[_Parameter]:
    return [one for one in parameters if one.param_type_name == "argument"]


def _word(parameter: _Parameter) -> str:
    """What stands for a parameter's value."""
    word = str(parameter.metavar or str(parameter.name).upper())
    return f"{word}…" if parameter.nargs != 1 and not word.endswith("…") else word


def sentence(text: str | None) -> str:
    """The first sentence of a help."""
    first = " ".join((text or "").partition("\n\n")[0].split())
    return first.partition(". ")[0].rstrip(".") + "."
