"""What a telephone does to a voice, and how it is taken away. Pure.

On a telephone, the network of voices finds all people more alike: each voice is moved in the same direction. What lies
in this direction says little about who speaks, so it is left out, of every recording.
"""

from __future__ import annotations

import base64
import functools

import numpy as np

from services.gpu_worker.engine.speakers.joining import Float

_DIRECTION = (
    "xfkswKj7JRDX4tAgLtDeD+8aOQlIWPpLIuHp6SNx4RXTyx9Vrehh6kQgmQ38E6cnKAwXGAz1JTU/++C1B9wb/eIlyuUSFvomEfmZ"
    "R/IF2Or6RbcO7uprBI+8u/nHGA8jIzn09ry1CN0o8BgOzSHwqhbG6P9TOS/HweD0ve/MBcTmF84jNwXhN+CkyfPxHCt/4b/8C+De"
    "AawO1r4B4gLOyFUwK2wRGfQd7mBShAEhHiwCTOXULfn4O98iDgQtDOEo"
)
"""Numbers of eight bits, of which only the direction counts. It belongs to the network of the file `embedding.onnx`.

Measured: pieces of 1.5 s of eleven voices of synthesizers, as they were and through a telephone (300 to 3,400 Hz, eight
bits on a curve); the mean of each voice's differences, and of these the mean. Seven voices of real meetings give nearly
the same direction (the cosine is 0.8), and the same speakers.
`python -m tests.bench.speakers.telephone_direction` finds it again, for another network.
"""


def without_telephone(voices: Float) -> Float:
    """Voices, shape (n, numbers), less what a telephone may have added; each of length one."""
    direction = telephone_direction()
    left = voices - (voices @ direction)[:, None] * direction
    lengths = np.linalg.norm(left, axis=1, keepdims=True)
    return np.asarray(left / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)


@functools.cache
def telephone_direction() -> Float:
    """The direction in which a telephone moves a voice, of length one."""
    numbers = np.frombuffer(base64.b64decode(_DIRECTION), np.int8).astype(np.float32)
    return np.asarray(numbers / np.linalg.norm(numbers), np.float32)
