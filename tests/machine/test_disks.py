"""The instance's own disk, free as on our own image or taken as on the public one; a loop device stands for it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.machine.container import Container
from tests.machine.fleet import Fleet

DISK_MIB = 300
AWS = "Amazon EC2 NVMe Instance Storage        "
"""As the kernel gives the model's name, padded."""
TAKEN = """
[Unit]
DefaultDependencies=no
After=local-fs.target
Before=transcribe-scratch.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/mkfs.ext4 -q -F /dev/nvme1n1
ExecStart=/usr/bin/mkdir -p /opt/dlami/nvme
ExecStart=/usr/bin/mount /dev/nvme1n1 /opt/dlami/nvme
ExecStart=/usr/bin/touch /opt/dlami/nvme/anothers
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty block device."""
    image = tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(DISK_MIB << 20)
    made = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True, check=True)
    device = Path(made.stdout.strip())
    yield device
    subprocess.run(["losetup", "--detach", device], check=True)


Disked = Callable[[str], Container]


@pytest.fixture
def disked(quick: Container, disk: Path, tmp_path: Path) -> Disked:
    """A machine with a disk of this model."""

    def make(model: str) -> Container:
        folder = tmp_path / "nvme" / "nvme1"
        folder.mkdir(parents=True)
        (folder / "model").write_text(f"{model}\n", encoding="utf-8")
        for path in (tmp_path, folder.parent, folder):
            path.chmod(0o755)
        quick.bind(folder.parent, "/etc/nvme")
        quick.device(disk, "/dev/nvme1n1")
        quick.drop_in("transcribe-scratch.service", "[Service]", "Environment=NVME=/etc/nvme")
        quick.environment["LEAST_FREE_GIB"] = "0.1"
        return quick

    return make


def note(fleet: Fleet, container: Container) -> str:
    """What the machine says in its slot of where recordings lie, once it has done its job."""
    container.environment["IDLE_SECONDS"] = "20"
    machine, job_id = fleet.launch(container)
    assert fleet.client.wait(job_id, seconds=60)["status"] == "completed"
    slot = fleet.slot()
    assert slot
    machine.give_notice()
    fleet.wait_until_off(machine)
    return slot.note or ""


def test_a_free_disk_is_formatted_and_holds_the_recordings(fleet: Fleet, disked: Disked) -> None:
    assert note(fleet, disked(AWS)).startswith("recordings lie on a disk of their own, 0.")


def test_a_disk_that_is_mounted_elsewhere_is_used_where_it_is_and_not_formatted(
    fleet: Fleet, disked: Disked, disk: Path, tmp_path: Path
) -> None:
    container = disked(AWS)
    container.lay("/etc/systemd/system/dlami-nvme.service", TAKEN)
    container.drop_in("transcribe-scratch.service", "[Unit]", "Wants=dlami-nvme.service")
    assert note(fleet, container).startswith("recordings lie on a disk of their own, 0.")
    there = tmp_path / "there"
    there.mkdir()
    subprocess.run(["mount", disk, there], check=True)
    found = {path.name for path in there.iterdir()}
    subprocess.run(["umount", there], check=True)
    assert {"anothers", "transcribe"} <= found


def test_a_disk_of_another_kind_is_left_alone_and_the_slot_says_that_the_root_volume_is_used(
    fleet: Fleet, disked: Disked, disk: Path
) -> None:
    assert note(fleet, disked("Amazon Elastic Block Store")).startswith("recordings lie on the root volume,")
    assert subprocess.run(["blkid", "--probe", disk], capture_output=True, check=False).returncode == 2
