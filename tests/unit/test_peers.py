"""The comparison with others: what it measures, and the table that the document has of it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.peers import measured, table
from tests.peers.contest import figures
from tests.peers.contestants import CONTESTANTS, ENGINE, Contestant
from tests.peers.heard import Unit
from tests.peers.measured import ContestantFailedError, Measured, measure
from tests.peers.process_tree import PeakMemory, memory_mib, processor_seconds
from tests.peers.recordings import Recording
from tests.peers.starts import Sentence, median_and_ninetieth, start_errors
from tools.requirements import pins

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
SAID = [Sentence(start=1.0, text="Hon kom hem."), Sentence(start=5.0, text="Sedan blev det mörkt.")]
HEARD = Recording(name="evening", path=Path("evening.wav"), sentences=SAID)


def run(seconds: float, **given: Any) -> Measured:
    usual: dict[str, Any] = {"load_seconds": 1.0, "processor_seconds": 1.0, "peak_mib": 1.0, "units": []}
    return Measured(seconds=seconds, **usual | given)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|\n").split("|")]


def test_the_document_has_the_table_that_the_command_writes_with_figures_of_its_own() -> None:
    invented = figures({one.name: [run(1.0)] for one in CONTESTANTS}, HEARD)
    names = {one.name: one.settings for one in CONTESTANTS}
    written = table.render({"settings": names, "recordings": {HEARD.name: invented}}).splitlines()
    documented = table.table_of(table.DOCUMENT.read_text("utf-8")).splitlines()
    assert documented[:2] == written[:2]
    told = [cells(line) for line in documented[2 : 2 + len(CONTESTANTS)]]
    assert [(row[0].rpartition(": ")[2], row[-1]) for row in told] == list(names.items())


@pytest.mark.parametrize("old", ["", "| old |\n"])
def test_a_table_replaces_the_one_in_the_document_and_nothing_else(old: str) -> None:
    document = f"before\n{table.BEGIN}\n{{}}{table.END}\nafter\n"
    assert table.with_table(document.format(old), "| new |\n") == document.format("| new |\n")
    with pytest.raises(ValueError, match="peers"):
        table.table_of("no table")


def test_the_engine_is_compared_with_the_packages_that_it_is_released_with() -> None:
    released, compared = (pins((REQUIREMENTS / f"{name}.txt").read_text()) for name in ("gpu_worker", "peers"))
    decoding = ("av", "ctranslate2", "faster-whisper", "numpy", "onnx", "onnxruntime")
    assert {name: compared[name] for name in decoding} == {name: released[name] for name in decoding}


def test_a_sentence_begins_with_the_word_that_has_most_letters_of_its_first_word() -> None:
    units = [Unit(1.1, " Hon"), Unit(1.5, " kom"), Unit(1.9, " hem."), Unit(4.8, " sedan"), Unit(5.6, " blir mörkt.")]
    assert start_errors(units, SAID) == pytest.approx([100, 200])


def test_segments_time_a_sentence_by_their_own_beginning_however_far_that_is() -> None:
    assert start_errors([Unit(0.9, "Hon kom hem. Sedan blev det mörkt.")], SAID) == pytest.approx([100, 4100])


def test_a_sentence_whose_first_word_is_lost_has_no_error() -> None:
    assert start_errors([Unit(1.0, "Hon"), Unit(1.5, "kom hem.")], SAID) == [0.0]
    assert start_errors([], SAID) == []


def test_half_of_the_sentences_stay_under_the_median_and_nine_in_ten_under_the_other() -> None:
    assert median_and_ninetieth(list(range(11))) == (5, 9)
    assert all(value != value for value in median_and_ninetieth([]))  # noqa: PLR0124 - that is what NaN is


def test_speeds_are_compared_round_by_round_since_a_busy_machine_slows_both() -> None:
    told = figures({ENGINE: [run(1.0), run(10.0), run(2.0)], "other": [run(2.0), run(20.0), run(3.0)]}, HEARD)
    assert told["other"]["engine's speed"] == 2
    assert told["other"]["wall seconds"] == {"median": 3, "least": 2, "greatest": 20}
    assert told[ENGINE]["engine's speed"] is None


def test_without_the_engine_no_speed_is_compared() -> None:
    assert figures({"other": [run(2.0)]}, HEARD)["other"]["engine's speed"] is None


def test_errors_and_times_are_those_of_what_was_heard() -> None:
    told = figures({"other": [run(1.0, units=[Unit(1.25, "Hon kom hem."), Unit(5.0, "Sedan blev det mörkt.")])]}, HEARD)
    assert told["other"]["CER"] == 0
    assert told["other"]["milliseconds off"] == {"median": 125, "ninetieth": pytest.approx(225), "sentences": 2}


@contextmanager
def started(program: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has written its first line, and ends once it is told to go on."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.communicate("\n")


def say(process: subprocess.Popen[str]) -> None:
    """Let it go on until it writes another line."""
    assert process.stdin
    assert process.stdout
    process.stdin.write("\n")
    process.stdin.flush()
    process.stdout.readline()


def test_processor_time_counts_that_of_a_child_that_has_ended() -> None:
    burns = "import time\nwhile time.process_time() < 0.2: pass"
    starts = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burns!r}])\nprint(flush=True)\ninput()"
    with started(starts) as process:
        # The system counts in hundredths, so it may have seen a little less.
        assert processor_seconds(process.pid) >= 0.15


def test_memory_counts_children_and_what_they_share_once() -> None:
    shares = "import os\nheld = os.urandom(64 << 20)\nchild = os.fork()\nif child: print(flush=True)\ninput()"
    with started(shares) as process:
        assert 64 < memory_mib(process.pid) < 2 * 64


def test_a_contestant_that_fails_says_where_its_words_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "LOGS", tmp_path / "peers.log")
    broken = Contestant(name="broken", module="tests.peers.heard", transcribe={}, remark="")
    with pytest.raises(ContestantFailedError, match=r"^broken ended with status 1: see .*peers\.log"):
        measure(broken, tmp_path, tmp_path)
    assert "has no attribute 'loaded'" in (tmp_path / "peers.log").read_text()


def test_the_peak_is_that_of_the_whole_run_and_not_of_its_end() -> None:
    peaks = (
        "held = bytes(64 << 20).replace(b'\\0', b'1')\nprint(flush=True)\ninput()\ndel held\nprint(flush=True)\ninput()"
    )
    with started(peaks) as process, PeakMemory(process.pid) as peak:
        while peak.mib < 64:
            time.sleep(0.05)
        say(process)
        assert memory_mib(process.pid) < 64
    assert peak.mib > 64
