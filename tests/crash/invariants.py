"""What must hold once everything has recovered, whatever was done to it. Each has a name by which it is reported."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator

from services.common.domain.records import MERGE_PART
from services.common.domain.times import HOUR_MS
from tests.support.step_engine import PEAKS
from tests.support.step_world import StepWorld
from tests.support.world import BUCKET

HOURS = 3
"""After which an audit looks at every upload."""
TERMINAL = {
    "completed": "transcription.completed",
    "failed": "transcription.failed",
    "canceled": "transcription.canceled",
}


def _objects(world: StepWorld, prefix: str) -> dict[str, bytes]:
    listed = world.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return {entry["Key"]: world.s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read() for entry in listed}


def _object(world: StepWorld, key: str) -> bytes | None:
    try:
        return bytes(world.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    except world.s3.exceptions.NoSuchKey:
        return None


def terminal_state_reached(world: StepWorld, expected: set[str]) -> Iterator[str]:
    """Every upload has one job, and it has ended as it should."""
    jobs = world.jobs()
    if len(jobs) != 1:
        yield f"{len(jobs)} jobs"
    for job in jobs:
        if job.status not in expected:
            yield f"{job.status} {job.error}"


def one_counted_result(world: StepWorld, _: set[str]) -> Iterator[str]:
    """A completed job points at one attempt, the last that anybody held, whose text is whole."""
    for job in world.jobs():
        if job.status != "completed":
            continue
        assert job.result is not None
        committed = max(world.store.parts.of_job(job.job_id), key=lambda part: part.part_id == MERGE_PART)
        if job.result["attempt"] != committed.attempt:
            yield f"attempt {job.result['attempt']} counts, though {committed.attempt} held the part"
        words = [f"Ord{index}." for index in range(world.parts * 2)]
        text = (_object(world, f"{job.result['prefix']}transcript.txt") or b"").decode()
        if [word for word in text.split() if word.startswith("Ord")] != words:
            yield f"the text is {text!r}"


def peaks_are_there(world: StepWorld, _: set[str]) -> Iterator[str]:
    """A completed job tells where its peaks lie, and they do, whichever attempt has planned it."""
    for job in world.jobs():
        if job.status == "completed":
            told = (job.result or {}).get("peaks", {"key": "none"})
            if _object(world, told["key"]) != PEAKS:
                yield f"no peaks at {told['key']}"


def speakers_by_all_windows(world: StepWorld, _: set[str]) -> Iterator[str]:
    """Who speaks was decided by every window of the recording, and every segment says it."""
    for job in world.jobs():
        if job.status != "completed" or "speakers" not in job.options:
            continue
        assert job.result is not None
        told = json.loads(_object(world, job.result["files"]["json"]["key"]) or b"{}")
        speakers = [segment["speaker"] for segment in told["segments"]]
        if speakers != ["S1", "S2"] * world.parts:
            yield f"the speakers are {speakers}"


def announced_result_never_changes(world: StepWorld, _: set[str]) -> Iterator[str]:
    """What the event named is still there, byte for byte, and only the announced attempt counts."""
    for job in world.jobs():
        for event in world.events(job):
            if event["type"] != "transcription.completed":
                continue
            data = json.loads(event["body"])["data"]
            for entry in data["results"]:
                key = entry["uri"].split("/", 3)[3]
                content = _object(world, key)
                if content is None or hashlib.sha256(content).hexdigest() != entry["sha256"]:
                    yield f"{key} is not what was announced"
            if job.result is None or data["attempt"] != job.result["attempt"]:
                yield "the job points at another attempt than its event"


def events_and_deliveries_complete(world: StepWorld, _: set[str]) -> Iterator[str]:
    """One event for each end, at most one for each other step, each delivered, with the bytes it was committed with."""
    for job in world.jobs():
        events = world.events(job)
        kinds = [event["type"] for event in events]
        ends = [kind for kind in kinds if kind in TERMINAL.values()]
        if sorted(ends) != sorted([*["transcription.failed"] * job.generation, TERMINAL.get(job.status, "")]):
            yield f"{job.status} after {job.generation} further runs with the events {kinds}"
        if kinds.count("transcription.queued") != 1 + job.generation:
            yield f"queued was told {kinds.count('transcription.queued')} times"
        interrupted = [event for event in events if event["type"] == "transcription.interrupted"]
        if len({event["event_id"] for event in interrupted}) != len(interrupted):
            yield "an interruption was told twice"
        delivered = {delivery.event_id: delivery.status for delivery in world.store.deliveries.of_job(job.job_id)}
        for event in events:
            if delivered.get(event["event_id"]) != "delivered":
                yield f"{event['type']} is {delivered.get(event['event_id'])}"
            if world.received.get(event["event_id"]) != event["body"].encode():
                yield f"{event['type']} did not arrive as committed"


def numbers_only_grow(world: StepWorld, _: set[str]) -> Iterator[str]:
    """Each event of a job has a sequence of its own, ids are in the same order, and its last state has the largest."""
    for job in world.jobs():
        told = [event for event in world.events(job) if event["type"].startswith("transcription.")]
        told.sort(key=lambda event: int(json.loads(event["body"])["data"]["sequence"]))
        numbers = [json.loads(event["body"])["data"]["sequence"] for event in told]
        if len(set(numbers)) != len(numbers) or numbers != [event["created_at"] for event in told]:
            yield f"the sequences {numbers}"
        ids = [event["event_id"] for event in told]
        if ids != sorted(ids):
            yield f"ids in another order than the sequences: {[event['type'] for event in told]}"
        if job.status in TERMINAL and (told[-1]["type"] != TERMINAL[job.status] or numbers[-1] > job.sequence):
            yield f"{job.status} with {job.sequence} after {told[-1]['type']} with {numbers[-1]}"


def last_message_has_the_present_words(world: StepWorld, _: set[str]) -> Iterator[str]:
    """Unless a client has updated its words since: then the job's sequence is larger."""
    for job in world.jobs():
        for event in world.events(job):
            data = json.loads(event["body"])["data"]
            if event["type"] != TERMINAL.get(job.status) or data["sequence"] != job.sequence:
                continue
            said = [(data["reference"], data["metadata"])]
            if job.result:
                transcript = json.loads(_object(world, job.result["files"]["json"]["key"]) or b"{}")
                said.append((transcript.get("reference"), transcript.get("metadata")))
            if any(words != (job.reference, dict(job.metadata)) for words in said):
                yield f"{event['type']} says {said}, and the job {job.reference} {job.metadata}"


def one_run_an_upload(world: StepWorld, _: set[str]) -> Iterator[str]:
    """However often S3 tells of a recording, it is done once; and once more only if it was put once more."""
    for job in world.jobs():
        if job.generation >= world.uploads[job.source_key]:
            yield f"{job.generation + 1} runs of what was put {world.uploads[job.source_key]} times"


def no_slot_leaked(world: StepWorld, _: set[str]) -> Iterator[str]:
    """Every slot is free and every machine gone."""
    for slot in world.store.slots.all():
        yield f"slot {slot.slot} is {slot.status}"
    for machine in world.ec2.running:
        yield f"{machine['InstanceId']} runs"


def never_more_machines_than_slots(world: StepWorld, _: set[str]) -> Iterator[str]:
    """Not at any launch; nor more than the queue deserves."""
    yield from world.breaches


def what_is_done_is_left_alone(world: StepWorld, _: set[str]) -> Iterator[str]:
    """A part that has ended belongs to nobody, is due to nobody, and no late heartbeat has touched it."""
    for item in world.all_items():
        if item["sk"].startswith("PART#") and item["status"] in {"done", "failed", "canceled"}:
            left = {"owner", "due_at", "due_kind"} & set(item)
            if left:
                yield f"{item['sk']} is {item['status']} and has {sorted(left)}"


def nothing_of_an_ended_job_is_due(world: StepWorld, _: set[str]) -> Iterator[str]:
    """A part of a job that is over would be claimed by nobody and bring machines for ever."""
    over = {f"JOB#{job.job_id}": job.status for job in world.jobs() if job.status in TERMINAL}
    for item in world.all_items():
        if item["pk"] in over and "due_kind" in item:
            yield f"{item['sk']} is {item['due_kind']}, though its job is {over[item['pk']]}"


def blame_goes_where_it_belongs(world: StepWorld, _: set[str]) -> Iterator[str]:
    """What passes by itself is waited for; nothing is held against a recording but what it did."""
    yield from world.broken


def taken_up_in_time(world: StepWorld, expected: set[str]) -> Iterator[str]:
    """No job waits for a machine that is about to leave, nor for one that never comes."""
    for job in world.jobs():
        waited = job.times.get("claimed", 0) - job.times["queued"]
        if expected == {"completed"} and waited > world.patience_ms:
            yield f"claimed after {waited // 1000} s"


def nothing_left_of_the_erased(world: StepWorld, expected: set[str]) -> Iterator[str]:
    """No object, and no item but a tombstone without content."""
    if "erased" not in expected:
        return
    for prefix in ("uploads/", "results/", "work/"):
        for key in _objects(world, prefix):
            yield f"{key} is left"
    for item in world.all_items():
        # All of a job but a tombstone, which lies where the job lay.
        if item["pk"].startswith("JOB#") and (item["sk"] != "JOB" or "file_name" in item):
            yield f"{item['pk']} {item['sk']} is left"


def the_audit_finds_nothing(world: StepWorld, _: set[str]) -> Iterator[str]:
    """Nothing is lost: neither now nor when every upload is old enough to be looked at."""
    for _hour in range(HOURS):
        world.now = (world.now // HOUR_MS + 1) * HOUR_MS
        if lost := world.orchestrator().sweep.auditor.run(world.now, lambda: True):
            yield f"{lost} things are lost"


Invariant = Callable[[StepWorld, set[str]], Iterator[str]]
KEPT: tuple[Invariant, ...] = (
    terminal_state_reached,
    one_counted_result,
    peaks_are_there,
    speakers_by_all_windows,
    announced_result_never_changes,
    events_and_deliveries_complete,
    numbers_only_grow,
    last_message_has_the_present_words,
    one_run_an_upload,
    no_slot_leaked,
    never_more_machines_than_slots,
    what_is_done_is_left_alone,
    nothing_of_an_ended_job_is_due,
    blame_goes_where_it_belongs,
    taken_up_in_time,
    # The last one: time passes.
    the_audit_finds_nothing,
)
ERASED: tuple[Invariant, ...] = (
    nothing_left_of_the_erased,
    no_slot_leaked,
    never_more_machines_than_slots,
)


def violations(world: StepWorld, expected: set[str]) -> list[str]:
    """`name: what was found` for everything that does not hold."""
    checked = ERASED if "erased" in expected else KEPT
    with world.standing_still():
        return [f"{check.__name__}: {found}" for check in checked for found in check(world, expected)]
