"""Packages are the same to the byte, whatever the file system says about times, order and modes."""

from __future__ import annotations

import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from tools import requirements
from tools.archives import write_tar, write_zip

FILES = {"b/module.py": b"x = 1\n", "a.so": b"\x7fELF...", "run": b"#!/bin/sh\n", "a/deep/er.txt": b""}


def lay_out(folder: Path, names: list[str], *, mode: int, time: int) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES[name])
        path.chmod(mode)
        os.utime(path, (time, time))
    return folder


@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_order_times_and_modes_leave_no_trace(write: object, tmp_path: Path) -> None:
    assert callable(write)
    first = lay_out(tmp_path / "first", list(FILES), mode=0o600, time=1_000_000_000)
    second = lay_out(tmp_path / "second", list(reversed(FILES)), mode=0o777, time=1_700_000_000)
    write(first, tmp_path / "first.out")
    write(second, tmp_path / "second.out")
    assert (tmp_path / "first.out").read_bytes() == (tmp_path / "second.out").read_bytes()


def test_libraries_and_scripts_can_be_run_and_the_rest_can_be_read(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "files", list(FILES), mode=0o600, time=0)
    write_zip(folder, tmp_path / "out.zip")
    write_tar(folder, tmp_path / "out.tar.gz")
    expected = {"a/deep/er.txt": 0o644, "a.so": 0o755, "b/module.py": 0o644, "run": 0o755}
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()} == expected
    with tarfile.open(tmp_path / "out.tar.gz") as tar:
        assert {info.name: info.mode for info in tar.getmembers()} == expected


PINNED = """\
boto3==1.2.3 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via gpu-transcriber (pyproject.toml)
colorama==0.4 ; sys_platform == 'win32' \\
    --hash=sha256:cc
zope-interface==5.0 \\
    --hash=sha256:dd
"""


def test_a_pinned_file_is_taken_apart_by_package() -> None:
    assert requirements.pins(PINNED) == {"boto3": "1.2.3", "colorama": "0.4", "zope-interface": "5.0"}
    assert "boto3" not in requirements.without(PINNED, ["boto3"])
    assert requirements.without(PINNED, ["boto3", "colorama"]) == requirements.only(PINNED, ["zope-interface"])


def test_a_package_that_is_not_pinned_is_not_passed_over() -> None:
    with pytest.raises(KeyError):
        requirements.only(PINNED, ["httpx"])
