"""A vocabulary through the whole system: its job reads it although it is gone, and the webhook says what is missing."""

from __future__ import annotations

import json

from services.local.client import Client
from services.local.receiver import Receiver
from tests.support.audio import MEETING

WORDS = [f"Örnsköldsvik {number}" for number in range(300)]


def test_the_words_of_a_vocabulary_that_is_gone_are_read_as_far_as_they_fit(client: Client, receiver: Receiver) -> None:
    client.http.post("/api/vocabularies", json={"name": "council", "words": WORDS}).raise_for_status()
    made = client.new_job("kort.mp3", options={"vocabulary": "council"})
    client.http.delete("/api/vocabularies/council").raise_for_status()
    client.upload(made["upload"], MEETING.read_bytes()[:60_000]).raise_for_status()
    while (message := receiver.messages.get(timeout=60)).type != "transcription.completed":
        assert message.type in {"transcription.queued", "transcription.started", "transcription.interrupted"}

    quality = message.data["quality"]
    (remark,) = [remark for remark in quality["remarks"] if remark["code"] == "vocabulary_cut"]
    assert "vocabulary_cut" in quality["warnings"]
    assert remark["message"].startswith("Of the vocabulary's 300 words the model reads the first ")
    assert json.loads(client.transcript(made["job_id"], "json"))["options"]["vocabulary"] == "council"
