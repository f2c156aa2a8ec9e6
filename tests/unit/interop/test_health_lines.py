"""What the callers of a health check read, whatever a report holds."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpurules.interop.health import (
    CONTRACTS,
    DEADLINES,
    HealthFinding,
    HealthReport,
    HealthStatus,
    Undecided,
    render_health,
)
from gpurules.interop.health.report import unknown_health

texts = st.text(max_size=200)
findings = st.builds(
    HealthFinding, texts, texts, st.lists(st.integers(0, 99) | texts, max_size=40).map(tuple), st.booleans()
)
reports = st.builds(
    HealthReport,
    st.lists(findings, max_size=5).map(tuple),
    st.lists(st.builds(Undecided, texts, texts), max_size=3).map(tuple),
    st.integers(0, 9),
    st.integers(0, 16),
    st.none() | texts,
)


@given(reports)
def test_npd_gets_one_ascii_line_of_at_most_80_bytes(report: HealthReport) -> None:
    line = render_health(report, "npd")
    assert line.endswith("\n") and line.count("\n") == 1
    assert line.isascii() and len(line) <= 80


@given(reports, st.sampled_from(["text", "slurm", "nagios"]))
def test_each_finding_is_one_line_in_every_form_for_people(report: HealthReport, format_: str) -> None:
    lines = render_health(report, format_).split("\n")[:-1]
    assert not {unicodedata.category(c) for line in lines for c in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    first = 1 if format_ == "nagios" else 0
    assert sum(line.startswith(("critical: ", "warning: ")) for line in lines[first:]) >= len(report.findings)


@given(reports)
def test_nagios_finds_its_performance_data_behind_the_only_bar(report: HealthReport) -> None:
    first = render_health(report, "nagios").split("\n")[0]
    assert first.count("|") == 1 and first.partition(" - ")[0] in ("OK", "WARNING", "CRITICAL", "UNKNOWN")


@pytest.mark.parametrize(
    ("report", "status"),
    [
        (HealthReport(rules=2), HealthStatus.HEALTHY),
        (HealthReport((HealthFinding("a", ""),), rules=2), HealthStatus.PROBLEM),
        (HealthReport((HealthFinding("a", "", is_warning=True),), rules=2), HealthStatus.WARNING),
        (HealthReport(undecided=(Undecided("a", ""),), rules=2), HealthStatus.HEALTHY),
        (HealthReport(undecided=(Undecided("a", ""),), rules=1), HealthStatus.UNKNOWN),
        (unknown_health(""), HealthStatus.UNKNOWN),
    ],
)
def test_the_status_is_that_of_the_worst_finding_and_unknown_where_nothing_was_decided(
    report: HealthReport, status: HealthStatus
) -> None:
    assert report.status is status


def test_the_worst_finding_comes_first_and_the_others_are_counted() -> None:
    report = HealthReport((HealthFinding("bad", "", (1, 2)), HealthFinding("so_so", "", is_warning=True)), rules=2)
    assert render_health(report, "npd") == "bad on GPU 1, 2 (+1 more)\n"


def test_every_form_has_a_contract_and_a_deadline_that_its_caller_allows() -> None:
    assert set(CONTRACTS) == set(DEADLINES)
    assert DEADLINES["npd"] <= 4 and DEADLINES["slurm"] <= 50
    assert CONTRACTS["slurm"].unknown == 0 and CONTRACTS["npd"].unknown == 2
