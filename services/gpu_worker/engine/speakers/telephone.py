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
    "wBQs0LgMEQvP+80dS+oF7fgcRRIrSvNhO8z12iJb5/jtyxpcvt5D8ioamhYSHK8qHBUHIgfgDSc49umhGLE5Ac/2tOwiNOUfGhWnPhL0"
    "BvLzMrErzgl/MonKywT0BwoUG0bf3NDP7NQ60w8k1CncuBDI6ugxLBnE4eXz19W9OdztLt0qGffRFvO01/D6BStw+NDj7wHiDLYbzsgC"
    "3C3a3lc3O1INM9gT7W5RgyEhHy/+V+nYJ/gLN+8uDQAq9NE4"
)
"""Numbers of eight bits, of which only the direction counts. It belongs to the network of the file `embedding.onnx`.

`python -m tests.bench.speakers.telephone_direction` finds it, also for another network: it compares pieces of 1.5 s of
synthesizers' voices as they are, and through a telephone (300 to 3,400 Hz, 8 kHz, A-law).
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
