"""Numbers of a scale that was not meant: no safe fix makes them look intended."""

import pytest

from gpurules.linter import lints
from gpurules.linter.findings.fixing import fix

TEXT = "version: 1\nname: x\nrules:\n  - {name: a, condition: %s, action: pause_transfer}\n"
ODD = [
    ("gpu_memory_free < 3000", "3000", "3000MiB"),
    ("gpu_memory_free < 16", "16", "16GiB"),
    ("memory_footprint > 40", "40", "40GiB"),
    ("gpu_memory_used BETWEEN 20 AND 30GiB", "20", "20GiB"),
    ("gpu_clock_sm < 900", "900", "900MHz"),
    ("gpu_clock_memory < 1.2", "1.2", "1.2GHz"),
    ("gpu_pcie_tx > 20", "20", "20GiB/s"),
    ("gpu_nvlink_rx > 400", "400", "400MiB/s"),
    ("io_throughput < 250", "250", "250MiB/s"),
    ("transfer_size > 64", "64", "64MiB"),
    ("pending_bytes >= 5", "5", "5GiB"),
    ("gpu_memory > 0.9", "0.9", "90%"),
]


def found(condition: str) -> list[tuple[str, bool, str]]:
    """Return code, safety and new text of each finding about scale or units."""
    text = TEXT % condition
    return [
        (d.code, d.safe, "".join(e.replacement for e in d.edits))
        for d in lints(text, "x.yaml")
        if d.code in ("GPR105", "GPR106")
    ]


@pytest.mark.parametrize(("condition", "number", "better"), ODD)
def test_an_odd_scale_is_one_finding_that_offers_the_likely_unit(condition: str, number: str, better: str) -> None:
    assert found(condition) == [("GPR106", False, better)]


@pytest.mark.parametrize(("condition", "number", "better"), ODD)
def test_safe_fixes_leave_an_odd_scale_and_its_finding(condition: str, number: str, better: str) -> None:
    done = fix(TEXT % condition, "x.yaml", lambda text: lints(text, "x.yaml"), False)
    assert done.text == TEXT % condition
    assert "GPR106" in [d.code for d in done.left]


@pytest.mark.parametrize(("condition", "number", "better"), ODD)
def test_the_offered_unit_ends_the_suspicion(condition: str, number: str, better: str) -> None:
    assert found(condition.replace(number, better, 1)) == []


@pytest.mark.parametrize(
    "condition",
    ["gpu_memory_free < 3000B", "gpu_clock_sm < 900Hz", "gpu_pcie_rx > 20B/s", "transfer_size > 64B"],
)
def test_a_base_unit_by_hand_is_as_suspicious(condition: str) -> None:
    assert [code for code, _, _ in found(condition)] == ["GPR106"]


@pytest.mark.parametrize(
    "condition",
    [
        "transfer_size > 1KB",
        "transfer_size < 100KB",
        "transfer_size >= 1B",
        "gpu_clock_sm < 500kHz",
        "gpu_pcie_rx > 0B/s",
    ],
)
def test_a_scale_that_was_chosen_is_left_alone(condition: str) -> None:
    assert found(condition) == []


@pytest.mark.parametrize(
    ("condition", "spelling"),
    [("transfer_age > 5000", "5000s"), ("gpu_xid_age < 90", "90s"), ("transfer_size > 1000000", "1000000B")],
)
def test_an_ordinary_number_safely_gets_its_unit(condition: str, spelling: str) -> None:
    assert found(condition) == [("GPR105", True, spelling)]
