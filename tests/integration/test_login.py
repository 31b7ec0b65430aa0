"""`transcribe login` and `logout`: what is kept, where, and when nothing is."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pexpect
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from typer.testing import CliRunner, Result

from services.cli.main import app
from tests.support.gateway import Client, Gateway
from tests.support.keyrings import Locked, Remembering
from tests.support.replies import replying

NO_KEYRING: KeyringBackend = fail.Keyring()  # type: ignore[no-untyped-call]


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of the login, in a home of its own; the machine has no keyring."""
    for name in ("TRANSCRIBE_URL", "TRANSCRIBE_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    before = keyring.get_keyring()
    keyring.set_keyring(NO_KEYRING)
    yield tmp_path / "transcribe" / "login.json"
    keyring.set_keyring(before)


@pytest.fixture
def url(gateway: Gateway) -> Iterator[str]:
    with gateway.served() as url:
        yield url


def has(backend: KeyringBackend) -> None:
    keyring.set_keyring(backend)


def transcribe(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, arguments, input=typed, catch_exceptions=False)


def test_the_key_of_a_login_is_in_the_keyring_and_in_no_file(url: str, alice: Client, kept: Path) -> None:
    has(ring := Remembering())
    done = transcribe("login", "--api", f"{url}/", typed=f"{alice.api_key}\n")
    assert (done.exit_code, done.stdout) == (0, f"Logged in to {url}; the key is in the keyring.\n")
    assert ring.passwords == {("transcribe", url): alice.api_key}
    assert json.loads(kept.read_text("utf-8")) == {"url": url}
    assert transcribe("jobs", "--json").stdout == "[]\n"

    assert transcribe("logout").stdout == f"Logged out of {url}.\n"
    assert ring.passwords == {}
    assert not kept.exists()
    assert "transcribe login" in transcribe("jobs").stderr
    assert transcribe("logout").stdout == "There was no login.\n"


@pytest.mark.parametrize("backend", [NO_KEYRING, Locked()], ids=["none", "locked"])
def test_without_a_keyring_that_works_a_file_that_only_its_owner_reads_keeps_the_key(
    url: str, alice: Client, kept: Path, backend: KeyringBackend
) -> None:
    has(backend)
    done = transcribe("login", "--api", url, typed=alice.api_key)
    assert (done.exit_code, done.stdout) == (0, f"Logged in to {url}; the key is in {kept}.\n")
    assert ("keyring does not take the key (Failed to unlock" in done.stderr) == (backend is not NO_KEYRING)
    assert json.loads(kept.read_text("utf-8")) == {"url": url, "key": alice.api_key}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert transcribe("jobs", "--json").stdout == "[]\n"
    assert transcribe("logout").exit_code == 0
    assert not kept.exists()


def test_a_keyring_that_was_locked_since_is_told_of_with_what_to_do(url: str, alice: Client) -> None:
    has(Remembering())
    transcribe("login", "--api", url, typed=alice.api_key)
    has(Locked())
    told = transcribe("jobs")
    assert told.exit_code == 3
    assert "Failed to unlock the collection!): unlock it, or run `transcribe login` again." in told.stderr


def test_another_login_leaves_no_key_of_the_one_before_in_the_keyring(url: str, alice: Client) -> None:
    has(ring := Remembering())
    with replying() as other:
        other.by_request["GET /api/jobs"] = (200, {"jobs": [], "next": None})
        transcribe("login", "--api", other.address, typed="key")
        transcribe("login", "--api", url, typed=alice.api_key)
    assert ring.passwords == {("transcribe", url): alice.api_key}


def test_a_wrong_key_or_address_keeps_nothing_and_leaves_the_login_before(url: str, alice: Client, kept: Path) -> None:
    transcribe("login", "--api", url, typed=alice.api_key)
    before = kept.read_text("utf-8")
    wrong = transcribe("login", "--api", url, typed="key_wrong")
    assert (wrong.exit_code, wrong.stdout) == (3, "")
    assert f"Nothing was kept: {url} does not know this key" in wrong.stderr
    for address, code in (("api.example.com", 2), ("ftp://api.example.com", 2), (f"{url}/elsewhere", 3)):
        assert transcribe("login", "--api", address, typed=alice.api_key).exit_code == code
    assert transcribe("login", "--api", url, typed="").exit_code == 2
    assert "give it with --api" in transcribe("login", typed=alice.api_key).stderr
    assert kept.read_text("utf-8") == before


@pytest.mark.parametrize("content", ["{", "[1]", "null", "\xff"])
def test_a_login_that_cannot_be_read_is_said_and_another_one_takes_its_place(
    url: str, alice: Client, kept: Path, content: str
) -> None:
    transcribe("login", "--api", url, typed=alice.api_key)
    kept.write_bytes(content.encode("latin-1"))
    told = transcribe("jobs")
    assert told.exit_code == 3
    assert "cannot be read" in told.stderr
    assert "run `transcribe login` again" in told.stderr
    assert transcribe("login", "--api", url, typed=alice.api_key).exit_code == 0
    assert transcribe("jobs").exit_code == 0


def test_a_kept_key_is_sent_to_no_other_address(url: str, alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    has(Remembering())
    transcribe("login", "--api", url, typed=alice.api_key)
    with replying() as other:
        told = transcribe("jobs", "--api", other.address)
        monkeypatch.setenv("TRANSCRIBE_URL", other.address)
        again = transcribe("jobs")
    assert other.asked == []
    for one in (told, again):
        assert one.exit_code == 2
        assert f"No key is known for {other.address}" in one.stderr


def test_a_flag_goes_before_the_environment_and_that_before_the_login(
    url: str, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    transcribe("login", "--api", url, typed=alice.api_key)
    with replying() as by_flag, replying() as by_environment:
        for one in (by_flag, by_environment):
            one.by_request["GET /api/jobs"] = (200, {"jobs": [], "next": None})
        monkeypatch.setenv("TRANSCRIBE_URL", by_environment.address)
        monkeypatch.setenv("TRANSCRIBE_KEY", "environment")
        transcribe("jobs")
        transcribe("jobs", "--api", by_flag.address, "--key", "flag")
    assert [key for _, key in by_environment.asked] == ["Bearer environment"]
    assert [key for _, key in by_flag.asked] == ["Bearer flag"]
    told = transcribe("login", "--api", url, typed=alice.api_key).stderr
    assert told.splitlines()[-1] == "TRANSCRIBE_URL and TRANSCRIBE_KEY of your environment still go before it."


def test_a_login_that_cannot_be_read_is_told_of_and_a_new_one_replaces_it(url: str, alice: Client, kept: Path) -> None:
    kept.parent.mkdir()
    kept.write_text("{", "utf-8")
    told = transcribe("jobs")
    assert told.exit_code == 3
    assert f"{kept} cannot be read" in told.stderr
    assert transcribe("login", "--api", url, typed=alice.api_key).exit_code == 0
    assert transcribe("jobs").exit_code == 0


def test_a_person_is_asked_for_address_and_key_and_the_key_is_never_shown(url: str, alice: Client, kept: Path) -> None:
    environment = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}

    def login() -> pexpect.spawn:
        arguments = ["-m", "services.cli.main", "login"]
        return pexpect.spawn(sys.executable, arguments, env=environment, encoding="utf-8", timeout=30)

    terminal = login()
    terminal.expect_exact("Address of the API: ")
    terminal.sendline(url)
    terminal.expect_exact("API key: ")
    terminal.waitnoecho()
    terminal.sendline(alice.api_key)
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert f"Logged in to {url}" in terminal.before
    assert alice.api_key not in terminal.before
    assert json.loads(kept.read_text("utf-8"))["key"] == alice.api_key

    asked_again = login()
    asked_again.expect_exact(f"Address of the API [{url}]: ")
    asked_again.sendintr()
    asked_again.expect(pexpect.EOF)
    asked_again.close()
    assert asked_again.exitstatus == 130
    assert "Traceback" not in asked_again.before
