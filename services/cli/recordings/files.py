"""Files of texts: their names, of which none is used twice, and their writing, which replaces nothing unasked."""

from __future__ import annotations

import os
import secrets
import unicodedata
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from services.common.domain.options import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from services.cli.recordings.outputs import Output

MAX_STEM_BYTES = 200
"""Most file systems take names of 255 bytes: a number, an ending and the name of a temporary file must fit too."""
SEPARATORS = "/\\"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the files of one recording go: their folder and stem, and a number if the stem alone is taken."""

    folder: Path
    stem: str
    number: int = 1

    def path(self, form: str) -> Path:
        numbered = self.stem if self.number == 1 else f"{self.stem}_{self.number}"
        return self.folder / f"{numbered}.{form}"


class Files:
    """The files of one run. One thread uses it."""

    def __init__(self, output: Output, *, began: datetime, kept: Iterable[Path] = ()) -> None:
        """Take what decides on names.

        Args:
            output: where texts go.
            began: when the run began, in local time, for default names.
            kept: files that are never replaced, not even if asked: the recordings.

        """
        self._output = output
        self._default = f"transcription_{began:%Y%m%d_%H%M%S}"
        self._taken = {_known(path) for path in kept}
        self._numbers: dict[tuple[Path, str], int] = {}

    def place(self, recording: Path | None, file_name: str) -> Place:
        """Choose the place of a recording's files, which no other recording of this run gets.

        Args:
            recording: where it lies; None: it is a URL, standard input or a job.
            file_name: its name, from wherever.

        """
        place = Place(folder=self._output.folder or Path(), stem=self._default)
        if self._output.beside and recording is not None:
            place = Place(folder=recording.parent, stem=_fitting(recording.stem))
        elif self._output.beside or self._output.folder is not None:
            place = Place(folder=place.folder, stem=safe_stem(file_name) or self._default)
        return self._next(place)

    def write(self, place: Place, contents: Mapping[str, bytes]) -> list[Path]:
        """Write the files of a recording, each as a whole, with the next free number; returns their paths.

        Args:
            place: of `place`.
            contents: by format.

        Raises:
            OSError: they could not be written; none is there, unless files may be replaced.

        """
        place.folder.mkdir(exist_ok=True)
        drafts: dict[str, Path] = {}
        try:
            for form, content in contents.items():
                drafts[form] = place.folder / f".{place.stem}.{secrets.token_hex(4)}"
                _write(drafts[form], content)
            while (written := self._named(drafts, place)) is None:
                place = self._next(place)
            return written
        finally:
            for draft in drafts.values():
                draft.unlink(missing_ok=True)

    def _named(self, drafts: Mapping[str, Path], place: Place) -> list[Path] | None:
        """Give the drafts their names; None: one of these has been taken meanwhile."""
        if self._output.force:
            return [draft.replace(place.path(form)) for form, draft in drafts.items()]
        named: dict[Path, Path] = {}
        try:
            for form, draft in drafts.items():
                _link(draft, place.path(form))
                named[place.path(form)] = draft
        except FileExistsError:
            _take_back(named)
            return None
        except OSError:
            _take_back(named)
            raise
        return list(named)

    def _next(self, place: Place) -> Place:
        """Take the first free place after those that were taken of this stem."""
        stem = (place.folder, place.stem)
        place = replace(place, number=self._numbers.get(stem, 0) + 1)
        while not self._free(place):
            place = replace(place, number=place.number + 1)
        self._numbers[stem] = place.number
        self._taken.update(_known(place.path(form)) for form in FORMATS)
        return place

    def _free(self, place: Place) -> bool:
        # Two recordings never share a default name, not even with other formats.
        forms = FORMATS if place.stem == self._default else self._output.formats
        paths = [place.path(form) for form in forms]
        if any(_known(path) in self._taken for path in paths):
            return False
        return self._output.force or not any(os.path.lexists(path) for path in paths)


def safe_stem(file_name: str) -> str:
    """The stem of a name from outside, as a name in a folder of ours; empty: it has none."""
    plain = "".join(one if one.isprintable() and one not in SEPARATORS else "_" for one in file_name)
    return _fitting(Path(plain).stem.strip(" ."))


def _fitting(stem: str) -> str:
    while len(os.fsencode(stem)) > MAX_STEM_BYTES:
        stem = stem[:-1]
    return stem


def _known(path: Path) -> tuple[Path, str]:
    """What is the same for names that are one file on some file system: those of macOS and Windows ignore case."""
    return path.parent.resolve(), unicodedata.normalize("NFC", path.name).casefold()


def _write(path: Path, content: bytes) -> None:
    # Not by `tempfile`, whose files only their owner can read: this one keeps its mode, which is as usual.
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _link(draft: Path, target: Path) -> None:
    """Give a file a further name.

    Raises:
        FileExistsError: the name is taken.

    """
    try:
        target.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:
        # Some file systems have one name a file. Taken first, the name can be replaced without harm to another's file.
        target.touch(exist_ok=False)
        draft.replace(target)


def _take_back(named: Mapping[Path, Path]) -> None:
    """Remove names from drafts that have got them."""
    for target, draft in named.items():
        with suppress(OSError):
            # Renaming one of two names of a file to the other does nothing.
            target.unlink() if draft.exists() else target.replace(draft)
