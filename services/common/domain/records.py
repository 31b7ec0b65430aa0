"""The records that the table holds. Their times are epoch milliseconds, but `expires_at` is in epoch seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.common.domain.states import CallbackStatus, DeliveryStatus, JobStatus, PartStatus

SCHEMA_VERSION = 1
BEGUN_ANEW_VERSION = 2
"""The version of a job that has begun anew. Earlier releases leave it alone: they would take one recording's work for
another's."""
KNOWN_VERSIONS = frozenset({SCHEMA_VERSION, BEGUN_ANEW_VERSION})
PART = "PART#"
"""The prefix of every part's id."""
FIRST_PART, MERGE_PART = f"{PART}0000", f"{PART}MERGE"


def part_name(index: int) -> str:
    """The id of a plan's part, by its index from 0; it is also the part's sort key."""
    return f"{PART}{index:04d}"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One recording on its way to text."""

    job_id: str
    client_id: str
    status: JobStatus
    created_at: int
    source_key: str
    """The recording's key in the bucket."""
    source_etag: str = ""
    """The ETag of the object that the job transcribes; empty until it has arrived."""
    source_bytes: int = 0
    source_modified: int = 0
    """S3's LastModified of that object, in whole seconds; 0 if an earlier release took it in."""
    source_seen: int = 0
    """The same of the latest upload of which no run was made: it came during a run, or before the job was canceled."""
    edition: int = 0
    """How often the job has begun anew, since its recording was uploaded once more."""
    file_name: str
    """The file name that the client gave."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The options as submitted; `Options.parse` completes them."""
    vocabulary: Mapping[str, Any] | None = None
    """What the job keeps of the vocabulary that the options name, from its registration on: `{words, count}`
    (`KeptWords`)."""
    left_out: Sequence[Mapping[str, Any]] | None = None
    """The defaults of its client without which the job of a plain upload runs, as `{option, code, message}`
    (`client_defaults.py`)."""
    reference: str | None = None
    """The client's own name for the job (`annotations.py`)."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What the client notes on the job for itself."""
    names: Sequence[str | None] = field(default_factory=list)
    """The client's names for the speakers, in the order in which they are first heard."""
    sequence: int = 0
    """A hybrid logical clock: the time of the last change that was announced or made by an update, in epoch
    milliseconds, or one more than before if that is later. 0: an earlier release made the last one."""
    waiting: str | None = None
    waiting_reason: str | None = None
    parts: int = 1
    parts_done: int = 0
    generation: int = 0
    """Raised by every further run, so that its events differ from those of the run before."""
    own_callback: str | None = None
    """Id of a callback registered for this job alone."""
    named_callback: str | None = None
    """Id of the client's registered callback that gets this job's events whatever its prefix. A job has no callback of
    its own beside it."""
    result: Mapping[str, Any] | None = None
    """`{attempt, prefix, files: {format: {key, bytes, sha256}}, duration_seconds, …}` once completed."""
    error: Mapping[str, Any] | None = None
    """`{code, message, retryable}` once failed."""
    times: Mapping[str, int] = field(default_factory=dict)
    """Stage → when it was reached."""
    correction: Mapping[str, Any] | None = None
    """The newest correction of the text: `{number, changed_at, by, base, changes, bytes, sha256, text}`. `changes` is
    their digest, and `text` is `{bytes, sha256}` (`services/common/corrections.py`)."""
    tell_correction_at: int | None = None
    """When it is to be announced, unless it is followed by another one before; None: nothing is to be announced."""
    cost: Mapping[str, Any] = field(default_factory=dict)
    """`{machine_seconds, dollars, …}` of all attempts that have ended a part or the job, those of earlier runs too."""
    upload_expires_at: int | None = None
    expected_until: int = 0
    """Until when a machine may wait for the upload, before it has come; 0: none does."""
    declared: Mapping[str, Any] = field(default_factory=dict)
    """What the client said of its upload, to which every form and link holds it: `{size, content_type,
    checksum_sha256, checksum_crc32, multipart}`, without what it left out."""
    multipart: Mapping[str, Any] | None = None
    """`{upload_id, part_size}` of the upload in parts that S3 has begun for the job; None once it has arrived."""
    expires_at: int | None = None
    """Epoch seconds after which DynamoDB deletes the item."""

    @property
    def callback_id(self) -> str | None:
        """Id of the callback that the job came with: its own, or the registered one that it names."""
        return self.own_callback or self.named_callback

    @property
    def awaits_upload(self) -> bool:
        """Whether the job was registered and its recording has not come, also if it has expired meanwhile."""
        return self.status in {JobStatus.AWAITING_UPLOAD, JobStatus.EXPIRED}

    @property
    def place(self) -> str:
        """The folder name of the job's work and results: each upload has its own, so they are never mixed up."""
        return f"{self.job_id}/upload-{self.edition + 1}" if self.edition else self.job_id


@dataclass(frozen=True, kw_only=True)
class Part:
    """The unit of work. One worker at a time claims it, and keeps its lease by heartbeats."""

    job_id: str
    part_id: str
    status: PartStatus
    client_id: str
    created_at: int
    seconds: float = 0.0
    """Length of its audio, estimated from bytes until it is known."""
    parts: int = 1
    """Into how many parts the recording was split. A claim requires that the job has the same number."""
    attempt: int = 0
    """Raised by every claim. With `owner`, it is the fence of every later write."""
    owner: str | None = None
    """The worker that holds the part: one name per boot."""
    beat: int = 0
    """Raised by every heartbeat. The sweep takes a part away only if this counter stands still."""
    on_device: bool = False
    """Whether the part was being decoded at the last heartbeat: then a death counts against it."""
    deaths: int = 0
    """How often a process died while this part was on the device."""
    losses: int = 0
    """How often the part's machine vanished otherwise."""
    faults: int = 0
    """How often a device, a disk or a different reading made an attempt fail, so that the part was tried again."""
    progress: float = 0.0
    due_at: int = 0
    """Of a queued part its place in the queue; of a running part the end of its lease."""
    not_before: int = 0
    """The part is not claimed before this time: the cause that broke its last attempt needs time to pass."""
    behind: int = 0
    """When a process last died over the part; 0: never. Parts queued by then go first, for `LONGEST_WAIT_MS` at
    most."""
    suspected: bool = False
    """Whether a process died over several parts, this one among them. Its clips are decoded alone since then."""
    expires_at: int | None = None


def part_index(part: Part) -> int:
    """The index of the part in its plan, from 0."""
    return int(part.part_id.removeprefix(PART))


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a job; `body` is the webhook's body, frozen when the event is committed."""

    job_id: str
    """The job's id; for a test message or a challenge, the callback's id."""
    event_id: str
    client_id: str
    type: str
    created_at: int
    body: str
    expires_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class Callback:
    """An endpoint of a client, to which events are sent."""

    callback_id: str
    client_id: str
    url: str
    events: Sequence[str]
    prefix: str = ""
    """Only events of jobs whose recording begins with this under the client's own name for it are sent
    (`object_keys.named_by_client`). It begins with the client's folder."""
    job_id: str | None = None
    """The job for which alone it was registered; None if it is for all of the client's jobs."""
    status: CallbackStatus = CallbackStatus.ACTIVE
    disabled_reason: str | None = None
    description: str | None = None
    secrets: Sequence[Mapping[str, Any]] = ()
    """`{ciphertext: base64, created_at, expires_at?}`, newest first."""
    created_at: int = 0
    listens_since: int | None = None
    """Since when it listens to just these events, epoch milliseconds; None: since it was made."""
    failing_since: int | None = None
    """Since when no delivery succeeds; None if the last one did."""
    expires_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One event on its way to one callback, with the ledger of its attempts."""

    job_id: str
    event_id: str
    event_type: str
    client_id: str
    callback_id: str
    own_callback: bool = False
    """Whether the callback is the job's own, and is stored with the job."""
    host: str = ""
    """The receiver's host and port: deliveries of one client to one host take turns."""
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    attempts_before: int = 0
    """How many of the attempts were made before the last redelivery, with which the schedule starts anew."""
    tries: Sequence[Mapping[str, Any]] = ()
    """`{at, outcome, status, milliseconds, detail}` for each of the last attempts, in order."""
    owner: str | None = None
    due_at: int = 0
    created_at: int = 0
    expires_at: int | None = None

    @property
    def receiver(self) -> tuple[str, str]:
        """Client and host: clients do not suffer from each other's failures, even at one host."""
        return self.client_id, self.host or self.callback_id
