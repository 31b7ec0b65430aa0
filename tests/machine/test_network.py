"""A machine of an own image comes onto the network without cloud-init, by the file that the image brings."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machine.container import Container

IMAGE = Path(__file__).parents[2] / "packer" / "provision" / "conf" / "image"
FILE = "/etc/systemd/network/10-transcribe.network"
OURS, ITS = "transcribe0", "ens5"
SECONDS = 30
SAY = f"""
[Unit]
Wants=systemd-networkd.service
[Service]
ExecStart=/bin/sh -c 'until networkctl status {ITS} | grep -q "State: routable"; do sleep 0.1; done; \
    networkctl status {ITS}; systemctl --no-block poweroff'
StandardOutput=journal+console
"""


@pytest.fixture
def machine(container: Container, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Boots with a card that nobody has configured."""
    container.cable = f"{OURS}:{ITS}"
    container.lay(FILE, (IMAGE / FILE.lstrip("/")).read_text(encoding="utf-8"))
    container.lay("/etc/cloud/cloud-init.disabled", "")
    container.lay("/etc/systemd/system/say.service", SAY)
    container.drop_in("multi-user.target", "[Unit]", "Wants=say.service")
    with (tmp_path / "console").open("wb") as log:
        booted = container.boot("i-1", {}, log)
    yield booted
    booted.kill()
    booted.wait()


@pytest.fixture
def addresses(machine: subprocess.Popen[bytes], tmp_path: Path) -> Iterator[None]:
    """Gives them, as a VPC does."""
    until = time.monotonic() + SECONDS
    while not Path(f"/sys/class/net/{OURS}").exists():
        assert machine.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    subprocess.run(["ip", "address", "add", "10.98.0.1/24", "dev", OURS], check=True)
    subprocess.run(["ip", "link", "set", OURS, "up"], check=True)
    server = subprocess.Popen(
        [
            *("dnsmasq", "--no-daemon", "--port=0", f"--interface={OURS}", "--bind-interfaces", "--pid-file="),
            *("--dhcp-range=10.98.0.50,10.98.0.99,1h", f"--dhcp-leasefile={tmp_path / 'leases'}", "--user=root"),
        ]
    )
    yield
    server.kill()
    server.wait()


@pytest.mark.usefixtures("addresses")
def test_a_machine_finds_its_network_without_cloud_init(machine: subprocess.Popen[bytes], tmp_path: Path) -> None:
    assert machine.wait(SECONDS) == 0
    console = (tmp_path / "console").read_text("utf-8", "replace")
    assert f"Network File: {FILE}" in console
    assert "10.98.0." in console
    assert "cloud-init-local.service" not in console
