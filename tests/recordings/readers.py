"""What the processes do: judge a case, or plan a mutation."""

from __future__ import annotations

import functools
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

import av

from services.common.domain.errors import TranscriberError
from services.common.domain.options import Options
from tests.recordings.judge import Verdict, judge
from tests.recordings.matrix import cases
from tests.recordings.mutations import mutated
from tests.support.listening import plan_of

REFUSALS = {"INVALID_MEDIA", "NO_AUDIO_TRACK", "AUDIO_TOO_LONG"}
"""The codes that say what is wrong with a file."""

logging.getLogger("libav").setLevel(logging.CRITICAL)
av.logging.set_level(None)


@dataclass(frozen=True)
class Mutation:
    """A number of a seed's mutations, and the file that it changes."""

    path: Path
    seed: int
    number: int

    def data(self) -> bytes:
        return mutated(_read(self.path), self.seed, self.number)

    @property
    def name(self) -> str:
        return f"mutation-{self.seed}-{self.number}-{self.path.name}"


@functools.cache
def _read(path: Path) -> bytes:
    return path.read_bytes()


def judged(number: int) -> Verdict:
    """The case of this number."""
    with tempfile.TemporaryDirectory(prefix="recordings-") as folder:
        return judge(cases()[number], Path(folder))


def planned(mutation: Mutation) -> str:
    """`exact`, `warned`, or the code with which it was refused; raises what is none of a file's faults."""
    with tempfile.TemporaryDirectory(prefix="recordings-") as folder:
        path = Path(folder) / mutation.path.name
        path.write_bytes(mutation.data())
        try:
            plan = plan_of(path, Options.parse({}, ["any"]), max_seconds=600)
        except TranscriberError as error:
            if error.code not in REFUSALS:
                raise
            return error.code
    return "warned" if plan.warnings else "exact"
