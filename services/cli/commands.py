"""How the command line is put together: commands that are loaded when they are called, and options that many share."""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from services.cli import help_texts, streams
from services.cli.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Callable

_Context = Any
"""Typer's methods take a class that it keeps to itself."""
DEFAULT = "send"
"""The command that is meant if the first word is no command's name."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of `transcribe --help`."""

    path: str
    """`module:name` of the function, or of the `Typer` of a group."""
    section: str
    help: str
    """The first sentence of the command's own help."""
    shared: type[TyperCommand] = TyperCommand
    """Which options the command shares with others; a group's commands say it themselves."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """The values of the shared options, `context.obj` of a command."""

    json: bool = False
    api: str | None = None
    key: str | None = field(default=None, repr=False)
    local: bool = False

    @property
    def again(self) -> str:
        """What a further command must be told to reach the same service, with a space before it."""
        return " --local" if self.local else f" --api {shlex.quote(self.api)}" if self.api else ""


Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def _of_everybody(*, json: Json = False) -> None:
    """What every command takes."""


def _of_clients(
    *,
    api: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Base address of the API; else TRANSCRIBE_URL, else that of `login`."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="An API key; else TRANSCRIBE_KEY, else that of `login`.")
    ] = None,
    local: Annotated[bool, typer.Option("--local", help="Use the system that `transcribe local` runs here.")] = False,
    json: Json = False,
) -> None:
    """What every command takes that speaks to the API."""


class _Sharing(TyperCommand):
    """A command with further options, which its function finds as `context.obj`, a `Given`."""

    options: Callable[..., None]

    def __init__(self, *arguments: Any, **more: Any) -> None:  # noqa: ANN401 - as typer gives them
        super().__init__(*arguments, **more)
        self.help = help_texts.for_people(self.help)
        self._shared = _parameters(type(self).options)
        self.params.extend(self._shared)

    def collect_usage_pieces(self, ctx: _Context) -> list[str]:
        return help_texts.usage(self.get_params(ctx))

    def format_options(self, ctx: _Context, formatter: Any) -> None:  # noqa: ANN401 - as typer gives it
        for heading, rows in help_texts.sections(self.get_params(ctx), ctx).items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def invoke(self, ctx: _Context) -> Any:  # noqa: ANN401 - what the function returns
        ctx.obj = Given(**{str(one.name): ctx.params.pop(str(one.name)) for one in self._shared})
        return super().invoke(ctx)


class PlainCommand(_Sharing):
    """A command that shares with the others only `--json`."""

    options = staticmethod(_of_everybody)


class OperatorCommand(PlainCommand):
    """A command that works on the table, with AWS credentials."""

    def invoke(self, ctx: _Context) -> Any:  # noqa: ANN401 - what the function returns
        from services.common import logs  # noqa: PLC0415 - clients of the API do without

        # Results go to standard output; whatever a library or a module of ours logs, only if it is an error, does not.
        logs.configure("error", service="cli")
        return super().invoke(ctx)


class ClientCommand(_Sharing):
    """A command that speaks to the API."""

    options = staticmethod(_of_clients)


@cache
def _parameters(options: Callable[..., None]) -> list[Any]:
    """The options of a function, as typer makes them."""
    return [one for one in command(options).params if one.name != "help"]


def command(function: Callable[..., Any], name: str | None = None, shared: type[TyperCommand] = TyperCommand) -> Any:  # noqa: ANN401 - a class that typer keeps to itself
    """The command that runs a function."""
    one = group()
    one.command(name, cls=shared)(function)
    return typer.main.get_command(one)


class Group(TyperGroup):
    """A group that without a word prints its help, which has the whole first sentence of each command's help."""

    def parse_args(self, ctx: _Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ["--help"])

    def format_commands(self, ctx: _Context, formatter: Any) -> None:  # noqa: ANN401, ARG002 - as typer gives it
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_texts.sentence(one.help)) for name, one in self.commands.items()])


def group(**more: Any) -> typer.Typer:  # noqa: ANN401 - as typer takes them
    """A group of commands, or one alone. Help is plain text: what draws boxes takes longer to load than to read."""
    usual: dict[str, Any] = {"add_completion": False, "cls": Group, "subcommand_metavar": "COMMAND [ARGS]…"}
    usual["context_settings"] = {"help_option_names": ["--help", "-h"]}
    return typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, **usual | more)


class Commands(Group):
    """All commands; each is imported when it is called. A first word that is no command's name is a recording."""

    entries: ClassVar[Mapping[str, Entry]] = {}
    variables: ClassVar[Mapping[str, str]] = {}
    """Of the environment, and what each is."""

    def __init__(self, **more: Any) -> None:  # noqa: ANN401 - as typer gives them
        super().__init__(**more)
        self.commands = {name: TyperCommand(name, help=entry.help) for name, entry in self.entries.items()}

    def parse_args(self, ctx: _Context, args: list[str]) -> list[str]:
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        if args and args[0] not in self.commands and args[0].split("=")[0] not in own:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: _Context, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, stub, rest = super().resolve_command(ctx, args)
        return name, stub and self._loaded(str(name)), rest

    def shell_complete(self, ctx: _Context, incomplete: str) -> list[Any]:
        """Commands, and options: the group's own and, since a first word may be a file's, those of `send`."""
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            found += self._loaded(DEFAULT).shell_complete(ctx, incomplete)
        return list({one.value: one for one in found}.values())

    def invoke(self, ctx: _Context) -> Any:  # noqa: ANN401 - what the command returns
        """Run a command. Whatever goes wrong is printed to standard error as a sentence, and has an exit code."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, typer.Abort):
            streams.end_line()
            raise typer.Exit(Exit.INTERRUPTED) from None
        except (typer.Exit, typer.TyperException):
            raise
        except Exception as error:  # noqa: BLE001 - nobody should have to read a traceback
            raise typer.Exit(told(error)) from None

    def format_commands(self, ctx: _Context, formatter: Any) -> None:  # noqa: ANN401, ARG002 - as typer gives it
        longest = max(map(len, self.entries))
        for section in dict.fromkeys(entry.section for entry in self.entries.values()):
            rows = [
                (name.ljust(longest), entry.help) for name, entry in self.entries.items() if entry.section == section
            ]
            with formatter.section(section):
                formatter.write_dl(rows)
        with formatter.section("Environment variables"):
            formatter.write_dl(list(self.variables.items()))

    def _loaded(self, name: str) -> Any:  # noqa: ANN401 - a class that typer keeps to itself
        entry = self.entries[name]
        module, _, attribute = entry.path.partition(":")
        what = getattr(importlib.import_module(module), attribute)
        return typer.main.get_command(what) if isinstance(what, typer.Typer) else command(what, name, entry.shared)


def told(error: Exception) -> Exit:
    """Print to standard error what a person must know of an error; returns the exit code."""
    if isinstance(error, OSError):
        streams.drop_output()
    if isinstance(error, BrokenPipeError):
        return Exit.CLOSED
    from services.cli.explained import explain  # noqa: PLC0415 - needed only now
    from services.cli.printing import problem  # noqa: PLC0415

    explained = explain(error)
    problem(explained.sentence)
    return explained.exit_code
