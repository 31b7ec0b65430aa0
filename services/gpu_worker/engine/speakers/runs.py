"""Where a mask is true. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def runs(mask: npt.NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    """The first index of each run in which a mask is true, and the one behind its last."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False)).tolist()
    return tuple(zip(edges[::2], edges[1::2], strict=True))
