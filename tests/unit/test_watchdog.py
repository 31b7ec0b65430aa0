"""systemd is told that the worker is well only while all that must move moves."""

from __future__ import annotations

import socket
from pathlib import Path

from services.gpu_worker.machine.systemd import Watchdog, notify


class World:
    def __init__(self) -> None:
        self.now = 0.0
        self.sent: list[str] = []
        self.watchdog = Watchdog(
            ("loop", "heartbeats"), patience_seconds=90, send=self.sent.append, clock=lambda: self.now
        )


def test_while_both_beat_systemd_hears_it() -> None:
    world = World()
    for second in range(0, 300, 10):
        world.now = second
        world.watchdog.beat("loop")
        world.watchdog.beat("heartbeats")
    assert world.sent.count("WATCHDOG=1") == 60


def test_a_heart_that_beats_alone_does_not_hide_a_loop_that_hangs() -> None:
    world = World()
    for second in range(0, 300, 10):
        world.now = second
        world.watchdog.beat("heartbeats")
    assert world.sent.count("WATCHDOG=1") == 10  # up to second 90, when the loop's patience is over


def test_loading_a_model_does_not_count_as_hanging() -> None:
    world = World()
    world.now = 250
    world.watchdog.ready()
    world.watchdog.beat("loop")
    assert world.sent == ["READY=1", "WATCHDOG=1"]


def test_messages_reach_systemds_socket(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        notify("READY=1", {"NOTIFY_SOCKET": address})
        assert systemd.recv(100) == b"READY=1"


def test_without_systemd_nothing_is_sent() -> None:
    notify("READY=1", {})
