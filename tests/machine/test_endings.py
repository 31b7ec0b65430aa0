"""However a machine's life goes wrong, it ends in power-off, and says why where it can."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.local.instance_metadata import MetadataService
from tests.machine.container import Container, crash, device_of, hang, worker_of
from tests.machine.fleet import Fleet

USER_DATA = Path(__file__).parents[2] / "terraform" / "modules" / "gpu_worker" / "user-data.sh.tftpl"
PATIENT = "15"
"""Seconds without work that outlast the lease of a worker that is no more, so that its machine takes the part again."""
NOTICE_TO_OFF_SECONDS = 10
LONG = 8
"""How many meetings make a recording that is not done before it can be disturbed."""


def test_a_worker_that_crashes_is_started_again_and_the_job_completes_on_the_same_machine(
    fleet: Fleet, quick: Container
) -> None:
    quick.environment["IDLE_SECONDS"] = PATIENT
    machine, job_id = fleet.launch(quick, times=LONG)
    fleet.client.wait(job_id, until={"running"}, seconds=60)
    crash(worker_of(machine.process))
    job = fleet.client.wait(job_id, seconds=120)
    assert job["status"] == "completed"
    assert job["attempt"] == 2
    assert '"attempt": 2' in fleet.console(machine), "the second attempt was this machine's too"
    assert '"event": "work_folder.cleaned"' in fleet.console(machine), "what the crash left is still on the disk"
    fleet.wait_until_off(machine)
    assert '"event": "worker.died"' in fleet.shipped(machine), "systemd's view of the crash left the machine"


def test_a_worker_that_crashes_again_and_again_takes_its_machine_with_it(fleet: Fleet, quick: Container) -> None:
    machine, job_id = fleet.launch(quick, times=LONG)
    last = 0
    for _ in range(3):
        last = worker_of(machine.process, other_than=last)
        crash(last)
    fleet.wait_until_off(machine)
    assert "start request repeated too quickly" in fleet.console(machine).casefold()
    assert fleet.client.job(job_id)["status"] in {"queued", "running"}, "the job is another machine's now, not lost"


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("SELF_TEST_FLOOR_CPU", "1000000", "SELF_TEST_FAILED: The known clip ran at"),
        ("SELF_TEST_LIKENESS", "0.6", "SELF_TEST_FAILED: The known clip came out"),
        ("DEVICE", "cuda", "MACHINE_UNFIT: This machine takes no work: a GPU was promised"),
        ("LEAST_FREE_GIB", "1000000", "MACHINE_UNFIT: This machine takes no work:"),
        ("MODELS_FOLDER", "/nowhere", "MODEL_UNAVAILABLE: The model whisper-base is neither"),
    ],
    ids=["slow device", "wrong words", "no GPU", "full disk", "no model"],
)
def test_an_unfit_machine_claims_nothing_and_says_why_in_slot_and_log(
    fleet: Fleet, quick: Container, setting: str, value: str, says: str
) -> None:
    quick.environment[setting] = value
    machine, job_id = fleet.launch(quick)
    assert fleet.note(machine).startswith(says)
    fleet.wait_until_off(machine)
    last = json.loads(fleet.shipped(machine).splitlines()[-1])
    assert last["event"] == "worker.failed"
    assert f"{last['code']}: {last['message']}".startswith(says)
    job = fleet.stack.store.jobs.get(job_id)
    assert job
    assert "claimed" not in job.times


def test_a_damaged_model_is_refused_by_its_digest(
    fleet: Fleet, container: Container, tree: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "models"
    shutil.copytree(tree / "opt/transcribe/models", damaged)
    (model,) = damaged.rglob("model.bin")
    with model.open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\0" * 64)
    tmp_path.chmod(0o755)
    container.bind(damaged, "/opt/transcribe/models")
    machine, _ = fleet.launch(container)
    assert fleet.note(machine).startswith("DAMAGED_MODEL: model.bin of the model whisper-base")
    fleet.wait_until_off(machine)


def test_settings_that_are_wrong_are_all_named_in_the_last_line(fleet: Fleet, quick: Container) -> None:
    quick.environment |= {"LEASE_SECONDS": "soon", "SELF_TEST_LIKENESS": "much"}
    machine, _ = fleet.launch(quick)
    fleet.wait_until_off(machine)
    (last,) = [line for line in fleet.console(machine).splitlines() if '"event": "worker.failed"' in line]
    assert "LEASE_SECONDS" in last
    assert "SELF_TEST_LIKENESS" in last


@pytest.fixture
def untagged() -> Iterator[MetadataService]:
    service = MetadataService(instance_id="i-0", instance_type="g4dn.xlarge", zone="eu-north-1a", tags={"Name": "x"})
    yield service
    service.close()


def test_a_machine_without_its_tags_names_them_all_and_powers_off(
    fleet: Fleet, quick: Container, untagged: MetadataService
) -> None:
    quick.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = untagged.endpoint
    machine, _ = fleet.launch(quick)
    fleet.wait_until_off(machine)
    assert "lacks the instance tags transcribe-config, transcribe-slot, transcribe-launch-id" in fleet.console(machine)


def test_a_spot_notice_gives_the_part_back_and_powers_off(fleet: Fleet, quick: Container) -> None:
    machine, job_id = fleet.launch(quick, times=LONG)
    fleet.client.wait(job_id, until={"running"}, seconds=60)
    machine.give_notice()
    noticed = time.monotonic()
    fleet.wait_until_off(machine)
    seconds = time.monotonic() - noticed
    sys.stdout.write(f"{seconds:6.1f} s  from spot notice to off\n")
    assert seconds <= NOTICE_TO_OFF_SECONDS
    log = fleet.shipped(machine)
    assert '"why": "spot notice"' in log
    assert '"event": "part.given_back"' in log


def test_a_machine_whose_lifetime_is_over_gives_its_part_back_and_powers_off(fleet: Fleet, quick: Container) -> None:
    quick.drop_in("transcribe-lifetime.timer", "[Timer]", "OnBootSec=", "OnBootSec=15s")
    quick.environment["IDLE_SECONDS"] = "1000"
    machine, _ = fleet.launch(quick)
    fleet.wait_until_off(machine)
    assert '"why": "SIGTERM"' in fleet.shipped(machine)


def test_a_worker_older_than_its_lifetime_leaves_by_itself(fleet: Fleet, quick: Container) -> None:
    quick.environment |= {"MAX_LIFETIME_MINUTES": "0.1", "IDLE_SECONDS": "1000"}
    machine, _ = fleet.launch(quick)
    fleet.wait_until_off(machine)
    assert '"why": "lifetime over"' in fleet.shipped(machine)


def test_a_shutdown_that_hangs_is_forced(fleet: Fleet, quick: Container) -> None:
    quick.drop_in("poweroff.target", "[Unit]", "JobTimeoutSec=5s")
    quick.lay(
        "/etc/systemd/system/stubborn.service",
        "[Unit]\nBefore=transcribe-worker.service\n[Service]\nExecStart=/usr/bin/sleep infinity\n"
        "ExecStop=/usr/bin/sleep infinity\nTimeoutStopSec=infinity\n",
    )
    quick.drop_in("transcribe-worker.service", "[Unit]", "Wants=stubborn.service")
    machine, _ = fleet.launch(quick)
    assert fleet.wait_until_off(machine) > 0


def test_a_worker_that_hangs_is_ended_by_the_watchdog_and_the_job_completes(fleet: Fleet, quick: Container) -> None:
    quick.drop_in("transcribe-worker.service", "[Service]", "WatchdogSec=6s")
    quick.environment |= {"HANG_SECONDS": "5", "IDLE_SECONDS": PATIENT}
    machine, job_id = fleet.launch(quick, times=LONG)
    fleet.client.wait(job_id, until={"running"}, seconds=60)
    hang(worker_of(machine.process))
    job = fleet.client.wait(job_id, seconds=120)
    assert job["status"] == "completed"
    fleet.wait_until_off(machine)
    assert "Watchdog timeout" in fleet.console(machine)


def test_a_device_that_hangs_is_replaced_and_the_job_completes_on_the_same_machine(
    fleet: Fleet, quick: Container
) -> None:
    quick.environment |= {"ENGINE_PATIENCE_SECONDS": "2", "IDLE_SECONDS": PATIENT}
    machine, job_id = fleet.launch(quick, times=LONG)
    fleet.client.wait(job_id, until={"running"}, seconds=60)
    hang(device_of(worker_of(machine.process)))
    job = fleet.client.wait(job_id, seconds=120)
    assert (job["status"], job["attempt"]) == ("completed", 2)
    fleet.wait_until_off(machine)
    console = fleet.console(machine)
    assert '"event": "device.hung"' in console
    assert '"attempt": 2' in console, "the second attempt was this machine's too"


def test_a_boot_that_fails_powers_off(fleet: Fleet, quick: Container) -> None:
    """By cloud-init itself, one of whose stages cannot do what it was configured to."""
    quick.lay("/var/lib/cloud/seed/nocloud/meta-data", "instance-id: i-0\n")
    quick.lay("/var/lib/cloud/seed/nocloud/user-data", "#cloud-config\nlocale: no_SUCH.locale\n")
    quick.drop_in("transcribe-worker.service", "[Service]", "ExecStart=", "ExecStart=/usr/bin/sleep infinity")
    machine, _ = fleet.launch(quick)
    fleet.wait_until_off(machine)
    assert "cloud-config.service: Triggering OnFailure= dependencies" in fleet.console(machine)


@pytest.mark.parametrize(
    ("fetching", "logging", "says", "sent"),
    [
        ("exit 1", 'cat "$@" > /dev/console', "provisioning failed", True),
        ("sleep infinity", 'cat "$@" > /dev/console', "transcribe-provision-deadline", True),
        ("exit 1", "sleep infinity", "provisioning failed", False),
    ],
    ids=["fails", "hangs", "fails, and the log hangs"],
)
def test_a_first_boot_that_cannot_provision_itself_sends_what_was_said_and_powers_off(
    fleet: Fleet, quick: Container, fetching: str, logging: str, says: str, *, sent: bool
) -> None:
    """Terraform's user data, run by cloud-init on a machine without a worker, while the bucket fails or hangs.

    The command that would send lines to CloudWatch writes them and its arguments to the console.
    """
    script = USER_DATA.read_text(encoding="utf-8").replace("--on-active=25min", "--on-active=5s")
    script = script.replace("timeout -k 1 10", "timeout -k 1 2").replace("timeout -k 1 20", "timeout -k 1 2")
    for name in ("region", "bucket", "artifact", "lifetime_minutes", "session_manager", "log_group"):
        script = script.replace(f"${{{name}}}", name)
    quick.lay("/var/lib/cloud/seed/nocloud/meta-data", "instance-id: i-0\n")
    quick.lay("/var/lib/cloud/seed/nocloud/user-data", script)
    # The tree, unlike a cloud's image, has no locales, and cloud-init would give up over that.
    quick.lay("/etc/cloud/cloud.cfg.d/99-test.cfg", "locale: false\n")
    aws = """#!/bin/bash
if [[ $1 == s3 ]]; then
  echo "the bucket says: no such artifact"
  FETCHING
elif [[ $2 == put-log-events ]]; then
  echo "sent to $6 $8" > /dev/console
  set -- "${10#file://}"
  LOGGING
fi
"""
    aws = aws.replace("FETCHING", fetching).replace("LOGGING", logging)
    quick.lay("/usr/local/bin/aws", aws, mode=0o755)
    # As if it were not there yet: cloud-init runs scripts once everything else has started.
    quick.drop_in(
        "transcribe-worker.service", "[Service]", "Type=simple", "ExecStart=", "ExecStart=/usr/bin/sleep infinity"
    )
    machine, _ = fleet.launch(quick)
    fleet.wait_until_off(machine)
    console = fleet.console(machine)
    assert says in console
    assert "sent to log_group i-0/provisioning" in console
    assert ('"message": "the bucket says: no such artifact"}' in console) is sent


def test_a_boot_that_hangs_powers_off(fleet: Fleet, quick: Container) -> None:
    quick.drop_in("transcribe-worker.service", "[Service]", "ExecStart=", "ExecStart=/usr/bin/sleep infinity")
    quick.drop_in("transcribe-boot-deadline.timer", "[Timer]", "OnBootSec=", "OnBootSec=5s")
    machine, _ = fleet.launch(quick)
    fleet.wait_until_off(machine)


def test_a_boot_that_ends_in_emergency_mode_powers_off(fleet: Fleet, quick: Container) -> None:
    quick.lay(
        "/etc/systemd/system/broken.service",
        "[Unit]\nDefaultDependencies=no\nBefore=local-fs.target\n[Service]\nType=oneshot\nExecStart=/bin/false\n",
    )
    quick.drop_in("local-fs.target", "[Unit]", "Requires=broken.service", "After=broken.service")
    machine, _ = fleet.launch(quick)
    fleet.wait_until_off(machine)
    assert "mergency" in fleet.console(machine)
