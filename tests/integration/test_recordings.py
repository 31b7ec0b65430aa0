"""Recordings as people make them, read as they are heard: a few of each kind. `nox -s recordings` has all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recordings import pool
from tests.recordings.judge import judge
from tests.recordings.matrix import named
from tests.recordings.mutations import AIR, BASES, base
from tests.recordings.readers import Mutation, planned

pytestmark = pytest.mark.ffmpeg
MUTATIONS = 150
SEED = 2
"""Other mutations than the whole proof's."""
FEW = (
    "encodings/adpcm_ms_8000_2ch.wav",
    "encodings/libmp3lame_ba_48k_16000_1ch.mp3",
    "encodings/aac_44100_2ch.m4a",
    "encodings/libopus_48000_1ch.webm",
    "encodings/mp2_f_vob_48000_1ch.mpg",
)


@pytest.mark.parametrize("name", FEW)
def test_what_people_record_is_read_as_they_hear_it(tmp_path: Path, name: str) -> None:
    assert judge(named(name), tmp_path).faults == ()


def test_a_changed_file_ends_as_text_or_as_a_code_for_people(tmp_path: Path) -> None:
    names = [*BASES, AIR]
    bases = [base(name, tmp_path / name) for name in names[:: len(names) // 15]]
    tasks = [Mutation(bases[number % len(bases)], SEED, number) for number in range(MUTATIONS)]
    assert [(ended.task.name, ended.failure) for ended in pool.run(planned, tasks, seconds=20) if ended.failure] == []
