"""A recording through the API with httpx: `python transcribe.py FILE`.

TRANSCRIBE_URL: the API's address. TRANSCRIBE_KEY: an API key.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from pathlib import Path

import httpx

ENDED = {"completed", "failed", "canceled"}


def transcribe(api: httpx.Client, path: Path) -> str:
    """The text of a recording."""
    # 1. A job: the reply says where to upload. The key makes a repeated request happen once.
    wanted = {"file_name": path.name, "size": path.stat().st_size, "options": {"language": "sv"}}
    made = api.post("/api/jobs", json=wanted, headers={"Idempotency-Key": uuid.uuid4().hex})
    job = made.raise_for_status().json()

    # 2. The upload: a form with the fields of the reply first and the file last, without the API key.
    upload = job["upload"]
    with path.open("rb") as file:
        httpx.post(upload["url"], data=upload["fields"], files={"file": file}, timeout=3_600).raise_for_status()

    # 3. Until it is there. A webhook spares this: see docs/webhooks.md.
    while job["status"] not in ENDED:
        time.sleep(1)
        job = api.get(f"/api/jobs/{job['job_id']}").raise_for_status().json()
    if job["status"] != "completed":
        raise SystemExit(f"{job['status']}: {job['error']}")

    # 4. The text: the redirect is followed without the API key.
    link = api.get(f"/api/jobs/{job['job_id']}/transcript", params={"format": "txt"}).headers["location"]
    return httpx.get(link).raise_for_status().text


def main() -> None:
    """Transcribe the file that is named on the command line."""
    headers = {"Authorization": f"Bearer {os.environ['TRANSCRIBE_KEY']}"}
    with httpx.Client(base_url=os.environ["TRANSCRIBE_URL"], headers=headers, timeout=30) as api:
        print(transcribe(api, Path(sys.argv[1])))


if __name__ == "__main__":
    main()
