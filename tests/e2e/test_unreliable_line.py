"""Fifty recordings over a line on which every fifth request fails: all texts arrive, and nothing happens twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from services.common.domain.object_keys import UPLOADS
from services.local.client import Client
from services.local.resources import BUCKET
from services.local.stack import Stack, StackSettings
from tests.support.acoustics import load
from tests.support.audio import MEETING
from tests.support.random_model import UNTRAINED
from tests.support.sounds import RATE, heavier, wav
from tests.support.unreliable_line import HEARD, Fault, UnreliableLine

FILES = 50
LARGE = 2
"""So many are uploaded in parts."""
LARGE_BYTES = 20_000_000
"""Three parts."""
LEAST_SECONDS, STEP_SECONDS = 0.5, 0.03
"""No two last equally long."""
SEED = 19
WITHIN_SECONDS = 200
IN_PARTS = 1_000_000
"""Bytes from which this test uploads in parts; usually it is more."""
TRANSCRIBE = f"""
from services.cli.recordings import uploads
uploads.LARGEST_FORM = {IN_PARTS}
from services.cli.main import main
main()
"""


def seconds_of(number: int) -> float:
    return LEAST_SECONDS + STEP_SECONDS * number


def written(folder: Path) -> dict[str, float]:
    """Fifty recordings, each of another stretch of the meeting; returns their names and lengths in seconds."""
    folder.mkdir()
    meeting = (load(MEETING) * np.iinfo(np.int16).max).astype(np.int16)
    lengths = {}
    for number in range(FILES):
        begins, length = 2 * RATE * number, round(seconds_of(number) * RATE)
        name = f"möte {number:02}.wav"
        recording = wav(meeting[begins : begins + length])
        (folder / name).write_bytes(heavier(recording, LARGE_BYTES + 2 * number) if number < LARGE else recording)
        lengths[name] = length / RATE
    return lengths


def transcribed(recordings: Path, texts: Path, url: str, key: str) -> subprocess.CompletedProcess[str]:
    """One command for all of them."""
    texts.mkdir()
    own = {name: str(texts.parent / name) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")}
    return subprocess.run(
        [sys.executable, "-c", TRANSCRIBE, str(recordings), "-f", "json", "-o", str(texts)],
        env=os.environ | own | {"TRANSCRIBE_URL": url, "TRANSCRIBE_KEY": key},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
        check=False,
    )


def test_fifty_recordings_all_have_their_own_text_and_none_is_sent_or_made_twice(
    random_model: Path, tmp_path: Path
) -> None:
    recordings, texts = tmp_path / "recordings", tmp_path / "texts"
    lengths = written(recordings)
    with UnreliableLine(SEED) as line:
        settings = StackSettings(models_folder=random_model, max_workers=2, worker=UNTRAINED, line=line.to)
        with Stack(settings) as stack:
            client = Client(stack, "unreliable")
            done = transcribed(recordings, texts, stack.public_url, stack.new_client(client.client_id))
            told = f"{done.stderr[-4000:]}\n{line}"
            assert done.returncode == 0, told
            jobs = client.http.get("/api/jobs", params={"limit": 100}).json()["jobs"]
            uploads = stack.s3.list_objects_v2(Bucket=BUCKET, Prefix=UPLOADS)["Contents"]
    assert Counter(job["file_name"] for job in jobs) == Counter(lengths.keys()), told
    assert {job["status"] for job in jobs} == {"completed"}, told
    assert {job["attempt"] for job in jobs} == {1}, told
    sizes = Counter(path.stat().st_size for path in recordings.iterdir())
    assert Counter(upload["Size"] for upload in uploads) == sizes, told
    assert sum("-" in upload["ETag"] for upload in uploads) == LARGE, told

    names = {path.name for path in texts.iterdir()}
    assert names == {f"{Path(name).stem}.json" for name in lengths}, told
    for name, length in lengths.items():
        text = json.loads((texts / name).with_suffix(".json").read_text("utf-8"))
        assert abs(text["duration"] - length) < STEP_SECONDS / 2, (name, told)

    how_often = Counter(failed.fault for failed in line.failed)
    assert set(how_often) == set(Fault), "too few requests to fail in every way"
    made = [failed for failed in line.failed if failed.fault in HEARD and failed.what == "POST /api/jobs"]
    assert made, "no job was made whose reply was lost"
