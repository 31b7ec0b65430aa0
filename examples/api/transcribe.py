"""A recording through the API with httpx: `python transcribe.py FILE`.

TRANSCRIBE_URL: the API's address. TRANSCRIBE_KEY: an API key.
Prints the text. If there is none, it says why on standard error and ends with status 1.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import httpx

GOES_ON = {"awaiting_upload", "queued", "running"}
"""Every other status is an end, also one that a later version of the API may have."""


def transcribe(api: httpx.Client, path: Path) -> str:
    """The text of a recording."""
    # 1. A job: the reply says where to upload. The key makes a repeated request happen once.
    wanted = {"file_name": path.name, "size": path.stat().st_size, "options": {"language": "sv"}}
    made = api.post("/api/jobs", json=wanted, headers={"Idempotency-Key": uuid.uuid4().hex})
    job = made.raise_for_status().json()

    # 2. The upload. If the form has ended meanwhile, a fresh one goes on: once, since it is good for an hour.
    sent = upload(job["upload"], path)
    if sent.is_error and "expired" in sent.text:
        fresh = api.post(f"/api/jobs/{job['job_id']}/upload").raise_for_status().json()
        sent = upload(fresh["upload"], path)
    sent.raise_for_status()

    # 3. Until it has ended. A webhook spares this: see docs/webhooks.md.
    while job["status"] in GOES_ON:
        time.sleep(1)
        job = api.get(f"/api/jobs/{job['job_id']}").raise_for_status().json()
    if job["status"] == "expired":
        sys.exit("The job has expired: its upload did not come in time.")
    if job["status"] != "completed":
        error = job.get("error") or {"message": "there is no text."}
        sys.exit(f"The job is {job['status']}: {error['message']}")

    # 4. The text, by a link that takes no API key.
    wanted = {"format": "txt", "redirect": "false"}
    link = api.get(f"/api/jobs/{job['job_id']}/transcript", params=wanted).raise_for_status().json()["url"]
    return httpx.get(link).raise_for_status().text


def upload(form: dict[str, Any], path: Path) -> httpx.Response:
    """Send the form with the fields of the reply first and the file last, without the API key."""
    with path.open("rb") as file:
        return httpx.post(form["url"], data=form["fields"], files={"file": file}, timeout=3_600)


def main() -> None:
    """Transcribe the file that is named on the command line."""
    if len(sys.argv) < 2 or not {"TRANSCRIBE_URL", "TRANSCRIBE_KEY"} <= os.environ.keys():  # noqa: PLR2004
        sys.exit(__doc__)
    headers = {"Authorization": f"Bearer {os.environ['TRANSCRIBE_KEY']}"}
    with httpx.Client(base_url=os.environ["TRANSCRIBE_URL"], headers=headers, timeout=30) as api:
        try:
            print(transcribe(api, Path(sys.argv[1])))
        except httpx.HTTPStatusError as refused:
            # The API says in its body what was wrong, and so does S3.
            sys.exit(f"{refused}\n{refused.response.text}")
        except (httpx.HTTPError, OSError) as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
