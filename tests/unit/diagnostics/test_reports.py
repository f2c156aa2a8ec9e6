"""Reports for other programs."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

from gpurules.diagnostics import Diagnostic, Format, LocatedEdit, Location, Related, render

FINDINGS = [
    Diagnostic(
        "GPR101",
        "no field is named 'gpu_memroy'",
        "rules/a b.yaml",
        4,
        16,
        4,
        26,
        "did you mean 'gpu_memory'?",
        edits=(LocatedEdit(Location(4, 16, 4, 26), "gpu_memory"),),
        fingerprint="f1",
    ),
    Diagnostic(
        "GPR301",
        'two rules, "a", <b> & 100%:\nx',
        "rules/a b.yaml",
        7,
        11,
        9,
        2,
        related=(Related("first here", "rules/base.yaml", Location(3, 11, 3, 33)),),
        rule="a",
        fingerprint="f2",
    ),
    Diagnostic("GPR702", "the comparison starts with the constant", None, 1, 1, 1, 1),
]


@pytest.mark.parametrize("form", ["json-lines", "github", "gitlab", "sarif", "junit", "markdown"])
def test_it_is_as_approved(form: str, golden: Callable[[str, str], None]) -> None:
    golden(f"diagnostics/report.{form}.txt", render(FINDINGS, Format(form)))


@pytest.mark.parametrize("form", ["json-lines", "github", "gitlab", "sarif", "junit", "markdown"])
def test_no_finding_is_a_report_too(form: str) -> None:
    text = render([], Format(form))
    if form in ("gitlab", "sarif"):
        json.loads(text)
    if form == "junit":
        ET.fromstring(text)


def test_github_has_one_line_a_finding() -> None:
    lines = render(FINDINGS, Format.GITHUB).splitlines()
    assert len(lines) == 3
    assert all(line.startswith("::") for line in lines)
    assert "100%25" in lines[2]


def test_junit_is_xml_that_counts() -> None:
    suites = ET.fromstring(render(FINDINGS, Format.JUNIT))
    assert suites.get("failures") == "3"
    assert [case.get("name") for case in suites.iter("testcase")] == [
        "GPR702 constant-on-left at 1:1",
        "GPR101 unknown-field at 4:16",
        "GPR301 duplicate-rule-name at 7:11",
    ]


def test_sarif_has_what_2_1_0_requires() -> None:
    log = json.loads(render(FINDINGS, Format.SARIF))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        (place,) = result["locations"]
        region = place["physicalLocation"]["region"]
        assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])
        assert " " not in place["physicalLocation"]["artifactLocation"]["uri"]
    assert run["results"][1]["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"] == {
        "text": "gpu_memory"
    }
