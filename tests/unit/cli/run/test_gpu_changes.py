import itertools

import pytest

from gpurules.cli.run.gpu_changes import GPUChange, GPUChanges
from gpurules.model import GPU, Snapshot
from gpurules.rules import loads

CHANGES = GPUChanges(
    loads("""\
version: 1
name: node
rules:
  - name: less
    condition: gpu_memory > 85 OR gpu_temperature > 80C
    action: reduce_prefetch
    parameters: {reduction_factor: 0.5}
""")
)
FULL = GPU(index=0, memory_used=40, memory_total=80, temperature=60, power=300)
LOST = GPU(index=0, status="lost", missing={"memory_used": "gpu is lost", "temperature": "gpu is lost"})


def between(*gpus: GPU | None) -> list[GPUChange]:
    """Return what changes over snapshots of one GPU; None: a snapshot without it."""
    snapshots = [Snapshot(timestamp=1000 + n, gpus=() if gpu is None else (gpu,)) for n, gpu in enumerate(gpus)]
    return [c for old, new in itertools.pairwise(snapshots) for c in CHANGES.between(old, new)]


def test_a_gpu_that_is_lost_and_comes_back_is_two_changes_not_one_for_each_reading() -> None:
    assert between(FULL, LOST, LOST, FULL) == [
        GPUChange(1001, 0, "lost"),
        GPUChange(1003, 0, "back"),
    ]


def test_a_gpu_that_is_absent_is_lost() -> None:
    assert between(FULL, None) == [GPUChange(1001, 0, "lost", "absent from the snapshot")]


@pytest.mark.parametrize(
    ("gpu", "expected"),
    [
        (GPU(index=0, memory_used=40, memory_total=80, missing={"temperature": "N/A"}), [("gpu_temperature", "N/A")]),
        (GPU(index=0, temperature=60, missing={"memory_used": "unknown error"}), [("gpu_memory", "unknown error")]),
        (GPU(index=0, memory_used=40, memory_total=80, temperature=60), []),  # no rule reads its power
    ],
)
def test_a_reading_that_rules_use_and_that_is_gone_is_reported_with_its_reason(
    gpu: GPU, expected: list[tuple[str, str]]
) -> None:
    assert [(c.field, c.reason) for c in between(FULL, gpu)] == expected


def test_a_reading_that_was_never_there_is_no_change() -> None:
    bare = GPU(index=0, memory_used=40, memory_total=80)
    assert between(bare, bare) == []


def test_a_reason_is_that_of_what_the_field_is_derived_from() -> None:
    assert GPU(missing={"memory_total": "N/A"}).why_missing("memory_free") == "N/A"
    assert GPU(memory=50, missing={"memory_used": "N/A"}).why_missing("memory") == ""
