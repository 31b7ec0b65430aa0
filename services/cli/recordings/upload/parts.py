"""The upload of a large recording, in parts that are sent side by side, each again by itself."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from services.cli.api.answers import NOT_AWAITING, STORAGE, ended, refused_by_storage
from services.cli.errors import RefusedError
from services.cli.printing import note, share, shown
from services.cli.recordings.side_by_side import StoppedError, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from threading import Event

    from services.cli.api.answers import Answer
    from services.cli.api.client import Api
    from services.cli.recordings.input.content import Content

SIDE_BY_SIDE = 4
MOST_SETBACKS = 3
"""How often it may happen that no further part is there, or that a completion was refused."""
GONE = 404
"""The upload was completed or discarded: the API knows which."""
BEGIN_AGAIN = ("MISSING_PARTS", "UPLOAD_DIFFERS")
"""Why the API refuses to complete an upload that it gives further links for."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """Where a part is put."""

    number: int
    length: int
    """Bytes."""
    url: str


@dataclass(frozen=True, kw_only=True)
class State:
    """How far an upload is."""

    part_size: int
    """Bytes of each part but the last."""
    received: Sequence[int]
    """The numbers of the parts that the storage has."""
    links: Sequence[Link]
    """Of the first parts that it does not have."""

    @classmethod
    def of(cls, answer: Answer) -> State:
        """That of an answer of the API's."""
        upload = answer["multipart"]
        links = [
            Link(number=int(one["number"]), length=int(one["bytes"]), url=str(one["url"])) for one in upload["links"]
        ]
        received = [int(one) for one in upload["received"]]
        return cls(part_size=int(upload["part_size"]), received=received, links=links)


class PartsUpload:
    """The upload of one recording."""

    def __init__(self, api: Api, content: Content, job_id: str, sent: Callable[[int], None]) -> None:
        """`sent` is called with the bytes that the storage has and those that are on their way to it."""
        self._api = api
        self._content = content
        self._job = f"/api/jobs/{job_id}"
        self._tally = Tally(sent)
        self._part_size = 0
        self._setbacks = 0
        self._refusal: RefusedError | None = None
        """Of the present links, which have ended or lead to nothing."""

    def send(self, *, resumed: bool) -> None:
        """Send what the storage does not have, and complete the upload.

        Args:
            resumed: whether an earlier run may have sent some of it.

        Raises:
            RefusedError: the service or its storage refuses it, or the file has changed meanwhile.
            UnreachableError: one of them cannot be reached.

        """
        try:
            state = self._state(resumed=resumed)
            while state.links or not self._completed():
                state = self._sent(state) if state.links else self._state()
        except RefusedError as error:
            # The recording is there, or somebody has canceled the job: who watches it will see.
            if error.problem != NOT_AWAITING:
                raise

    def _state(self, *, resumed: bool = False) -> State:
        """How far the upload is, as the storage sees it."""
        state: State = self._api.post(f"{self._job}/upload").read(State.of)
        self._part_size = state.part_size
        there = sum(min(self._part_size, self._content.size - self._start(one)) for one in state.received)
        self._tally.begin(there)
        if resumed and there:
            done = share(there, self._content.size)
            note(f"Going on with the upload of {shown(self._content.word)}: {done} are there.")
        return state

    def _completed(self) -> bool:
        """Complete the upload; False: parts are missing."""
        self._content.check()
        try:
            self._api.post(f"{self._job}/upload/complete")
        except RefusedError as error:
            if error.problem not in BEGIN_AGAIN:
                raise
            self._set_back(error)
            return False
        return True

    def _set_back(self, error: RefusedError) -> None:
        self._setbacks += 1
        if self._setbacks == MOST_SETBACKS:
            raise error

    def _unlisted(self) -> RefusedError:
        return RefusedError(
            f"{STORAGE} takes parts of {shown(self._content.word)} and does not have them afterwards: "
            "try again later, and tell your operator."
        )

    def _sent(self, before: State) -> State:
        """Send parts until all are there, or their links have ended; returns how far the upload is then."""
        self._refusal = None
        side_by_side(self._send_part, before.links, SIDE_BY_SIDE)
        after = self._state()
        if len(after.received) <= len(before.received):
            self._set_back(self._refusal or self._unlisted())
        return after

    def _send_part(self, link: Link, stop: Event) -> None:
        if self._refusal:
            return
        number, length = link.number, link.length
        headers = {"Content-Length": str(length)}
        reply = self._api.stored(
            lambda: self._api.storage.put(link.url, content=self._pieces(number, length, stop), headers=headers)
        )
        if reply.is_success:
            return
        self._tally.sent(number, 0)
        self._content.check()
        refusal = refused_by_storage(reply)
        if not ended(reply) and reply.status_code != GONE:
            raise refusal
        self._refusal = refusal

    def _pieces(self, number: int, length: int, stop: Event) -> Iterator[bytes]:
        done = 0
        for piece in self._content.pieces(self._start(number), length):
            if stop.is_set():
                raise StoppedError
            yield piece
            self._tally.sent(number, done := done + len(piece))

    def _start(self, number: int) -> int:
        """The first byte of a part; the first part is number 1."""
        return int((number - 1) * self._part_size)


class Tally:
    """Counts the bytes of parts that several threads send."""

    def __init__(self, told: Callable[[int], None]) -> None:
        self._told = told
        self._lock = Lock()
        self._there = 0
        self._sent: dict[int, int] = {}

    def begin(self, there: int) -> None:
        """So many bytes are there; no part is on its way."""
        with self._lock:
            self._there = there
            self._sent.clear()
            self._told(there)

    def sent(self, number: int, size: int) -> None:
        """So many bytes of a part have been sent."""
        with self._lock:
            self._sent[number] = size
            self._told(self._there + sum(self._sent.values()))
