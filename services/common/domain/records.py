"""What the table holds, as values. Times are epoch milliseconds unless a name says otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.common.domain.states import CallbackStatus, DeliveryStatus, JobStatus, PartStatus, SlotStatus

SCHEMA_VERSION = 1
BEGUN_ANEW_VERSION = 2
"""Of a job that has begun anew: left alone by earlier releases, which would take one recording's work for another's."""
KNOWN_VERSIONS = frozenset({SCHEMA_VERSION, BEGUN_ANEW_VERSION})
PART = "PART#"
"""How the name of every part begins."""
FIRST_PART, MERGE_PART = f"{PART}0000", f"{PART}MERGE"


def part_name(index: int) -> str:
    """The sort key of a plan's part."""
    return f"{PART}{index:04d}"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One recording on its way to text."""

    job_id: str
    client_id: str
    status: JobStatus
    created_at: int
    source_key: str
    """Where the recording lies in the bucket."""
    source_etag: str = ""
    """The very object the job was made for; empty until it has arrived."""
    source_bytes: int = 0
    source_modified: int = 0
    """S3's LastModified of that object, in whole seconds; 0: an earlier release took it in."""
    source_seen: int = 0
    """The same of the latest upload that no run was made of: it came while one was under way, or before a cancel."""
    edition: int = 0
    """How often the recording was uploaded once more, and the job begun anew."""
    file_name: str
    """As the client named it."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """As submitted; `Options.parse` completes them."""
    waiting: str | None = None
    waiting_reason: str | None = None
    parts: int = 1
    parts_done: int = 0
    generation: int = 0
    """Raised by every further run, so that its events are told from those of the one before."""
    own_callback: str | None = None
    """Id of a callback registered for this job alone."""
    result: Mapping[str, Any] | None = None
    """`{attempt, prefix, files: {format: {key, bytes, sha256}}, duration_seconds, …}` once completed."""
    error: Mapping[str, Any] | None = None
    """`{code, message, retryable}` once failed."""
    times: Mapping[str, int] = field(default_factory=dict)
    """Stage → when it was reached."""
    cost: Mapping[str, Any] = field(default_factory=dict)
    """`{machine_seconds, dollars, …}` once completed."""
    upload_expires_at: int | None = None
    expires_at: int | None = None
    """Epoch seconds after which DynamoDB deletes the item."""

    @property
    def awaits_upload(self) -> bool:
        """Whether it was registered, and its recording has not come; also if it was given up meanwhile."""
        return self.status in {JobStatus.AWAITING_UPLOAD, JobStatus.EXPIRED}

    @property
    def place(self) -> str:
        """Under which its work and results lie: what was made of one upload is never taken for another's."""
        return f"{self.job_id}/upload-{self.edition + 1}" if self.edition else self.job_id


@dataclass(frozen=True, kw_only=True)
class Part:
    """The unit of work: claimed, leased, heartbeat by heartbeat, by one worker at a time."""

    job_id: str
    part_id: str
    status: PartStatus
    client_id: str
    created_at: int
    seconds: float = 0.0
    """Length of its audio, estimated from bytes until it is known."""
    parts: int = 1
    """Into how many parts its plan was cut; the job must agree before this one may be claimed."""
    attempt: int = 0
    """Raised by every claim: the fence that every later write must show."""
    owner: str | None = None
    """Who holds it: one name per boot."""
    beat: int = 0
    """Raised by every heartbeat; the sweep believes only a counter that stands still."""
    on_device: bool = False
    """Whether its audio was being decoded when it was last heard of: then a death counts against it."""
    deaths: int = 0
    """How often a process died while it had this part on the device."""
    losses: int = 0
    """How often its machine vanished otherwise."""
    faults: int = 0
    """How often a device, a disk or a reading failed it, so that it was tried again elsewhere."""
    progress: float = 0.0
    due_at: int = 0
    """Queued: its place in the queue; running: when its lease ends."""
    not_before: int = 0
    """Nobody claims it sooner: what broke its last attempt needs time to pass."""
    behind: int = 0
    """When a process died over it: those that were queued by then go first (`LONGEST_WAIT_MS`). 0: never."""
    suspected: bool = False
    """Whether a process died over one of several, this among them: its clips have the device for themselves since."""
    expires_at: int | None = None


def part_index(part: Part) -> int:
    """Which part of the plan this is."""
    return int(part.part_id.removeprefix(PART))


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a job; `body` is the webhook's body, frozen when the event is committed."""

    job_id: str
    """Of a test message or a challenge: the callback's id, which then stands wherever a job's would."""
    event_id: str
    client_id: str
    type: str
    created_at: int
    body: str
    expires_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class Callback:
    """An endpoint that wants to hear of events."""

    callback_id: str
    client_id: str
    url: str
    events: Sequence[str]
    prefix: str = ""
    """Only jobs whose source key begins so; relative to nothing, the whole key."""
    job_id: str | None = None
    """Set where it was registered for one job only."""
    status: CallbackStatus = CallbackStatus.ACTIVE
    disabled_reason: str | None = None
    description: str | None = None
    secrets: Sequence[Mapping[str, Any]] = ()
    """`{ciphertext: base64, created_at, expires_at?}`, newest first."""
    created_at: int = 0
    failing_since: int | None = None
    """Since when nothing got through; None once something did."""
    expires_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One event on its way to one callback, with the ledger of its tries."""

    job_id: str
    event_id: str
    event_type: str
    client_id: str
    callback_id: str
    own_callback: bool = False
    """Whether the callback lies with the job instead of with the client."""
    host: str = ""
    """Where it goes: deliveries of one client to one host take turns."""
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    attempts_before: int = 0
    """Of which so many lie before the last redelivery that somebody asked for: the schedule starts anew there."""
    tries: Sequence[Mapping[str, Any]] = ()
    """`{at, outcome, status, milliseconds, detail}` for each try, the latest last."""
    owner: str | None = None
    due_at: int = 0
    created_at: int = 0
    expires_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The right to run one machine."""

    slot: str
    status: SlotStatus
    launch_id: str
    """CreateFleet's ClientToken and the machine's tag: new for every try."""
    request: Mapping[str, Any]
    """What was asked for, frozen, so that a lost reply is replayed word for word."""
    taken_at: int
    instance_id: str | None = None
    instance_type: str | None = None
    zone: str | None = None
    market: str = "spot"
    owner: str | None = None
    beat: int = 0
    due_at: int = 0
    times: Mapping[str, int] = field(default_factory=dict)
    suspected: bool = False
    """Set by the sweep that first missed its heartbeat; the next one ends it unless it was heard of."""
    note: str | None = None
    """The machine's last words, for people."""


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """How many machines in a row were launched and never reported, and until when no other is."""

    silent_boots: int = 0
    open_until: int = 0
    waiting: str | None = None
    """What jobs wait for, where the last one's end was the account's doing: no machine comes until that is mended."""
    reason: str | None = None
    """Why the last one ended, in sentences."""
