"""Vocabularies over the API: lists of names and words that the client keeps for its jobs."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.api.client import Api, path
from services.cli.client import word_lists
from services.cli.commands import ClientCommand, group
from services.cli.errors import RefusedError
from services.cli.printing import answer, as_json, moment, note, table

HEADINGS = ("name", "words", "changed")
Name = Annotated[str, typer.Argument(metavar="NAME", help="Small letters from a to z, digits and hyphens.")]
File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="Text in UTF-8, or - for standard input: a word or a term on each line, the most important first. "
        "Lines that are empty, or begin with # and a space, are left out.",
    ),
]
app = group(help="Lists of names and words to expect in recordings: `send --vocabulary NAME`.")


@app.command("list", cls=ClientCommand)
def list_(context: typer.Context) -> None:
    """All vocabularies by name, with how many words they have."""
    found = Api.of(context.obj).get(path("vocabularies"))["vocabularies"]
    if context.obj.json:
        as_json(found)
    elif found:
        table(HEADINGS, [(one["name"], one["count"], moment(one["updated_at"])) for one in found])
    else:
        note("There are no vocabularies yet.")


@app.command(cls=ClientCommand)
def add(context: typer.Context, name: Name, file: File) -> None:
    """Keep the words of a file under a new name."""
    words = word_lists.read(file)
    try:
        made = Api.of(context.obj).post(path("vocabularies"), {"name": name, "words": words})
    except RefusedError as error:
        if error.problem != "VOCABULARY_EXISTS":
            raise
        remedy = f"`transcribe vocabularies update {name} FILE` replaces its words"
        raise RefusedError(f"There is a vocabulary {name} already: {remedy}.", problem=error.problem) from None
    answer(made, f"{name} added, {_counted(len(words))}", json=context.obj.json)


@app.command(cls=ClientCommand)
def show(context: typer.Context, name: Name) -> None:
    """The words of a vocabulary, one a line, as `add` and `update` take them."""
    found = Api.of(context.obj).get(path("vocabularies", name))
    answer(found, *found["words"], json=context.obj.json)


@app.command(cls=ClientCommand)
def update(context: typer.Context, name: Name, file: File) -> None:
    """Replace all words of a vocabulary by those of a file. Jobs that were made before keep theirs."""
    words = word_lists.read(file)
    changed = Api.of(context.obj).patch(path("vocabularies", name), {"words": words})
    answer(changed, f"{name} updated, {_counted(len(words))}", json=context.obj.json)


@app.command(cls=ClientCommand)
def remove(context: typer.Context, name: Name) -> None:
    """Forget a vocabulary. Jobs that were made before keep its words."""
    Api.of(context.obj).delete(path("vocabularies", name))
    answer({"name": name, "removed": True}, f"{name} removed", json=context.obj.json)


def _counted(words: int) -> str:
    return "1 word" if words == 1 else f"{words:,} words"
