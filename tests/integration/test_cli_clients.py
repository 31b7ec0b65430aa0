"""Clients' defaults on the command line: set, shown, listed, taken away, and checked as the options of a job."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli.errors import Exit
from services.cli.main import app
from services.cli.operator import deployment
from services.common.aws import Aws
from services.common.domain.vocabularies import Vocabulary
from tests.support.world import BUCKET, TABLE, World

PARAMETER = "/transcribe/worker"
MODELS = "whisper-base,whisper-base@strict"
REFUSED = [
    (("set", "bob", "--words"), "There is no client bob: `transcribe clients add bob` makes it known."),
    (("set", "bob", "--clear"), "There is no client bob: "),
    (("set", "../evil", "--words"), "A client's name is 1 to 40 small letters"),
    (("set", "alice"), "Nothing is set that jobs do not have anyway: give options of a job, or --clear."),
    (("set", "alice", "--language", "sv"), "Nothing is set that jobs do not have anyway"),
    (("set", "alice", "--clear", "--words"), "--clear takes all defaults away: give it alone"),
    (
        ("set", "alice", "--vocabulary", "mayors"),
        "alice has no vocabulary mayors: with a key of alice's, `transcribe voc",
    ),
    (("set", "alice", "--vocabulary", "Council"), "--vocabulary: Council is no name of a vocabulary"),
    (
        ("set", "alice", "--model", "whisper-large"),
        "This deployment does not hold whisper-large. It holds: whisper-base",
    ),
    (("set", "alice", "--style", "subtitle"), "This deployment does not hold whisper-base@subtitle"),
    (("set", "alice", "--speakers", "off"), "Nothing is set that jobs do not have anyway"),
    (("set", "alice", "--speakers", "4-2"), "--speakers: "),
    (("set", "alice", "--language", "klingon"), "--language: There is no such language"),
    (("set", "alice", "--hotwords", "x" * 601), "--hotwords: They have 601 characters"),
    (("set", "alice", "--doubtful-places"), "Doubtful places are listed in the docx only: add `-f docx`."),
    (("set", "alice", "-f", "pdf"), "There is no format pdf; there are: json"),
    (("show", "bob"), "There is no client bob: `transcribe clients add bob` makes it known."),
]


@pytest.fixture(autouse=True)
def environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"TABLE_NAME": TABLE, "BUCKET_NAME": BUCKET, "DEPLOYMENT": "transcribe", "MODELS": MODELS}
    content = json.dumps({**settings, "SECRETS_KEY_ID": world.key_id})
    Aws().ssm().put_parameter(Name=PARAMETER, Value=content, Type="String")
    monkeypatch.setenv("TABLE_NAME", TABLE)
    monkeypatch.setenv("CONFIG_PARAMETER", PARAMETER)
    for cached in (deployment.settings, deployment.store, deployment.own_settings):
        cached.cache_clear()
    world.store.clients.register("alice")
    words = Vocabulary(client_id="alice", name="council", words=["Sävar"], updated_at=1)
    world.store.commit(world.store.vocabularies.addition(words))


def transcribe(*arguments: str) -> list[str]:
    """The lines that a command of clients prints."""
    done = CliRunner().invoke(app, ["clients", *arguments], catch_exceptions=False)
    assert done.exit_code == Exit.DONE, done.output
    return done.stdout.splitlines()


def document(*arguments: str) -> Any:
    return json.loads("".join(transcribe(*arguments, "--json")))


def test_defaults_are_set_shown_and_marked_in_the_list(world: World) -> None:
    world.store.clients.register("bob")
    lines = transcribe("set", "alice", "--speakers", "auto", "--vocabulary", "council", "--tracks", "2,1", "--words")
    assert lines == ["speakers  auto", "tracks  [2, 1]", "vocabulary  council", "words  true"]
    assert transcribe("show", "alice") == lines
    assert transcribe("list") == ["alice  has defaults", "bob"]
    kept = {"vocabulary": "council", "speakers": "auto", "tracks": [2, 1], "words": True}
    assert world.store.clients.defaults("alice") == kept


def test_defaults_are_told_as_json_too() -> None:
    made = document("set", "alice", "--speakers", "2-4", "--style", "strict", "-f", "docx", "--doubtful-places")
    formats = ["json", "txt", "srt", "vtt", "tsv", "docx"]
    speakers = {"at_least": 2, "at_most": 4}
    defaults = {"speakers": speakers, "style": "strict", "doubtful_places": True, "formats": formats}
    assert made == {"client": "alice", "defaults": defaults}
    assert document("show", "alice") == made
    assert document("list") == [{"client": "alice", "has_defaults": True}]
    assert document("set", "alice", "--clear") == document("show", "alice") == {"client": "alice", "defaults": {}}
    assert document("list") == [{"client": "alice", "has_defaults": False}]


def test_what_is_set_takes_the_place_of_all_that_was_set_before(world: World) -> None:
    transcribe("set", "alice", "--language", "auto", "--words")
    transcribe("set", "alice", "--preset", "fast")
    assert world.store.clients.defaults("alice") == {"preset": "fast"}
    assert transcribe("set", "alice", "--clear") == []
    assert world.store.clients.defaults("alice") == {}


def test_a_client_without_defaults_is_shown_with_how_to_set_some() -> None:
    done = CliRunner().invoke(app, ["clients", "show", "alice"])
    assert (done.exit_code, done.stdout) == (Exit.DONE, "")
    assert done.stderr == "alice has no defaults: `transcribe clients set alice` takes the options of a job.\n"


def test_what_is_no_default_is_refused_with_what_to_do_and_changes_nothing(world: World) -> None:
    before = world.all_items()
    for arguments, sentence in REFUSED:
        done = CliRunner().invoke(app, ["clients", *arguments], catch_exceptions=False)
        assert (done.exit_code, done.stdout) == (Exit.USAGE, ""), done.output
        (told,) = done.stderr.splitlines()
        assert told.startswith(f"transcribe: {sentence}")
    assert world.all_items() == before


def test_without_the_deployments_settings_a_model_is_taken_and_that_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONFIG_PARAMETER")
    done = CliRunner().invoke(app, ["clients", "set", "alice", "--model", "whisper-large"], catch_exceptions=False)
    assert done.exit_code == Exit.DONE
    assert done.stderr == "Whether the deployment holds this model is not checked: set CONFIG_PARAMETER.\n"
    assert world.store.clients.defaults("alice") == {"model": "whisper-large"}
    assert CliRunner().invoke(app, ["clients", "set", "alice", "--words"]).stderr == ""
