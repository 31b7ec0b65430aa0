"""A listening copy in a real browser: by the link that the API gives it is played and sought, on the words' clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from services.common.domain import object_keys
from services.common.domain.options import Options
from services.gpu_worker.engine.audio.sound import RATE
from services.gpu_worker.engine.listening.files import copy_file
from services.gpu_worker.engine.plan.local_reader import LocalReader
from tests.support.acoustics import transcode, write_wav
from tests.support.api_jobs import completed
from tests.support.browser import Browser
from tests.support.gateway import Client
from tests.support.listening import LONGEST
from tests.support.media import paused
from tests.support.served_s3 import ServedS3
from tests.support.web_site import Page, serving
from tests.support.world import BUCKET, World

pytestmark = pytest.mark.chromium
CLICKS = (0.5, 2.25, 5.0)
"""Seconds; the recorder was stopped between the second and the third."""
PAUSED_AT, PAUSE = 3.5, 12.0
PLAYED = """new Promise((done, failed) => {
  const audio = new Audio(%r);
  audio.muted = true;
  audio.onerror = () => failed(new Error(audio.error.message));
  audio.onloadedmetadata = () => { audio.currentTime = 16.5; };
  audio.onseeked = () => { audio.onseeked = null; sought = audio.currentTime; audio.play().catch(failed); };
  let sought;
  audio.onended = () => done({duration: audio.duration, sought, ended: audio.currentTime});
})"""
HEARD = """fetch('/copy.m4a').then(reply => reply.arrayBuffer())
  .then(bytes => new OfflineAudioContext(1, 1, %d).decodeAudioData(bytes))
  .then(sound => {
    const samples = sound.getChannelData(0), found = [];
    for (let at = 0; at < samples.length; at++) {
      if (Math.abs(samples[at]) > 0.2) { found.push(at / sound.sampleRate); at += sound.sampleRate; }
    }
    return found;
  })"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser"), {}) as running:
        yield running


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Of a recording that no browser plays: 6 seconds of sound with a pause in them."""
    folder = tmp_path_factory.mktemp("copy")
    sound = np.zeros(6 * RATE)
    for at in CLICKS:
        sound[round(at * RATE) : round(at * RATE) + 800] = 0.6 * np.sin(np.arange(800) * 0.3)
    opus = write_wav(folder / "a.wav", sound)
    opus = transcode(opus, folder / "a.mka", codec="libopus", rate=48_000, form="s16")
    path = paused(folder / "paused.mka", opus, PAUSED_AT, PAUSE)
    for _ in LocalReader().plan(path, Options(), spool=folder, max_seconds=LONGEST, stop=threading.Event()):
        pass
    return copy_file(folder).read_bytes()


def test_the_copy_is_played_and_sought_by_the_link_of_the_api(
    world: World, alice: Client, served_s3: ServedS3, browser: Browser, copy: bytes
) -> None:
    alice.gateway.app.state.service().s3 = served_s3.signer()
    job = completed(world, alice, file_name="möte.mka")
    key = object_keys.listening(job.place, 1)
    entry = {"key": key, "bytes": len(copy), "media_type": "audio/mp4"}
    world.s3.put_object(Bucket=BUCKET, Key=key, Body=copy)
    world.change((f"JOB#{job.job_id}", "JOB"), result={**(job.result or {}), "listening": entry})
    link = alice.get(f"/api/jobs/{job.job_id}/recording").json["url"]

    with serving() as site:
        site.pages["/"] = [Page(b"<!doctype html>", headers={"Content-Type": "text/html"})]
        told = browser.open(f"{site.address}/").run(PLAYED % link)

    assert told["duration"] == pytest.approx(6 + PAUSE, abs=0.1)
    assert told["sought"] == pytest.approx(16.5, abs=0.01)
    assert told["ended"] == pytest.approx(told["duration"], abs=0.1)


def test_a_browser_hears_each_sound_of_the_copy_when_its_word_is_said(browser: Browser, copy: bytes) -> None:
    with serving() as site:
        site.pages["/"] = [Page(b"<!doctype html>", headers={"Content-Type": "text/html"})]
        site.pages["/copy.m4a"] = [Page(copy, headers={"Content-Type": "audio/mp4"})]
        heard = browser.open(f"{site.address}/").run(HEARD % RATE)
    assert heard == pytest.approx([at + PAUSE * (at > PAUSED_AT) for at in CLICKS], abs=0.01)
