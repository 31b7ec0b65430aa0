"""Writes reproducible archives: the same files give the same bytes, on any machine and at any time."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)
_READABLE, _RUNNABLE = 0o644, 0o755


def write_zip(folder: Path, destination: Path) -> None:
    """Write all files below `folder` to a zip, sorted by name, all with the same time, and with modes by content."""
    with zipfile.ZipFile(destination, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in _files(folder):
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            info.create_system = 3  # Unix, on any system, so that the mode counts
            info.external_attr = (0o100000 | _mode(path)) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, path.read_bytes())


def write_tar(folder: Path, destination: Path) -> None:
    """Write all files below `folder` to a `.tar.gz`, in the same way."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in _files(folder):
            info = tarfile.TarInfo(path.relative_to(folder).as_posix())
            info.size = path.stat().st_size
            info.mode = _mode(path)
            with path.open("rb") as file:
                archive.addfile(info, file)
    # The lowest level is enough: most of the content is a program that hardly gets smaller at higher ones.
    destination.write_bytes(gzip.compress(content.getvalue(), 1, mtime=0))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _mode(path: Path) -> int:
    """A file's mode by its content: libraries and scripts are executable, whatever the file system says."""
    with path.open("rb") as file:
        return _RUNNABLE if file.read(2) in (b"#!", b"\x7fE") else _READABLE
