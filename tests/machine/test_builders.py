"""The machine that an image was taken of is restarted by EC2, and must not spoil that; whoever starts from it works."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.machine.container import Container, worker_of
from tests.machine.fleet import Fleet
from tools.machine_tree import BUILDER, IDENTITY

LEFT_SECONDS = 8


def as_sealed(container: Container, ends_at: float) -> None:
    container.lay("/etc/transcriber/builder", f"IDENTITY_FILE={IDENTITY}\nBUILDER={BUILDER}\nENDS_AT={ends_at:.0f}\n")


def test_the_builder_restarted_works_on_nothing_stays_and_ends_when_its_time_is_over(
    fleet: Fleet, quick: Container
) -> None:
    quick.identity = BUILDER
    # Each would end it sooner, if it were not masked there.
    quick.drop_in("transcribe-lifetime.timer", "[Timer]", "OnBootSec=", "OnBootSec=3s")
    quick.drop_in("transcribe-boot-deadline.timer", "[Timer]", "OnBootSec=", "OnBootSec=3s")
    ends_at = time.time() + LEFT_SECONDS
    as_sealed(quick, ends_at)
    machine, job_id = fleet.launch(quick)
    with pytest.raises(TimeoutError):
        worker_of(machine.process, seconds=LEFT_SECONDS / 2)
    fleet.wait_until_off(machine)
    assert time.time() >= ends_at - 1
    job = fleet.stack.store.jobs.get(job_id)
    assert job
    assert "claimed" not in job.times


def test_a_builder_whose_time_was_over_before_it_came_up_ends_at_once(fleet: Fleet, quick: Container) -> None:
    quick.identity = BUILDER
    as_sealed(quick, time.time() - 3_600)
    machine, _ = fleet.launch(quick)
    assert fleet.wait_until_off(machine) < LEFT_SECONDS


def test_any_other_machine_of_the_same_image_works(fleet: Fleet, quick: Container) -> None:
    as_sealed(quick, time.time() + LEFT_SECONDS)
    machine, job_id = fleet.launch(quick)
    assert fleet.client.wait(job_id, seconds=60)["status"] == "completed"
    fleet.wait_until_off(machine)


def test_the_tree_knows_who_built_it(tree: Path) -> None:
    """By the script that Packer runs."""
    built = (tree / "etc/transcriber/builder").read_text(encoding="utf-8")
    assert f"BUILDER={BUILDER}\n" in built
