"""One round: everything that is looked for, what was found of it, and what came of that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

from services.cli.operator.cleanup.deployed import Deployed
from services.cli.operator.cleanup.finding import Finding, Kind
from services.cli.operator.cleanup.reasons import REFUSALS, reason
from services.cli.printing import note, problem
from services.common.domain.times import now_ms


class Round:
    """What a deployment has left over, of some kinds. Of what it may not see or end, it says why, and does the rest."""

    def __init__(self, deployed: Deployed, kinds: Sequence[Kind]) -> None:
        self.deployed = deployed
        self._kinds = kinds
        self.found: list[tuple[Kind, Finding]] = []
        self._unseen: dict[str, list[str]] = defaultdict(list)
        """Why something could not be looked for → what."""
        self._done: dict[tuple[str, str], bool] = {}
        self._not_ended = 0

    @property
    def refused(self) -> bool:
        """Whether something could not be seen, or not be ended."""
        return bool(self._unseen or self._not_ended)

    def look(self) -> None:
        """Look for everything, and say what could not be seen."""
        now = now_ms()
        for kind in self._kinds:
            try:
                self.found += [(kind, finding) for finding in kind.find(self.deployed, now)]
            except REFUSALS as error:
                self._unseen[reason(error)].append(kind.many)
        for why, kinds in self._unseen.items():
            problem(f"cannot see {', '.join(kinds)}: {why}.")

    def end(self) -> None:
        """End what was found, if it is found once more."""
        for kind, group in groupby(self.found, key=lambda one: one[0]):
            self._end(kind, [finding for _, finding in group])

    def document(self) -> dict[str, Any]:
        """What was found and what came of it, for programs; `done` is null if nothing was tried."""
        found = [
            {
                "action": kind.action,
                "name": finding.name,
                "why": finding.why,
                "done": self._done.get((kind.action, finding.name)),
            }
            for kind, finding in self.found
        ]
        unseen = [{"what": kind, "why": why} for why, kinds in self._unseen.items() for kind in kinds]
        return {"deployment": self.deployed.name, "region": self.deployed.region, "found": found, "unseen": unseen}

    def attempt(self, what: str, do: Callable[[], object]) -> bool:
        """Do something; False if AWS refused it, which is told."""
        try:
            do()
        except REFUSALS as error:
            problem(f"{what}: {reason(error)}.")
            self._not_ended += 1
            return False
        return True

    def _end(self, kind: Kind, findings: Iterable[Finding]) -> None:
        again: dict[str, Finding] = {}
        seen = self.attempt(
            kind.many, lambda: again.update({one.name: one for one in kind.find(self.deployed, now_ms())})
        )
        for name in (finding.name for finding in findings):
            what = f"{kind.action} {name}"
            done = name in again and self.attempt(what, again[name].end)
            self._done[kind.action, name] = done
            if done:
                note(f"{what}: done")
            elif seen and name not in again:
                note(f"{what}: left alone, since it is not as it was any more")
