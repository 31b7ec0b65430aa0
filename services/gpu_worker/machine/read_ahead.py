"""Files brought in ahead of their first use: `python -m services.gpu_worker.machine.read_ahead LIST`, early at boot.

The blocks of a volume that is made from an image arrive on first touch, one reader at a time a few megabytes a second.
Many readers at once are faster, and what was read once lies in memory. Which files a machine needs for its first second
is seen where its image is made: `--record --folder … LIST -- COMMAND …` makes memory forget what lies in these folders,
runs the command, and notes what of them lies in memory then. Imports nothing of ours, so that it begins at once.
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
"""A file, where in it, and how many bytes."""


def pieces(path: Path) -> list[Piece]:
    """A file in chunks, each for one reader."""
    size = path.stat().st_size
    return [(str(path), start, min(CHUNK_BYTES, size - start)) for start in range(0, size, CHUNK_BYTES)]


def of_folder(folder: Path) -> list[Piece]:
    """The files that lie in a folder."""
    return [piece for path in sorted(folder.iterdir()) if path.is_file() for piece in pieces(path)]


def touch(wanted: Iterable[Piece], stop: threading.Event | None = None) -> int:
    """Read each piece once, by many readers, until `stop` is set; returns how many bytes.

    What cannot be read is passed over.
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
    """What a command reads in these folders, small files first: an interpreter asks for those before it loads a model.

    Raises:
        CalledProcessError: the command failed.

    """
    paths = [path for folder in folders for path in folder.rglob("*")]
    files = [path for path in paths if path.is_file() and not path.is_symlink() and path.stat().st_size]
    os.sync()
    for path in files:
        _forget(path)
    subprocess.run(command, check=True)  # noqa: S603 - whoever records says what
    files.sort(key=lambda path: (path.stat().st_size, path))
    return [piece for path in files for piece in resident(path)]


def resident(path: Path) -> list[Piece]:
    """The pieces of a file of which something lies in memory."""
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
    """One piece a line: where in the file, how many bytes, the file."""
    path.write_text("".join(f"{start}\t{size}\t{name}\n" for name, start, size in found), encoding="utf-8")


def read_list(path: Path) -> list[Piece]:
    """What `write_list` wrote."""
    lines = (line.split("\t", 2) for line in path.read_text(encoding="utf-8").splitlines())
    return [(name, int(start), int(size)) for start, size, name in lines]


def main(arguments: Sequence[str]) -> int:
    """Exit status 0, or that of a command that failed while it was recorded."""
    parser = argparse.ArgumentParser(prog="read_ahead", description=__doc__)
    parser.add_argument("list", type=Path)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--folder", type=Path, action="append", default=[])
    parser.add_argument("--file", type=Path, action="append", default=[], help="taken whole, and first")
    # argparse would look into the command, which has options and perhaps a double dash of its own.
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
