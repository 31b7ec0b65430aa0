"""Finds the direction in which a telephone moves voices: the constant of telephone.py, for the network that is there.

`python -m tests.bench.speakers.telephone_direction --kept FOLDER` makes three of the dialogues, unless the folder holds
them, and compares each piece of a voice with the same piece on a telephone.
"""

from __future__ import annotations

import argparse
import base64
import sys
import tempfile
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.decode.catalogue import SPEAKERS
from services.gpu_worker.engine.decode.model_files import locate
from services.gpu_worker.engine.speakers.eight_bits import Float, direction, eight_bits
from services.gpu_worker.engine.speakers.filterbank import FRAME, HOP, filterbank
from services.gpu_worker.engine.speakers.networks import Networks, OnnxNetworks
from services.gpu_worker.engine.speakers.telephone import telephone_direction
from tests.bench.speakers.recordings import Recording, made, over_the_phone
from tests.bench.speakers.turns import Turn
from tests.support.acoustics import Sound, load

DIALOGUES = ("clean-3", "clean-5", "clean-8")
FRAMES = 150
"""Of a piece: 1.5 s."""
_SAMPLES = (FRAMES - 1) * HOP + FRAME


def moved(heard: Iterable[Recording], networks: Networks) -> Float:
    """Where a telephone moves voices: for each voice the mean of its pieces, of all voices the mean; of length one."""
    differences: dict[str, list[Float]] = defaultdict(list)
    for recording in heard:
        wide = load(recording.path)
        with tempfile.TemporaryDirectory() as folder:
            narrow = over_the_phone(wide, Path(folder) / recording.name)
        for turn in recording.turns:
            differences[turn.speaker] += _differences(turn, wide, narrow, networks)
    of_voices = [np.mean(own, axis=0) for own in differences.values() if own]
    mean = np.mean(of_voices, axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def _differences(turn: Turn, wide: Sound, narrow: Sound, networks: Networks) -> Iterator[Float]:
    for start in range(round(turn.start * RATE), round(turn.end * RATE) - _SAMPLES, FRAMES * HOP):
        pieces = [np.rint(sound[start : start + _SAMPLES] * 32767).astype(np.int16) for sound in (wide, narrow)]
        bands = np.stack([filterbank(piece) for piece in pieces])
        there, here = networks.embed(bands - bands.mean(axis=1, keepdims=True))
        yield here / np.linalg.norm(here) - there / np.linalg.norm(there)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kept", type=Path, required=True, help="the folder of made dialogues")
    heard = made(DIALOGUES, parser.parse_args().kept)
    found = eight_bits(moved(heard, OnnxNetworks(locate(SPEAKERS).folder)))
    cosine = float(direction(found) @ telephone_direction())
    lines = [*textwrap.wrap(base64.b64encode(found).decode(), 104), f"cosine with the direction in use: {cosine:.3f}"]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
