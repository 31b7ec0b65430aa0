"""The commands that the README and the documents name, in blocks of shell and in sentences."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import typer

from services.cli.main import app
from tests.support.documents import code_spans, documents, shell_blocks, text_of
from tests.support.guide import commands

PROGRAMS = (
    "transcribe",
    "./nox",
    "python",
    "python3",
    "aws",
    "terraform",
    "pip",
    "curl",
    "npx",
    "openapi-python-client",
)
PLACEHOLDERS = {"CLIENT": "client", "VALUE": "value"}
"""Words that stand for a value which a command checks."""
LACKS = ("Missing", "requires an argument")
"""With these, a command asks for more words. A sentence that speaks of it may leave them out."""
_ROOT: Any = typer.main.get_command(app)
_REDIRECTION = re.compile(r"[<>]")


class NotUnderstoodError(Exception):
    """`transcribe` would refuse what a document says."""


@dataclass(frozen=True, kw_only=True)
class Documented:
    """A command as a document names it."""

    document: str
    words: tuple[str, ...]
    is_typed: bool
    """Whether it stands in a block, to be typed as it is; else a sentence speaks of it, perhaps without arguments."""

    def __str__(self) -> str:
        return f"{self.document}: {shlex.join(self.words)}"


def documented() -> list[Documented]:
    """Every command of README and docs, once."""
    found = (one for name in documents() if name == "README.md" or name.startswith("docs/") for one in _of(name))
    return list(dict.fromkeys(found))


def path_of(command: Documented) -> str:
    """What a command is called, without its arguments: `transcribe keys create`, `./nox -s demo`, `aws s3 cp`.

    Raises:
        NotUnderstoodError: there is no such command of `transcribe`, or it lacks an argument or an option.

    """
    match command.words:
        case ["transcribe", *words]:
            return " ".join(("transcribe", *_resolved([PLACEHOLDERS.get(word, word) for word in words], command)))
        case ["./nox", "-s" as flag, session, *_] | ["python" | "python3" as flag, "-m", session, *_]:
            return f"./nox {flag} {session}" if flag == "-s" else f"python -m {session}"
        case ["terraform", *words]:
            return f"terraform {next((word for word in words if not word.startswith('-')), '')}"
        case ["aws", service, operation, *_]:
            return f"aws {service} {operation}"
        case [program, *_]:
            return program
    raise ValueError(command)


def _of(document: str) -> Iterator[Documented]:
    for block in shell_blocks(document):
        for line in commands(block):
            yield from _piped(document, line, is_typed=True)
    for span in code_spans(text_of(document)):
        try:
            words = shlex.split(span)
        except ValueError:
            continue  # code that is no shell's
        if len(words) > 1:
            yield from _piped(document, words, is_typed=False)


def _piped(document: str, line: list[str], *, is_typed: bool) -> Iterator[Documented]:
    """The commands of a pipe, without what goes into files, and without variables that are set before."""
    one: list[str] = []
    for word in [*line, "|"]:
        if word != "|":
            one.append(word)
            continue
        while one and (one[0] == "export" or re.match(r"\w+=", one[0])):
            one = one[1:]
        if one and one[0] in PROGRAMS:
            words = tuple(word for word in one if not _REDIRECTION.match(word))
            yield Documented(document=document, words=words, is_typed=is_typed)
        one = []


def _resolved(words: list[str], command: Documented) -> tuple[str, ...]:
    """The path of a command of `transcribe`, which takes these words as a shell gives them."""
    if "COMMAND" in words:
        return ()
    one, rest, path, context = _ROOT, words, ["transcribe"], None
    try:
        while True:
            # What `--help` and the like print is not wanted here.
            with redirect_stdout(StringIO()):
                context = one.make_context(path[-1], list(rest), parent=context)
            if not hasattr(one, "resolve_command"):
                break
            name, one, rest = one.resolve_command(context, [*context._protected_args, *context.args])  # noqa: SLF001 - as the library does
            path.append(str(name))
    except typer.Exit:
        pass
    except typer.TyperException as error:
        told = error.format_message()
        if command.is_typed or not any(lack in told for lack in LACKS):
            raise NotUnderstoodError(f"{command}: {told}") from error
    return tuple(path[1:])
