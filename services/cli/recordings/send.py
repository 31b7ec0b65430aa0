"""Sends recordings over the API, and writes their transcripts beside them."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from services.common.domain.errors import InvalidOptionError, TranscriberError
from services.common.domain.options import DEFAULTS, FORMATS, READ_FORMAT
from services.common.domain.states import TERMINAL, JobStatus


def _written_formats(forms: list[str] | None) -> list[str] | None:
    """Check the formats before anything is sent, and return them.

    Raises:
        InvalidOptionError: there is no such format.

    """
    for form in forms or ():
        if form not in FORMATS:
            raise InvalidOptionError("format", f"There is no format {form}; there are: {', '.join(FORMATS)}.")
    return forms


Api = Annotated[str, typer.Option(envvar="TRANSCRIBE_URL", help="Base address of the API.")]
Key = Annotated[str, typer.Option(envvar="TRANSCRIBE_KEY", help="An API key.")]
Tracks = Annotated[
    list[int] | None,
    typer.Option("--track", help="A sound track to be heard, counted from 1; again for each further one."),
]
Files = Annotated[
    list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="Any audio or video files.")
]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        callback=_written_formats,
        help=f"What is written, one of {', '.join(FORMATS)}: {READ_FORMAT} unless set; again for each further one.",
    ),
]
Language = Annotated[str, typer.Option(help="An ISO 639 code, or `auto`: detected once for the whole recording.")]
DoubtfulPlaces = Annotated[
    bool, typer.Option("--doubtful-places", help="List the places worth hearing again at the end of the docx.")
]
LOOK_SECONDS = 2.0
UPLOAD_SECONDS = 3_600.0
ENDED = "expired"
"""A word of S3's refusals of a form whose time, or whose signer's session, has ended."""


class ApiError(TranscriberError):
    """The API refused a request or could not be reached, or S3 refused an upload."""

    code = "API"
    loggable = False


class JobFailedError(TranscriberError):
    """A recording has no transcript; the message says why."""

    code = "JOB_FAILED"


class Recordings:
    """Uploads recordings and fetches transcripts, as one client of the API."""

    def __init__(self, api: str, key: str) -> None:
        self._http = httpx.Client(base_url=api.rstrip("/"), headers={"Authorization": f"Bearer {key}"}, timeout=30)

    def send(self, path: Path, options: dict[str, Any]) -> str:
        """Register and upload a recording; returns the job's id."""
        wanted = {"file_name": path.name, "size": path.stat().st_size or None, "options": options}
        job = self._asked("POST", "/api/jobs", json=wanted).json()
        reply = _uploaded(path, job["upload"])
        if reply.is_error and ENDED in reply.text:
            reply = _uploaded(path, self._asked("POST", f"/api/jobs/{job['job_id']}/upload").json()["upload"])
        if reply.is_error:
            raise ApiError(f"S3 refused the upload of {path} ({reply.status_code}): {reply.text[:300]}")
        return str(job["job_id"])

    def wait(self, job_id: str) -> dict[str, Any]:
        """Wait until the job has ended; returns it as the API shows it."""
        while True:
            job: dict[str, Any] = self._asked("GET", f"/api/jobs/{job_id}").json()
            if job["status"] in TERMINAL:
                return job
            time.sleep(LOOK_SECONDS)

    def transcript(self, job_id: str, form: str) -> bytes:
        """Fetch the transcript of a completed job."""
        reply = self._asked("GET", f"/api/jobs/{job_id}/transcript", params={"format": form})
        # The link is signed. S3 would refuse it with an Authorization header.
        return httpx.get(reply.headers["location"], timeout=UPLOAD_SECONDS).raise_for_status().content

    def _asked(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes them
        try:
            reply = self._http.request(method, path, **more)
        except httpx.HTTPError as error:
            raise ApiError(f"The API at {self._http.base_url} could not be reached: {error}") from None
        if reply.is_error:
            problem = reply.json() if "json" in reply.headers.get("content-type", "") else {}
            raise ApiError(f"{problem.get('code', reply.status_code)}: {problem.get('detail', reply.text[:300])}")
        return reply


def _uploaded(path: Path, form: dict[str, Any]) -> httpx.Response:
    with path.open("rb") as file:
        # S3 requires the file as the form's last field, and no Authorization header.
        return httpx.post(form["url"], data=form["fields"], files={"file": file}, timeout=UPLOAD_SECONDS)


def send(
    files: Files,
    *,
    api: Api,
    key: Key,
    formats: Formats = None,
    language: Language = DEFAULTS.language,
    tracks: Tracks = None,
    doubtful_places: DoubtfulPlaces = False,
) -> None:
    """Upload recordings, wait for their transcripts, and write each beside its recording: möte.mp3 → möte.txt.

    What of a recording could not be heard is said on standard error.
    """
    recordings = Recordings(api, key)
    forms = formats or [READ_FORMAT]
    options: dict[str, Any] = {
        "language": language,
        "tracks": tracks or None,
    }
    # Only what differs from the defaults, so that an API of an earlier release takes the job too.
    if further := [form for form in forms if form not in DEFAULTS.formats]:
        options["formats"] = [*DEFAULTS.formats, *dict.fromkeys(further)]
    if doubtful_places:
        options["doubtful_places"] = True
    sent = [(path, recordings.send(path, options)) for path in files]
    failed = []
    for path, job_id in sent:
        job = recordings.wait(job_id)
        if job["status"] != JobStatus.COMPLETED:
            error = job.get("error") or {"code": job["status"].upper(), "message": "no transcript was made."}
            failed.append(f"{path}: {error['code']}: {error['message']}")
            continue
        for remark in (job.get("quality") or {}).get("remarks", []):
            print(f"{path}: {remark['message']}", file=sys.stderr)
        for form in forms:
            print(_written(path.with_suffix(f".{form}"), recordings.transcript(job_id, form)))
    if failed:
        raise JobFailedError("; ".join(failed))


def _written(path: Path, content: bytes) -> Path:
    """Write a file without replacing another: `möte.txt`, else `möte_2.txt`, and so on; returns its path."""
    number = 1
    while True:
        target = path if number == 1 else path.with_stem(f"{path.stem}_{number}")
        try:
            with target.open("xb") as file:
                file.write(content)
        except FileExistsError:
            number += 1
        else:
            return target
