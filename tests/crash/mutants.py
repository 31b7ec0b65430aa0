"""Mistakes planted into the real code, each of which an invariant must notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from boto3.dynamodb.conditions import Attr

from services.common.domain import object_keys
from services.common.domain.errors import DecoderFailedError, InvalidMediaError
from services.common.domain.lifecycle import job_changes, part_changes
from services.common.domain.lifecycle.change import Change
from services.common.domain.machines import Slot
from services.common.domain.records import MERGE_PART, Job, Part
from services.common.domain.states import PartStatus, SlotStatus
from services.common.store import changes, endings, leases
from services.common.store.announcements import Announcement
from services.common.store.operations import Update
from services.common.store.slots import Slots, slot_name
from services.gpu_worker.machine import retrying
from services.gpu_worker.part import endings as worker_endings
from services.orchestrator import fleet, launch, reaper, upload_meaning
from tests.support.faults import Crash, Mode

Plant = Callable[[ExitStack], None]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A mistake, and where it shows."""

    name: str
    plant: Plant
    scenario: str
    modes: frozenset[Mode]
    at: str = ""
    """The kind of call at which it shows, so that nobody has to look for it at all the others; empty: any."""


def _fence(stack: ExitStack, instead: Callable[[Part], Any]) -> None:
    for module in (leases, endings):
        stack.enter_context(patch.object(module, "fence", instead))


def _no_fence(stack: ExitStack) -> None:
    _state_only(stack)
    stack.enter_context(patch.object(changes, "may", lambda _: Attr("pk").exists()))


def _state_only(stack: ExitStack) -> None:
    _fence(stack, lambda _: Attr("pk").exists())


def _event_beside(stack: ExitStack) -> None:
    def finish(self: endings.Endings, part: Part, ending: Change[Job], announcement: Announcement) -> None:
        own = changes.update(part_changes.finish(part), changes.fence(part))
        self._table.transact([own, changes.update(ending)])
        for operation in announcement.operations():
            self._table.transact([operation])

    stack.enter_context(patch.object(endings.Endings, "finish", finish))


def _unfenced_heartbeat(stack: ExitStack) -> None:
    def heartbeat(self: leases.Leases, part: Part, *, lease_ends: int, on_device: bool, progress: float) -> Part:
        beat = part_changes.beat(part, lease_ends, on_device=on_device, progress=progress)
        self._table.write(replace(changes.update(beat), when=Attr("pk").exists()))
        return beat.after

    stack.enter_context(patch.object(leases.Leases, "heartbeat", heartbeat))


def _unfenced_key(stack: ExitStack) -> None:
    stack.enter_context(patch.object(object_keys, "result_prefix", lambda job_id, _: f"results/{job_id}/0/"))


def _no_token(stack: ExitStack) -> None:
    real = launch._fleet

    def forgetful(request: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in real(request).items() if name != "ClientToken"}

    stack.enter_context(patch.object(launch, "_fleet", forgetful))


def _leaving_counts(stack: ExitStack) -> None:
    def next_slot(wanted: int, slots: Mapping[str, Slot], max_workers: int) -> str | None:
        names = map(slot_name, range(min(wanted, max_workers)))
        return None if len(slots) >= wanted else next((name for name in names if name not in slots), None)

    stack.enter_context(patch.object(fleet, "next_slot", next_slot))


def _next_free_slot(stack: ExitStack) -> None:
    real = Slots.take

    def take(self: Slots, slot: Slot) -> bool:
        if real(self, slot):
            return True
        name = slot_name(int(slot.slot) + 1)
        moved = replace(slot, slot=name, request={**slot.request, "slot": name})
        object.__setattr__(slot, "slot", moved.slot)
        object.__setattr__(slot, "request", moved.request)
        return real(self, moved)

    stack.enter_context(patch.object(Slots, "take", take))


def _merge_without_claim(stack: ExitStack) -> None:
    real_claim, real_update = leases.Leases.claim, changes.update

    def claim(self: leases.Leases, part: Part, job: Job, **more: Any) -> Part | None:
        if part.part_id == MERGE_PART:
            return replace(part, status=PartStatus.RUNNING, owner=more["owner"], attempt=1, due_at=more["lease_ends"])
        return real_claim(self, part, job, **more)

    def update(change: Change[Any], when: Any = None) -> Update:
        written = real_update(change, when)
        merges = isinstance(change.before, Part) and change.before.part_id == MERGE_PART
        return replace(written, when=Attr("pk").exists()) if merges else written

    stack.enter_context(patch.object(leases.Leases, "claim", claim))
    for module in (leases, endings):
        stack.enter_context(patch.object(module, "update", update))


def _freed_too_early(stack: ExitStack) -> None:
    real = reaper.Reaper._handle_slot

    def handle_slot(self: reaper.Reaper, slot: Slot, instances: Mapping[str, Any], now: int) -> bool:
        if slot.status is SlotStatus.LEAVING:
            return self._free(slot, now)
        return real(self, slot, instances, now)

    stack.enter_context(patch.object(reaper.Reaper, "_handle_slot", handle_slot))


def _others_left_open(stack: ExitStack) -> None:
    """And nobody who comes across one closes it: he would look at it for ever, so here he dies of it."""

    def die(*_: object) -> None:
        raise Crash

    stack.enter_context(patch.object(endings.Endings, "_others", lambda *_: []))
    stack.enter_context(patch.object(leases.Leases, "close", die))


def _impatient(stack: ExitStack) -> None:
    stack.enter_context(patch.object(retrying, "is_transient", lambda _: False))


def _blamed_on_the_device(stack: ExitStack) -> None:
    real = worker_endings.PartEndings.settle

    def settle(self: worker_endings.PartEndings, claim: Any, engine: Any, error: Exception) -> None:
        real(self, claim, engine, DecoderFailedError(str(error)) if isinstance(error, InvalidMediaError) else error)

    stack.enter_context(patch.object(worker_endings.PartEndings, "settle", settle))


def _kept_by_a_hung_engine(stack: ExitStack) -> None:
    """Nobody gives the part back, and it is taken up only once its lease is over."""
    stack.enter_context(patch.object(worker_endings.PartEndings, "_device_died", lambda *_: None))


def _told_is_uploaded(stack: ExitStack) -> None:
    stack.enter_context(patch.object(upload_meaning, "_accounted_for_until", lambda _: -1))


def _erased_once(stack: ExitStack) -> None:
    stack.enter_context(patch.object(upload_meaning, "_meaning_after_erasure", lambda *_: upload_meaning.Meaning.KNOWN))


def _ends_with_earlier_words(stack: ExitStack) -> None:
    stack.enter_context(patch.object(changes, "in_sequence", lambda _: Attr("pk").exists()))


def _numbered_by_the_clock_alone(stack: ExitStack) -> None:
    stack.enter_context(patch.object(job_changes, "_in_sequence", lambda _, now: {"sequence": now}))


_EVERY = frozenset(Mode)
_RIVALS = frozenset({Mode.RIVAL, Mode.STEAL})
_CRASHES = frozenset({Mode.BEFORE, Mode.AFTER})
_COMMIT = "dynamodb.TransactWriteItems"

MUTANTS = (
    Mutant(name="no fence", plant=_no_fence, scenario="single part", modes=_RIVALS, at=_COMMIT),
    Mutant(name="state-only guard", plant=_state_only, scenario="single part", modes=_RIVALS, at=_COMMIT),
    Mutant(
        name="event written beside the state", plant=_event_beside, scenario="single part", modes=_CRASHES, at=_COMMIT
    ),
    Mutant(
        name="unfenced heartbeat",
        plant=_unfenced_heartbeat,
        scenario="single part",
        modes=_RIVALS,
        at="dynamodb.UpdateItem",
    ),
    Mutant(
        name="result under an unfenced key",
        plant=_unfenced_key,
        scenario="single part",
        modes=_RIVALS,
        at="s3.PutObject",
    ),
    Mutant(
        name="missing client token", plant=_no_token, scenario="capacity error", modes=_CRASHES, at="ec2.CreateFleet"
    ),
    Mutant(name="leaving slots counted as capacity", plant=_leaving_counts, scenario="leaving", modes=_EVERY),
    Mutant(name="next free slot instead of the lowest", plant=_next_free_slot, scenario="single part", modes=_RIVALS),
    Mutant(name="merge without a claim", plant=_merge_without_claim, scenario="three parts with merge", modes=_RIVALS),
    Mutant(
        name="other parts of a failed job left open",
        plant=_others_left_open,
        scenario="one of three parts fails",
        modes=_CRASHES,
    ),
    Mutant(name="a throttled call ends the worker", plant=_impatient, scenario="throttled", modes=_EVERY),
    Mutant(name="a bad file counts against the device", plant=_blamed_on_the_device, scenario="bad file", modes=_EVERY),
    Mutant(
        name="a hung engine keeps its part",
        plant=_kept_by_a_hung_engine,
        scenario="device died once",
        modes=_EVERY,
    ),
    Mutant(
        name="a repeated event starts a second run", plant=_told_is_uploaded, scenario="uploaded again", modes=_EVERY
    ),
    Mutant(
        name="a plain re-upload survives its erasure",
        plant=_erased_once,
        scenario="erased, uploaded again",
        modes=_EVERY,
    ),
    Mutant(
        name="a job ends with the words that its worker had read",
        plant=_ends_with_earlier_words,
        scenario="updated",
        modes=_EVERY,
    ),
    Mutant(
        name="messages are numbered by the clock alone",
        plant=_numbered_by_the_clock_alone,
        scenario="single part",
        modes=_EVERY,
    ),
    Mutant(
        name="slot freed before the machine is gone", plant=_freed_too_early, scenario="every slot taken", modes=_EVERY
    ),
)


@contextmanager
def planted(name: str | None) -> Iterator[None]:
    """The code with that mistake in it."""
    with ExitStack() as stack:
        for mutant in MUTANTS:
            if mutant.name == name:
                mutant.plant(stack)
        yield
