"""`transcribe callbacks`: what the API lets a client do with its callbacks, on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
import typer

from services.cli.client import callbacks
from services.cli.operator import callbacks as operators_callbacks
from services.common.domain.states import CallbackStatus, DisabledReason
from services.common.store import keys
from services.common.store.codec import Item
from tests.support.client_commands import CommandLine
from tests.support.gateway import Client, Gateway
from tests.support.world import World

URL = "https://hooks.example.com/transcriptions"

WRONG = [
    (("add", "http://hooks.example.com/"), 3, "A callback's URL begins with https://"),
    (("add", "https://127.0.0.1/"), 3, "A callback's address lies on the public internet"),
    (("add", URL, "--event", "no.such"), 2, "There is no no.such; there are: transcription.queued,"),
    (("update", "cb_1"), 2, "Give at least one of --url, --event, --prefix and --description."),
    (("update", "cb_1", "--prefix", "a"), 3, "(NOT_FOUND)."),
    *(((action, "cb_1"), 3, "(NOT_FOUND).") for action in ("show", "rotate", "test", "enable", "remove")),
    (("show", "a/../../jobs?x=1"), 3, "(NOT_FOUND)."),
]
"""Arguments, the exit code, and what is said."""


@pytest.fixture
def cli(gateway: Gateway, alice: Client) -> Iterator[CommandLine]:
    with gateway.served() as url:
        yield CommandLine.of(url, alice.api_key)


def test_a_callback_is_registered_shown_and_removed(world: World, cli: CommandLine) -> None:
    options = ("--event", "transcription.queued", "--prefix", "möten/", "--description", "Ours.")
    name, secret = cli.lines("callbacks", "add", URL, *options)
    (stored,) = world.store.callbacks.of_client("alice")

    assert world.vault.open(stored, world.clock()) == [secret]
    assert cli.lines("callbacks", "list") == [f"{name}\tactive\t{URL}\ttranscription.queued\tmöten/\tOurs."]
    shown = dict(line.split("\t") for line in cli.lines("callbacks", "show", name))
    assert (shown["status"], shown["prefix"], shown["failing_since"]) == ("active", "möten/", "-")
    assert "secret" not in shown
    assert cli.lines("callbacks", "remove", name) == [f"{name} removed"]
    assert cli.lines("callbacks", "list") == []


def test_what_is_not_given_is_as_the_api_has_it(alice: Client, cli: CommandLine) -> None:
    cli.lines("callbacks", "add", URL)
    alice.post("/api/callbacks", {"url": URL})
    ours, usual = alice.get("/api/callbacks").json["callbacks"]

    assert ours | {"callback_id": ""} == usual | {"callback_id": ""}


def test_only_what_is_given_is_changed_and_an_empty_description_removes_it(world: World, cli: CommandLine) -> None:
    name, _ = cli.lines("callbacks", "add", URL, "--description", "Ours.")
    (before,) = world.store.callbacks.of_client("alice")

    assert cli.lines("callbacks", "update", name, "--event", "transcription.failed") == [f"{name} updated"]
    (stored,) = world.store.callbacks.of_client("alice")
    assert stored == replace(before, events=["transcription.failed"], listens_since=stored.listens_since)
    cli.lines("callbacks", "update", name, "--description", "", "--prefix", "a/")
    (stored,) = world.store.callbacks.of_client("alice")
    assert (stored.description, stored.prefix) == (None, "uploads/alice/a/")


def test_after_a_rotation_the_printed_secret_signs_beside_the_old_one(world: World, cli: CommandLine) -> None:
    name, old = cli.lines("callbacks", "add", URL)
    (new,) = cli.lines("callbacks", "rotate", name)
    (stored,) = world.store.callbacks.of_client("alice")
    assert world.vault.open(stored, world.clock()) == [new, old]


def test_a_test_message_is_asked_for_and_its_delivery_named(alice: Client, cli: CommandLine) -> None:
    name, _ = cli.lines("callbacks", "add", URL)
    done = cli.run("callbacks", "test", name)
    (delivery,) = alice.get(f"/api/callbacks/{name}/deliveries").json["deliveries"]

    assert done.results == [delivery["delivery_id"]]
    assert f"transcribe deliveries {name}" in done.notes[0]


def test_a_callback_whose_address_must_answer_a_challenge_is_pending(cli: CommandLine) -> None:
    cli.lines("callbacks", "add", URL, "--challenge")
    assert cli.lines("callbacks", "list")[0].split("\t")[1] == "pending"


def test_a_disabled_callback_is_enabled_and_no_other_one(world: World, cli: CommandLine) -> None:
    name, _ = cli.lines("callbacks", "add", URL)
    done = cli.run("callbacks", "enable", name)
    assert (done.exit_code, done.notes) == (3, ["transcribe: The callback is active (NOT_DISABLED)."])

    world.change(
        keys.callback("alice", name), status=CallbackStatus.DISABLED.value, disabled_reason=DisabledReason.GONE.value
    )
    assert cli.lines("callbacks", "enable", name) == [f"{name} active"]


def test_in_json_a_command_prints_what_the_api_replies(alice: Client, cli: CommandLine) -> None:
    made = json.loads("\n".join(cli.lines("callbacks", "add", URL, "--json")))
    name = made["callback_id"]
    assert made.pop("secret").startswith("whsec_")
    for arguments in (("show", name), ("update", name, "--url", URL)):
        assert json.loads("\n".join(cli.lines("callbacks", *arguments, "--json"))) == made
    assert made == alice.get(f"/api/callbacks/{name}").json
    assert json.loads("\n".join(cli.lines("callbacks", "list", "--json"))) == [made]
    assert "secret" in json.loads("\n".join(cli.lines("callbacks", "rotate", name, "--json")))
    assert "delivery_id" in json.loads("\n".join(cli.lines("callbacks", "test", name, "--json")))
    removed = json.loads("\n".join(cli.lines("callbacks", "remove", name, "--json")))
    assert removed == {"callback_id": name, "removed": True}


def all_but_keys(world: World) -> list[Item]:
    """Keys count the requests that are made with them."""
    return [item for item in world.all_items() if not item["pk"].startswith(keys.API_KEYS)]


def test_what_is_wrong_is_said_in_one_line_and_changes_nothing(world: World, cli: CommandLine) -> None:
    before = all_but_keys(world)
    for arguments, code, sentence in WRONG:
        done = cli.run("callbacks", *arguments)
        assert (done.exit_code, done.results) == (code, []), arguments
        (line,) = done.notes
        assert sentence in line
    assert all_but_keys(world) == before


def test_no_description_moves_the_terminals_cursor(alice: Client, cli: CommandLine) -> None:
    alice.post("/api/callbacks", {"url": URL, "description": "\x1b[2Jours\n"})
    assert cli.lines("callbacks", "list")[0].endswith("\t\ufffd[2Jours\ufffd")


def test_a_client_and_an_operator_give_the_same_options() -> None:
    """The client's name, and what only the API can do, are the difference."""
    ours, theirs = (
        {name: {one.name for one in command.params} for name, command in typer.main.get_command(app).commands.items()}  # type: ignore[attr-defined] # of a group
        for app in (callbacks.app, operators_callbacks.app)
    )
    shared = {"api", "key", "local"}
    assert ours.keys() - theirs.keys() == {"show", "test", "enable"}
    for name, options in theirs.items():
        extra = {"challenge"} if name == "add" else set()
        assert ours[name] - shared - extra == options - {"client"}
