"""Archives that depend on nothing but their content: the same files give the same bytes, anywhere and at any time."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)
_READABLE, _RUNNABLE = 0o644, 0o755


def write_zip(folder: Path, destination: Path) -> None:
    """All files below `folder`, sorted by name, with one time and one mode each."""
    with zipfile.ZipFile(destination, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in _files(folder):
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            info.create_system = 3  # Unix, wherever it was made, so that the mode counts
            info.external_attr = (0o100000 | _mode(path)) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, path.read_bytes())


def write_tar(folder: Path, destination: Path) -> None:
    """The same as `.tar.gz`."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in _files(folder):
            info = tarfile.TarInfo(path.relative_to(folder).as_posix())
            info.size = path.stat().st_size
            info.mode = _mode(path)
            with path.open("rb") as file:
                archive.addfile(info, file)
    # Most of it is a program that hardly shrinks further, whatever time is spent on it.
    destination.write_bytes(gzip.compress(content.getvalue(), 1, mtime=0))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _mode(path: Path) -> int:
    """Libraries and scripts run, whatever the file system that they were unpacked on thinks of them."""
    with path.open("rb") as file:
        return _RUNNABLE if file.read(2) in (b"#!", b"\x7fE") else _READABLE
