"""Reads files before their first use: `python -m services.gpu_worker.machine.read_ahead LIST`, early at boot.

A volume that is made from an image loads each block at its first read; a single reader gets a few megabytes a second.
Many readers at once are faster, and what they have read stays in the page cache. Which files a machine needs first is
recorded when its image is made: `--record --folder … LIST -- COMMAND …` drops the files in these folders from the page
cache, runs the command, and notes which pieces of them are cached afterwards. This module imports none of the
project's others, so that it starts at once.
"""

from __future__ import annotations

import argparse
import ctypes
import mmap
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

READERS = 32
CHUNK_BYTES = 1 << 20
Piece = tuple[str, int, int]
"""A file, an offset in it, and a number of bytes."""


def pieces(path: Path) -> list[Piece]:
    """The pieces of a file, `CHUNK_BYTES` each, the last one shorter."""
    size = path.stat().st_size
    return [(str(path), start, min(CHUNK_BYTES, size - start)) for start in range(0, size, CHUNK_BYTES)]


def of_folder(folder: Path) -> list[Piece]:
    """The pieces of all files that lie directly in a folder."""
    return [piece for path in sorted(folder.iterdir()) if path.is_file() for piece in pieces(path)]


def touch(wanted: Iterable[Piece], stop: threading.Event | None = None) -> int:
    """Read each piece once, by many readers, until `stop` is set; returns how many bytes were read.

    A piece that cannot be read is skipped.
    """
    own = threading.local()

    def one(piece: Piece) -> int:
        if stop and stop.is_set():
            return 0
        path, start, size = piece
        if not hasattr(own, "room"):
            own.room = bytearray(CHUNK_BYTES)
        try:
            with Path(path).open("rb", buffering=0) as file:
                return os.preadv(file.fileno(), [memoryview(own.room)[:size]], start)
        except OSError:
            return 0

    with ThreadPoolExecutor(READERS) as pool:
        return sum(pool.map(one, wanted))


def record(folders: Iterable[Path], command: Sequence[str]) -> list[Piece]:
    """The pieces that a command reads in these folders, small files first: Python needs those before it loads a model.

    Raises:
        CalledProcessError: the command failed.

    """
    paths = [path for folder in folders for path in folder.rglob("*")]
    files = [path for path in paths if path.is_file() and not path.is_symlink() and path.stat().st_size]
    os.sync()
    for path in files:
        _forget(path)
    subprocess.run(command, check=True)  # noqa: S603 - the caller's own command
    files.sort(key=lambda path: (path.stat().st_size, path))
    return [piece for path in files for piece in resident(path)]


def resident(path: Path) -> list[Piece]:
    """The pieces of a file that are at least partly in the page cache."""
    size, page = path.stat().st_size, mmap.PAGESIZE
    with path.open("rb") as file, mmap.mmap(file.fileno(), size, mmap.MAP_PRIVATE) as view:
        found = (ctypes.c_ubyte * -(-size // page))()
        address = ctypes.addressof(ctypes.c_char.from_buffer(view))
        if ctypes.CDLL(None, use_errno=True).mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), found):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
    return [
        (name, start, length)
        for name, start, length in pieces(path)
        if any(flags & 1 for flags in found[start // page : -(-(start + length) // page)])
    ]


def _forget(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def write_list(path: Path, found: Iterable[Piece]) -> None:
    """Write one piece a line: the offset, the number of bytes, the file."""
    path.write_text("".join(f"{start}\t{size}\t{name}\n" for name, start, size in found), encoding="utf-8")


def read_list(path: Path) -> list[Piece]:
    """The pieces that `write_list` wrote."""
    lines = (line.split("\t", 2) for line in path.read_text(encoding="utf-8").splitlines())
    return [(name, int(start), int(size)) for start, size, name in lines]


def main(arguments: Sequence[str]) -> int:
    """Read or record; the exit status is 0, or that of a recorded command that failed."""
    parser = argparse.ArgumentParser(prog="read_ahead", description=__doc__)
    parser.add_argument("list", type=Path)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--folder", type=Path, action="append", default=[])
    parser.add_argument("--file", type=Path, action="append", default=[], help="taken whole, and first")
    # The command is taken off first: argparse would read its options, and perhaps its own double dash.
    end = arguments.index("--") if "--" in arguments else len(arguments)
    chosen, command = parser.parse_args(arguments[:end]), arguments[end + 1 :]
    if chosen.record:
        try:
            found = [piece for path in chosen.file for piece in pieces(path)] + record(chosen.folder, command)
        except subprocess.CalledProcessError as error:
            return error.returncode
        write_list(chosen.list, found)
    done = sum(size for *_, size in found) if chosen.record else touch(read_list(chosen.list))
    sys.stdout.write(f"read_ahead: {done >> 20} MiB {'recorded' if chosen.record else 'read'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
