"""Draws diagnostics for other programs: GitHub, GitLab, SARIF, JUnit, Markdown, and JSON line by line."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import PurePosixPath
from urllib.parse import quote

from gpurules.diagnostics.catalogue import CATALOGUE
from gpurules.diagnostics.code import Code, Form, Severity
from gpurules.diagnostics.diagnostic import Diagnostic
from gpurules.diagnostics.excerpt import visible
from gpurules.strict_json import dumps

SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_GITLAB = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}
_SARIF = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
NOWHERE = "<condition>"


def json_lines(found: Sequence[Diagnostic]) -> str:
    """Return one JSON object a line."""
    return "".join(dumps(d.to_dict()) + "\n" for d in found)


def github(found: Sequence[Diagnostic]) -> str:
    """Return workflow commands, which GitHub Actions shows at the lines of a pull request."""
    return "".join(_workflow_command(diagnostic) for diagnostic in found)


def _workflow_command(d: Diagnostic) -> str:
    def property_(text: object) -> str:
        return _data(str(text)).replace(":", "%3A").replace(",", "%2C")

    def _data(text: str) -> str:
        return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

    places = {"file": d.path or NOWHERE, "line": d.line, "endLine": d.end_line}
    if d.line == d.end_line:  # GitHub knows columns within one line only
        places |= {"col": d.column, "endColumn": max(d.column, d.end_column - 1)}
    places["title"] = f"{d.code} {d.name}"
    given = ",".join(f"{name}={property_(value)}" for name, value in places.items())
    return f"::{_GITHUB[d.severity]} {given}::{_data(message_line(d))}\n"


def message_line(diagnostic: Diagnostic) -> str:
    """Return the message with its witness and hint, on one line."""
    more = [f"witness: {diagnostic.witness}"] if diagnostic.witness else []
    more += [diagnostic.hint] if diagnostic.hint else []
    return visible("; ".join([diagnostic.message, *more]))


def gitlab(found: Sequence[Diagnostic]) -> str:
    """Return a Code Quality report of GitLab."""
    issues = [
        {
            "description": f"{d.code} {message_line(d)}",
            "check_name": d.code,
            "fingerprint": fingerprint,
            "severity": _GITLAB[d.severity],
            "location": {"path": d.path or NOWHERE, "lines": {"begin": d.line, "end": d.end_line}},
        }
        for d, fingerprint in zip(found, _fingerprints(found), strict=True)
    ]
    return dumps(issues, indent=2) + "\n"


def _fingerprints(found: Sequence[Diagnostic]) -> Iterator[str]:
    """Yield an identity for each finding of a report that is stable when its lines move.

    That of a finding alone does not: files may have rules of the same name and text.
    """
    seen: Counter[tuple[str, str]] = Counter()
    for d in found:
        own = d.path or NOWHERE, d.fingerprint or f"{d.code}\0{d.message}"
        seen[own] += 1
        content = "\0".join((*own, *([str(seen[own])] if seen[own] > 1 else [])))
        yield hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def sarif(found: Sequence[Diagnostic], docs_url: str = "") -> str:
    """Return a SARIF 2.1.0 log with one run; *docs_url* is the folder that has the page of each code.

    Missing: without *docs_url* no rule has a ``helpUri``; its help is in the log all the same.
    """
    codes = sorted({diagnostic.code for diagnostic in found})
    driver = {
        "name": "gpurules",
        "rules": [_sarif_rule(CATALOGUE[code], docs_url) for code in codes],
    }
    results = [
        _sarif_result(diagnostic, codes.index(diagnostic.code), fingerprint)
        for diagnostic, fingerprint in zip(found, _fingerprints(found), strict=True)
    ]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return dumps(log, indent=2) + "\n"


def _sarif_rule(code: Code, docs_url: str) -> dict[str, object]:
    fence = "" if code.form is Form.WORDS else "```"
    shown = "".join(
        f"**{title}**\n\n{fence}\n{example}\n{fence}\n\n"
        for title, example in (("Avoid", code.avoid), ("Prefer", code.prefer))
    )
    rule: dict[str, object] = {
        "id": code.code,
        "name": "".join(word.capitalize() for word in code.name.split("-")),
        "shortDescription": {"text": code.summary},
        "fullDescription": {"text": code.why},
        "help": {"text": f"gpurules rule {code.code}", "markdown": f"{code.why}\n\n{shown}".rstrip()},
        "defaultConfiguration": {"level": _SARIF[code.severity]},
        "properties": {"needs": code.needs.value, "since": code.since, "fix": code.fix.value if code.fix else None},
    }
    if docs_url:
        rule["helpUri"] = f"{docs_url.rstrip('/')}/{code.code}.html"
    return rule


def _uri(path: str) -> str:
    """Return *path* as a URI reference: bytes of a file name that are not UTF-8 are what they are."""
    try:
        return quote(path.encode("utf-8", "surrogateescape"), safe="/:")
    except UnicodeEncodeError:  # named by a text, and of no file there can be
        return quote(path.encode("utf-8", "replace"), safe="/:")


def _sarif_place(path: str | None, place: tuple[int, int, int, int]) -> dict[str, object]:
    line, column, end_line, end_column = place
    region = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
    artifact = {"uri": _uri(PurePosixPath(path or NOWHERE).as_posix())}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}


def _sarif_result(d: Diagnostic, index: int, fingerprint: str) -> dict[str, object]:
    result: dict[str, object] = {
        "ruleId": d.code,
        "ruleIndex": index,
        "level": _SARIF[d.severity],
        "message": {"text": message_line(d)},
        "locations": [_sarif_place(d.path, (d.line, d.column, d.end_line, d.end_column))],
    }
    result["partialFingerprints"] = {"gpurules/v2": fingerprint}
    if d.related:
        result["relatedLocations"] = [
            _sarif_place(r.path, (r.location.line, r.location.column, r.location.end_line, r.location.end_column))
            | {"id": number, "message": {"text": visible(r.message)}}
            for number, r in enumerate(d.related)
        ]
    if d.edits and d.path:
        replacements = [
            {
                "deletedRegion": {
                    "startLine": e.location.line,
                    "startColumn": e.location.column,
                    "endLine": e.location.end_line,
                    "endColumn": e.location.end_column,
                },
                "insertedContent": {"text": e.replacement},
            }
            for e in d.edits
        ]
        change = {"artifactLocation": {"uri": _uri(d.path)}, "replacements": replacements}
        result["fixes"] = [{"description": {"text": d.hint or "fix"}, "artifactChanges": [change]}]
    return result


def junit(found: Sequence[Diagnostic]) -> str:
    """Return a JUnit report: a suite for each file, a failed case for each finding."""
    from xml.sax.saxutils import quoteattr  # it imports http, and only this report needs it

    suites = []
    for path, group in groupby(found, key=lambda d: d.path):
        cases = [_junit_case(diagnostic) for diagnostic in group]
        count = f'tests="{len(cases)}" failures="{len(cases)}" errors="0" skipped="0"'
        suites.append(
            f"  <testsuite name={quoteattr(visible(path or NOWHERE))} {count}>\n{''.join(cases)}  </testsuite>\n"
        )
    total = f'tests="{len(found)}" failures="{len(found)}" errors="0"'
    head = f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="gpurules lint" {total}>\n'
    return f"{head}{''.join(suites)}</testsuites>\n"


def _junit_case(d: Diagnostic) -> str:
    from xml.sax.saxutils import escape, quoteattr

    name = quoteattr(f"{d.code} {d.name} at {d.line}:{d.column}")
    where = visible(d.path or NOWHERE)
    failure = f"<failure type={quoteattr(d.severity.value)} message={quoteattr(visible(d.message))}>"
    text = escape(f"{where}:{d.line}:{d.column}: {d.code} {message_line(d)}")
    return (
        f'    <testcase name={name} classname={quoteattr(where)} file={quoteattr(where)} line="{d.line}">\n'
        f"      {failure}{text}</failure>\n    </testcase>\n"
    )


def markdown(found: Sequence[Diagnostic]) -> str:
    """Return a table, for a comment or a job's summary."""
    if not found:
        return "No findings.\n"
    lines = ["| Place | Code | What | Remedy |", "| --- | --- | --- | --- |"]
    for d in found:
        cells = (f"`{d.path or NOWHERE}:{d.line}:{d.column}`", f"{d.code} {d.name}", d.message, d.hint or "")
        lines.append("| " + " | ".join(visible(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
