"""Messages over a pipe, of whose writer nobody knows whether it gets to their end."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from services.gpu_worker.engine.processes.framing import Frames, send

LARGE = bytes(range(256)) * 8_000
"""More than a pipe holds."""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_what_is_sent_arrives_in_its_order_and_whole(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    messages = [{"a": 1}, LARGE, None, [LARGE, 2]]

    def send_all() -> None:
        for message in messages:
            send(writing, message)

    sender = threading.Thread(target=send_all)
    sender.start()
    frames = Frames(reading)
    assert [frames.receive(5) for _ in messages] == messages
    sender.join()


def test_a_writer_that_stands_still_in_the_middle_holds_nobody(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.write(writing, (100).to_bytes(8, "big") + b"half of")
    frames = Frames(reading)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            frames.receive(0.01)


def test_a_message_that_comes_in_pieces_is_taken_up_where_it_was_left(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    whole = os.pipe()
    send(whole[1], "in pieces")
    content = os.read(whole[0], 1_000)
    frames = Frames(reading)
    for byte in content[:-1]:
        os.write(writing, bytes([byte]))
        with pytest.raises(TimeoutError):
            frames.receive(0)
    os.write(writing, content[-1:])
    assert frames.receive(0) == "in pieces"


@pytest.mark.parametrize("before", [b"", (100).to_bytes(8, "big") + b"half of"])
def test_a_writer_that_is_gone_is_the_end(pipe: tuple[int, int], before: bytes) -> None:
    reading, writing = pipe
    os.write(writing, before)
    os.close(writing)
    with pytest.raises(EOFError):
        Frames(reading).receive(5)


def test_a_reader_that_is_gone_is_told_to_the_writer(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        send(writing, "nobody hears")
