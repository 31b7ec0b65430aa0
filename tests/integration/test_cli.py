"""What operators do on the command line, on the table."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli.errors import Exit
from services.cli.main import app
from services.cli.operator import deployment
from services.common.aws import Aws
from services.common.domain.events import EventType
from services.common.domain.machines import Slot
from services.common.domain.states import JobStatus, SlotStatus
from services.common.domain.times import MINUTE_MS, now_ms, rfc3339
from services.common.store import keys
from services.common.webhooks.registration import MAX_SECRETS
from tests.support.api_jobs import FAILED
from tests.support.gateway import Client, Gateway
from tests.support.items import job_of, queued, told
from tests.support.world import BUCKET, TABLE, World, dated_by
from tests.support.written import put_job

PARAMETER = "/transcribe/worker"


def put_settings(world: World, **other: str) -> None:
    """The parameter that Terraform writes for machines."""
    settings = {
        "TABLE_NAME": TABLE,
        "BUCKET_NAME": BUCKET,
        "DEPLOYMENT": "transcribe",
        "SECRETS_KEY_ID": world.key_id,
        "PUBLIC_URL": "https://api.example.com",
        "MODELS": "whisper-base",
        "RETENTION_DAYS": "7",
        "IDLE_SECONDS": "45",
        **other,
    }
    Aws().ssm().put_parameter(Name=PARAMETER, Value=json.dumps(settings), Type="String", Overwrite=True)


@pytest.fixture(autouse=True)
def environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", TABLE)
    monkeypatch.setenv("SECRETS_KEY_ID", world.key_id)
    monkeypatch.setenv("CONFIG_PARAMETER", PARAMETER)
    put_settings(world)
    for cached in (
        *(deployment.settings, deployment.store, deployment.vault),
        *(deployment.own_settings, deployment.places, deployment.commands, deployment.erasure),
    ):
        cached.cache_clear()


def transcribe(*arguments: str) -> list[str]:
    """The lines that a command prints."""
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


def refused(*arguments: str, code: Exit = Exit.USAGE) -> str:
    """The one sentence that a command prints instead of a result."""
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert (done.exit_code, done.stdout) == (code, ""), done.output
    (sentence,) = done.stderr.splitlines()
    return sentence


def test_a_key_made_on_the_command_line_opens_the_api_until_it_is_revoked(gateway: Gateway) -> None:
    (api_key,) = transcribe("keys", "create", "alice", "--name", "laptop", "--limit", "100")
    client = Client(gateway, api_key)
    gateway.world.clock.now = 1_900_000_000_000
    assert client.get("/api/jobs").status == 200

    (line,) = transcribe("keys", "list", "alice")
    digest, name, _, limit, state = line.split()
    assert (name, limit, state) == ("laptop", "100/min", "active")
    assert api_key not in line
    transcribe("keys", "revoke", "alice", digest)

    assert client.get("/api/jobs").status == 401
    assert "revoked" in transcribe("keys", "list", "alice")[0]


def test_clients_are_listed(world: World) -> None:
    transcribe("clients", "add", "bob")
    transcribe("keys", "create", "alice")

    assert transcribe("clients", "list") == ["alice", "bob"]
    assert world.store.clients.known("bob")


def test_a_callback_is_registered_listed_and_removed_without_the_api(world: World) -> None:
    transcribe("clients", "add", "alice")
    name, secret = transcribe(
        "operator", "callbacks", "add", "alice", "https://hooks.example.com/", "--event", "transcription.queued"
    )
    (stored,) = world.store.callbacks.of_client("alice")

    assert (stored.callback_id, list(stored.events)) == (name, ["transcription.queued"])
    assert world.vault.open(stored, world.clock()) == [secret]
    assert name in transcribe("operator", "callbacks", "list", "alice")[0]
    transcribe("operator", "callbacks", "remove", "alice", name)
    assert world.store.callbacks.of_client("alice") == []


def test_a_callback_is_changed_and_its_secret_rotated_without_the_api(world: World) -> None:
    add = (
        "operator",
        "callbacks",
        "add",
        "alice",
        "https://hooks.example.com/",
        "--prefix",
        "a/",
        "--description",
        "Ours.",
    )
    name, secret = transcribe(*add)
    assert transcribe("operator", "callbacks", "list", "alice")[0].endswith("  a/  Ours.")
    (before,) = world.store.callbacks.of_client("alice")

    transcribe(
        "operator", "callbacks", "update", "alice", name, "--prefix", "meetings/", "--event", "transcription.queued"
    )
    (stored,) = world.store.callbacks.of_client("alice")
    asked = replace(before, prefix="uploads/alice/meetings/", events=["transcription.queued"])
    assert stored == replace(asked, listens_since=stored.listens_since)
    transcribe(
        "operator", "callbacks", "update", "alice", name, "--url", "https://hooks.example.com/new", "--description", ""
    )
    (rotated,) = transcribe("operator", "callbacks", "rotate", "alice", name)
    (stored,) = world.store.callbacks.of_client("alice")
    assert (stored.url, stored.description) == ("https://hooks.example.com/new", None)
    assert world.vault.open(stored, now_ms()) == [rotated, secret]


def test_the_command_line_keeps_an_old_secret_for_24_hours_too(world: World) -> None:
    name, _ = transcribe("operator", "callbacks", "add", "alice", "https://hooks.example.com/")
    for _ in range(MAX_SECRETS - 1):
        transcribe("operator", "callbacks", "rotate", "alice", name)
    assert "rotate again at" in refused("operator", "callbacks", "rotate", "alice", name, code=Exit.REFUSED)


def test_a_wrong_change_of_a_callback_on_the_command_line_changes_nothing(world: World) -> None:
    name, _ = transcribe("operator", "callbacks", "add", "alice", "https://hooks.example.com/")
    before = world.all_items()
    for wrong in ((), ("--url", "https://127.0.0.1/"), ("--event", "no.such")):
        assert refused("operator", "callbacks", "update", "alice", name, *wrong)
    assert world.all_items() == before


def test_a_machine_that_ended_badly_is_listed_with_the_reason_and_where_its_console_is(world: World) -> None:
    why = "The machine never reported. It powered itself off."
    world.store.fleet.ended_badly("00", "i-1", 1_800_000_000_000, why=why, console=None)
    world.store.fleet.ended_badly("01", "i-2", 1_800_000_000_000, why=why, console="/deployment/worker i-2/console")

    assert transcribe("machines") == [
        f"slot 00  ended badly 2027-01-15T08:00:00.000Z  i-1  {why}",
        f"slot 01  ended badly 2027-01-15T08:00:00.000Z  i-2  {why}  Its console: /deployment/worker i-2/console",
    ]


def test_what_the_stages_took_stands_beside_their_budget(world: World) -> None:
    """Of a real account's jobs; here two that each waited for a machine, and one that found it running."""
    launch = {"capacity_asked": 2_000, "launched": 5_000, "kernel_up": 25_000, "booted": 30_000}
    slower = {stage: moment * 2 for stage, moment in launch.items()}
    for name, times in enumerate(({"uploaded": 1_000, "queued": 2_000, **launch}, slower, {"queued": 1, "claimed": 2})):
        put_job(world, f"job_{name}", status=JobStatus.COMPLETED, times=times)
    put_job(world, "job_failed", status=JobStatus.FAILED, times={**launch, "kernel_up": 9_000_000})
    head, *lines = transcribe("stages", "alice")
    assert head == "3 completed jobs of alice; seconds"
    found = {tuple(line.split()[:3:2]): line.split() for line in lines[1:]}
    assert found["launched", "kernel_up"][3:6] == ["2", "30.0", "38.0"]
    assert found["uploaded", "queued"][3:6] == ["1", "1.0", "1.0"]
    assert found["booted", "loaded"][3:6] == ["0", "-", "-"]
    assert lines[-1].split()[:2] == ["in", "all"]


def test_a_clients_jobs_are_listed_newest_first_and_failed_ones_with_their_codes(world: World) -> None:
    for number in range(3):
        put_job(world, f"job_{number}", created_at=world.clock() + number)
    failed = {"code": "INVALID_MEDIA", "message": "None.", "retryable": False}
    put_job(world, "job_old", status=JobStatus.FAILED, created_at=world.clock() - 1, error=failed)
    lines = [line.split("\t") for line in transcribe("operator", "jobs", "list", "alice")]
    assert [line[:3] for line in lines] == [
        *(["job_2", "queued", "-"], ["job_1", "queued", "-"], ["job_0", "queued", "-"]),
        ["job_old", "failed", "INVALID_MEDIA"],
    ]
    assert [line.split("\t")[0] for line in transcribe("operator", "jobs", "list", "alice", "-n", "1")] == ["job_2"]
    (found,) = document("operator", "jobs", "list", "alice", "--status", "failed")
    assert (found["job_id"], found["code"]) == ("job_old", "INVALID_MEDIA")
    assert transcribe("operator", "jobs", "list", "alice", "--status", "running") == []


def test_machines_and_own_boxes_are_listed_while_they_are_there(world: World) -> None:
    now = now_ms()
    slot = Slot(slot="00", status=SlotStatus.RUNNING, launch_id="l", request={}, taken_at=now, instance_id="i-1")
    assert world.store.slots.take(slot)
    world.store.fleet.present("worker_1", host="lab", beat=1, until=now + MINUTE_MS)
    world.store.fleet.present("worker_2", host="gone", beat=1, until=now - MINUTE_MS)

    fleet, own = transcribe("machines")
    assert fleet.startswith("slot 00  running  i-1")
    assert own.startswith("own box lab")
    world.store.fleet.absent("worker_1")
    assert len(transcribe("machines")) == 1


def test_what_a_machine_is_called_moves_no_cursor(world: World) -> None:
    world.store.fleet.present("worker_1", host="lab\x1b[2J", beat=1, until=now_ms() + MINUTE_MS)
    (own,) = transcribe("machines")
    assert own.startswith("own box lab\ufffd[2J")


def test_a_machine_that_waits_for_work_that_is_expected_is_listed_with_until_when(world: World) -> None:
    now = now_ms()
    running = Slot(slot="00", status=SlotStatus.RUNNING, launch_id="l", request={}, taken_at=now, stay_until=now - 1)
    assert world.store.slots.take(running)
    assert world.store.slots.take(replace(running, slot="01", stay_until=now + MINUTE_MS))
    told, kept = transcribe("machines")
    assert "waits for work" not in told
    assert kept.endswith(f"waits for work until {rfc3339(now + MINUTE_MS)}")


def document(*arguments: str) -> Any:
    return json.loads("".join(transcribe(*arguments, "--json")))


def test_what_operators_do_is_told_as_json_too(world: World) -> None:
    assert document("clients", "add", "alice") == {"client": "alice", "folder": "uploads/alice/"}
    assert document("clients", "list") == [{"client": "alice", "has_defaults": False}]
    made = document("keys", "create", "alice", "--name", "laptop", "--limit", "100")
    (listed,) = document("keys", "list", "alice")
    assert made == {"client": "alice", "key": made["key"], **listed}
    assert (listed["name"], listed["requests_per_minute"], listed["revoked_at"]) == ("laptop", 100, None)
    assert document("keys", "revoke", "alice", listed["hash"])["revoked"]
    assert document("keys", "list", "alice")[0]["revoked_at"]


def test_what_operators_do_with_callbacks_and_jobs_is_told_as_json_too(world: World) -> None:
    callbacks, jobs = ("operator", "callbacks"), ("operator", "jobs")
    made = document(*callbacks, "add", "alice", "https://hooks.example.com/", "--prefix", "a/")
    secret, name = made.pop("secret"), made["callback_id"]
    assert document(*callbacks, "list", "alice") == [made]
    assert (made["client"], made["prefix"], made["status"]) == ("alice", "a/", "active")
    assert document(*callbacks, "update", "alice", name, "--prefix", "b/") == {**made, "prefix": "b/"}
    assert document(*callbacks, "rotate", "alice", name)["secret"] != secret
    assert document(*callbacks, "remove", "alice", name) == {"callback_id": name, "removed": True}

    job = queued(world)
    assert document(*jobs, "cancel", "job_1") == {"job_id": "job_1", "client": job.client_id, "status": "canceled"}
    world.ended(queued(world, "job_2"), FAILED)
    assert document(*jobs, "retry", "job_2")["status"] == "queued"
    erased = document(*jobs, "erase", "job_1")
    assert (erased["job_id"], erased["final"]) == ("job_1", False)
    assert set(erased["removed"]) == {"recording", "results", "work", "records"}


def test_machines_and_stages_are_told_as_json_too(world: World) -> None:
    now = now_ms()
    slot = Slot(slot="00", status=SlotStatus.RUNNING, launch_id="l", request={}, taken_at=now, instance_id="i-1")
    assert world.store.slots.take(slot)
    world.store.fleet.ended_badly("01", "i-2", 1_800_000_000_000, why="It never reported.", console=None)
    world.store.fleet.present("worker_1", host="lab", beat=1, until=now + MINUTE_MS)
    machines = document("machines")
    (running,), (ended,), (box,) = machines["slots"], machines["ended_badly"], machines["own_boxes"]
    assert (running["slot"], running["instance_id"], running["waits_until"]) == ("00", "i-1", None)
    assert (ended["slot"], ended["ended_at"], ended["console"]) == ("01", "2027-01-15T08:00:00.000Z", None)
    assert box == {"host": "lab", "until": rfc3339(now + MINUTE_MS)}

    put_job(world, "job_1", status=JobStatus.COMPLETED, times={"uploaded": 1_000, "queued": 3_000})
    first, *rest = document("stages", "alice")["stages"]
    assert (first["from"], first["to"], first["jobs"], first["median"]) == ("uploaded", "queued", 1, 2.0)
    assert {one["median"] for one in rest} == {None}


@pytest.mark.parametrize(
    "arguments",
    [
        ("clients", "add", "../evil"),
        ("keys", "create", "Å"),
        ("keys", "revoke", "alice", "0"),
        ("operator", "callbacks", "add", "alice", "http://hooks.example.com/"),
        ("operator", "callbacks", "add", "alice", "https://169.254.169.254/"),
        ("operator", "callbacks", "add", "alice", "https://hooks.example.com/", "--event", "no.such"),
        ("operator", "callbacks", "update", "alice", "cb_none", "--prefix", "a/"),
        ("operator", "callbacks", "rotate", "alice", "cb_none"),
        ("operator", "callbacks", "remove", "alice", "cb_none"),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(world: World, arguments: tuple[str, ...]) -> None:
    assert refused(*arguments)
    assert world.dynamodb.scan(TableName=TABLE)["Items"] == []


def test_a_job_is_canceled_and_a_failed_one_retried_where_there_is_no_api(world: World) -> None:
    world.callback("https://hooks.example.com/", client_id="alice", events=["transcription.canceled"])
    job = queued(world)
    assert transcribe("operator", "jobs", "cancel", job.job_id) == ["job_1 canceled"]
    assert transcribe("operator", "jobs", "cancel", job.job_id) == ["job_1 canceled"], "it is, whoever asks again"
    assert told(world, EventType.CANCELED) == 1

    world.ended(queued(world, "job_2"), FAILED)
    assert transcribe("operator", "jobs", "retry", "job_2") == ["job_2 queued"]
    assert "only a failed job is retried" in refused("operator", "jobs", "retry", "job_2", code=Exit.REFUSED)


def test_a_job_is_erased_and_what_went_is_counted(world: World) -> None:
    world.clock.now = now_ms()
    with dated_by(world.clock):
        job = queued(world)
    (line,) = transcribe("operator", "jobs", "erase", job.job_id)
    went = "job_1 erased: 1 recording, 0 results, 0 work, 2 records"
    assert line == f"{went}; it is searched for what is left, and final after that"
    assert world.store.jobs.get(job.job_id) is None
    assert transcribe("operator", "jobs", "erase", job.job_id) == [line], "the receipt can be had again"
    for command in ("cancel", "retry"):
        assert "no job job_1" in refused("operator", "jobs", command, job.job_id)
    assert "no job job_2" in refused("operator", "jobs", "erase", "job_2")


def test_what_needs_the_bucket_says_so_where_nobody_told_of_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    queued(world)
    monkeypatch.delenv("CONFIG_PARAMETER")
    assert "Set CONFIG_PARAMETER" in refused("operator", "jobs", "cancel", "job_1")


def test_a_job_is_never_looked_for_in_another_deployments_bucket(world: World) -> None:
    queued(world)
    put_settings(world, TABLE_NAME="anothers", BUCKET_NAME="anothers")
    for command in ("cancel", "retry", "erase"):
        told = refused("operator", "jobs", command, "job_1")
        assert re.search(r"TABLE_NAME is .* of the deployment with the table anothers", told)
    assert job_of(world).status is JobStatus.QUEUED


def test_a_job_of_a_newer_release_is_left_alone(world: World) -> None:
    queued(world)
    world.change(keys.job("job_1"), schema_version=99)
    assert "written by a newer release" in refused("operator", "jobs", "cancel", "job_1")


def test_a_name_that_cannot_be_a_clients_is_refused_before_anything_is_done(world: World) -> None:
    for command in (("clients", "add"), ("keys", "create"), ("operator", "callbacks", "list"), ("stages",)):
        assert "1 to 40 small letters" in refused(*command, "No Client")
    assert transcribe("clients", "list") == []


def test_the_help_names_every_variable_that_a_command_needs() -> None:
    told = " ".join(transcribe("--help"))
    needed = {"TRANSCRIBE_URL", "TRANSCRIBE_KEY", *(name.upper() for name in deployment.CliSettings.model_fields)}
    for_the_local_stack = "WEBHOOK_ALLOW_PRIVATE"
    assert {name for name in needed if name not in told} == {for_the_local_stack}
