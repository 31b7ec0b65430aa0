"""How a file is cut into the parts of an upload."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.api import multipart
from services.common.domain.records import Job
from services.common.domain.states import JobStatus


def cut(size: int) -> dict[int, int]:
    job = Job(
        job_id="job_1",
        client_id="alice",
        status=JobStatus.AWAITING_UPLOAD,
        created_at=1,
        source_key="uploads/a",
        file_name="a",
        declared={"size": size, "multipart": True},
        multipart={"upload_id": "x", "part_size": multipart.part_size(size)},
    )
    return multipart.lengths(job)


@given(size=st.integers(1, 5 * 10**12))
def test_parts_make_the_whole_and_are_such_as_s3_takes(size: int) -> None:
    """From 5 MiB to 5 GiB but for the last one, numbered from 1, and no more than one answer of S3's tells of."""
    parts = cut(size)
    *before, last = parts.values()

    assert sum(parts.values()) == size
    assert list(parts) == list(range(1, len(parts) + 1))
    assert len(parts) <= multipart.MOST_PARTS
    assert all(5 << 20 <= part <= 5 << 30 for part in before)
    assert len(set(before)) <= 1
    assert 0 < last <= (before[0] if before else 5 << 30)


def test_parts_are_small_as_long_as_a_thousand_of_them_suffice() -> None:
    assert multipart.part_size(1) == multipart.part_size(1_000 * (8 << 20)) == 8 << 20
    assert multipart.part_size(1_000 * (8 << 20) + 1) == 9 << 20
    assert multipart.part_size(50 * 10**9) == 48 << 20


def test_a_file_that_fills_its_parts_has_no_empty_one() -> None:
    assert cut(16 << 20) == {1: 8 << 20, 2: 8 << 20}
    assert cut((16 << 20) + 1) == {1: 8 << 20, 2: 8 << 20, 3: 1}
