"""Joins descriptions of voices, the most alike first, as long as they are alike enough. Pure.

How alike two groups are is the mean cosine between a piece of the one and a piece of the other. It becomes less when
segmentation has told the two apart within windows: then they are two people, however alike they sound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

_TOLD_APART = np.float32(0.3)
"""How much less alike two groups are that segmentation has always told apart."""
_DOUBT = np.float32(4)
"""So many pairs of pieces it takes until that is half of it: segmentation errs at times."""
_NEVER = np.float32(-9)


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of pieces."""

    means: Float
    """Shape (groups, numbers): the mean of their voices, by seconds."""
    seconds: Float
    """Shape (groups,)."""
    together: Float
    """Shape (groups, groups): pairs of pieces, one of each group, that segmentation heard as one voice in a window."""
    apart: Float
    """The same of two voices in a window."""

    def alike(self) -> Float:
        """Shape (groups, groups): how alike two groups are."""
        return self.means @ self.means.T - _penalty(self.together, self.apart)


def joined(groups: Groups, least: float, *, at_most: int | None = None) -> Labels:
    """Which group each group ends in, numbered from 0.

    Args:
        groups: at most some thousands.
        least: how alike two groups must be to be joined.
        at_most: groups are joined, however little they are alike, until there are no more than so many.

    """
    state = _Joining(groups)
    while state.left > 1 and (state.most() >= least or (at_most is not None and state.left > at_most)):
        state.join()
    return np.unique(state.labels, return_inverse=True)[1]


def grouped(groups: Groups, labels: Labels) -> Groups:
    """What the groups are after they have been joined."""
    member: Float = (np.arange(labels.max() + 1)[:, None] == labels).astype(np.float32)
    seconds: Float = np.matmul(member, groups.seconds)
    means: Float = np.matmul(member, groups.means * groups.seconds[:, None]) / seconds[:, None]
    together: Float = np.linalg.multi_dot([member, groups.together, member.T])
    apart: Float = np.linalg.multi_dot([member, groups.apart, member.T])
    return Groups(means, seconds, together, apart)


def _penalty(together: Float, apart: Float) -> Float:
    penalty: Float = _TOLD_APART * apart / (together + apart + _DOUBT)
    return penalty


class _Joining:
    """Groups that are being joined; `best` holds how alike each is to the one that is most like it."""

    def __init__(self, groups: Groups) -> None:
        self.labels: Labels = np.arange(len(groups.means))
        self.left = len(groups.means)
        self._means = groups.means.copy()
        self._seconds = groups.seconds.copy()
        self._together = groups.together.copy()
        self._apart = groups.apart.copy()
        self._gone = np.zeros(self.left, bool)
        self._alike = groups.alike()
        np.fill_diagonal(self._alike, _NEVER)
        self._best: Float = self._alike.max(axis=1)

    def most(self) -> float:
        return float(self._best.max())

    def join(self) -> None:
        """Join the two groups that are most alike; the one with the lower index remains."""
        one = int(self._best.argmax())
        kept, lost = sorted((one, int(self._alike[one].argmax())))
        share = self._seconds[lost] / (self._seconds[kept] + self._seconds[lost])
        self._means[kept] += share * (self._means[lost] - self._means[kept])
        self._seconds[kept] += self._seconds[lost]
        for pairs in (self._together, self._apart):
            pairs[kept] += pairs[lost]
            pairs[:, kept] += pairs[:, lost]
        self._gone[lost] = True
        self.labels[self.labels == lost] = kept
        self.left -= 1
        self._renew(kept, lost)

    def _renew(self, kept: int, lost: int) -> None:
        before = np.maximum(self._alike[:, kept], self._alike[:, lost])
        row = self._means @ self._means[kept] - _penalty(self._together[kept], self._apart[kept])
        row[self._gone] = row[kept] = _NEVER
        self._alike[kept] = self._alike[:, kept] = row
        self._alike[lost] = self._alike[:, lost] = _NEVER
        np.maximum(self._best, row, out=self._best)
        # Whose best was one of the two has to look again.
        again = np.flatnonzero((before >= self._best) & ~self._gone)
        self._best[again] = self._alike[again].max(axis=1)
        self._best[kept], self._best[lost] = row.max(), _NEVER
