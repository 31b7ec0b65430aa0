"""A client of the system, for the demo and the tests: it uses HTTP, S3's upload form and uploads in parts."""

from __future__ import annotations

import base64
import time
import zlib
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from services.common.domain.options import READ_FORMAT
from services.common.domain.states import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Collection

ENDED = "expired"
"""A word of S3's refusals of a form or a link that has ended, be it by its own time (403 `AccessDenied`, "Policy
expired") or with the session that signed it (400 `ExpiredToken`, "The provided token has expired")."""


class System(Protocol):
    """A running system, however it was started."""

    api_url: str

    def new_client(self, client_id: str) -> str:
        """Register a client; returns its API key."""
        ...


class Client:
    """One client of one system, with an API key of its own."""

    def __init__(self, stack: System, client_id: str) -> None:
        self.client_id = client_id
        self.key = stack.new_client(client_id)
        # Reading the certificates takes longer than an upload to this machine.
        trust = httpx.create_ssl_context(trust_env=False)
        self.http = httpx.Client(
            base_url=stack.api_url,
            headers={"Authorization": f"Bearer {self.key}"},
            trust_env=False,
            timeout=60,
            verify=trust,
        )
        self._storage = httpx.Client(trust_env=False, timeout=600, verify=trust)

    def register(self, url: str, **wanted: object) -> dict[str, Any]:
        """Register a callback; its secret is in the reply."""
        return self._made("/api/callbacks", {"url": url, **wanted})

    def new_job(self, file_name: str, **wanted: object) -> dict[str, Any]:
        """Create a job; the reply says how to upload its recording."""
        return self._made("/api/jobs", {"file_name": file_name, **wanted})

    def upload(self, post: dict[str, Any], content: bytes) -> httpx.Response:
        """Upload a recording by presigned POST."""
        return self._storage.post(post["url"], data=post["fields"], files={"file": ("recording", content)})

    def send(self, content: bytes, file_name: str, **wanted: object) -> str:
        """Create a job and upload its recording, with a fresh form if the first has ended; returns the job's id."""
        made = self.new_job(file_name, size=len(content) or None, **wanted)
        sent = self.upload(made["upload"], content)
        if sent.is_error and ENDED in sent.text:
            sent = self.upload(self._made(f"/api/jobs/{made['job_id']}/upload")["upload"], content)
        sent.raise_for_status()
        return str(made["job_id"])

    def send_parts(self, content: bytes, file_name: str, **wanted: object) -> str:
        """Create a job and upload its recording in parts; returns the job's id."""
        checksum = base64.b64encode(zlib.crc32(content).to_bytes(4)).decode()
        about: dict[str, object] = {"size": len(content), "multipart": True, "checksum_crc32": checksum}
        job_id = str(self.new_job(file_name, **about, **wanted)["job_id"])
        while (parts := self.links(job_id))["links"]:
            for link in parts["links"]:
                start = (link["number"] - 1) * parts["part_size"]
                part = content[start : start + link["bytes"]]
                self._storage.put(link["url"], content=part).raise_for_status()
        self._made(f"/api/jobs/{job_id}/upload/complete")
        return job_id

    def links(self, job_id: str) -> dict[str, Any]:
        """The upload in parts of a job, with links for parts that S3 does not have."""
        upload: dict[str, Any] = self._made(f"/api/jobs/{job_id}/upload")["multipart"]
        return upload

    def job(self, job_id: str) -> dict[str, Any]:
        job: dict[str, Any] = self.http.get(f"/api/jobs/{job_id}").raise_for_status().json()
        return job

    def wait(self, job_id: str, *, until: Collection[str] = TERMINAL, seconds: float = 60) -> dict[str, Any]:
        """Wait until the job is in one of the states, and return it.

        Raises:
            TimeoutError: it was in none of them within `seconds`.

        """
        deadline = time.monotonic() + seconds
        while (job := self.job(job_id))["status"] not in until:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{job_id} is {job['status']} after {seconds} s: {job}")
            time.sleep(0.1)
        return job

    def transcript(self, job_id: str, form: str = READ_FORMAT) -> str:
        """The text, through the API's redirect to a presigned link."""
        reply = self.http.get(f"/api/jobs/{job_id}/transcript", params={"format": form})
        return self._storage.get(reply.headers["location"]).raise_for_status().text

    def _made(self, path: str, body: dict[str, object] | None = None) -> dict[str, Any]:
        made: dict[str, Any] = self.http.post(path, json=body).raise_for_status().json()
        return made
