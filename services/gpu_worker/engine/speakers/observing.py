"""Stand-in until the real one is merged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from services.gpu_worker.engine.speakers.networks import Networks
from services.gpu_worker.engine.speakers.observations import Observation


def observe(networks: Networks, windows: Sequence[npt.NDArray[np.int16]]) -> list[Observation]:
    raise NotImplementedError
