"""A finding as data: relative to one text (``Finding``), and placed in a file (``Diagnostic``)."""

from collections.abc import Mapping
from dataclasses import field

from gpurules.diagnostics.catalogue import CATALOGUE
from gpurules.diagnostics.code import Severity
from gpurules.diagnostics.span import Location, Span
from gpurules.records import Record, record


@record
class Edit(Record):
    """Replace the text at ``span`` (of the text the finding is about) by ``replacement``."""

    span: Span
    replacement: str


@record
class Finding(Record):
    """Something wrong with one text; ``span`` counts in that text.

    ``safe`` says whether ``edits`` keep the meaning; without edits it says nothing.
    """

    code: str
    span: Span
    message: str
    hint: str | None = None
    edits: tuple[Edit, ...] = ()
    safe: bool = False


@record
class Related(Record):
    """A second place that a diagnostic speaks of."""

    message: str
    path: str | None
    location: Location


@record
class LocatedEdit(Record):
    """Replace what is at ``location`` of the file by ``replacement``."""

    location: Location
    replacement: str


@record
class Example(Record):
    """A witness of a finding, in the form that rule tests take: ``given`` facts, and the outcome of each rule."""

    given: Mapping[str, object]
    outcomes: tuple[tuple[str, str], ...]


@record
class Diagnostic(Record):
    """Something wrong in a file (or in a bare condition, then ``path`` is None).

    Units: lines and columns count from 1, columns in code points, the end is exclusive.
    ``fingerprint`` identifies the finding even when its lines move; the linter sets it.
    ``label`` says what the place is to the finding, ``witness`` shows an assignment in words, and ``example`` as data.
    Missing: ``hint`` is None where there is nothing to advise.
    """

    code: str
    message: str
    path: str | None
    line: int
    column: int
    end_line: int
    end_column: int
    hint: str | None = None
    related: tuple[Related, ...] = ()
    edits: tuple[LocatedEdit, ...] = ()
    safe: bool = False
    rule: str | None = None
    witness: str | None = None
    label: str = ""
    level: Severity | None = None
    example: Example | None = field(default=None, compare=False, repr=False)
    fingerprint: str | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """The readable name of the code, such as ``unknown-field``."""
        return CATALOGUE[self.code].name

    @property
    def kind(self) -> str:
        """The family of the code, such as ``unknown-name``; stable for programs to match on."""
        return CATALOGUE[self.code].kind

    @property
    def severity(self) -> Severity:
        """How bad it is: as the catalogue says, unless this finding is graver or milder than others of its code."""
        return self.level or CATALOGUE[self.code].severity

    @property
    def location(self) -> Location:
        """Where it is in its file."""
        return Location(self.line, self.column, self.end_line, self.end_column)

    @property
    def place(self) -> tuple[str, int, int]:
        """What diagnostics are sorted by."""
        return (self.path or "", self.line, self.column)

    def to_dict(self) -> dict[str, object]:
        """Return the diagnostic as JSON-ready data."""
        data: dict[str, object] = {
            "code": self.code,
            "name": self.name,
            "kind": self.kind,
            "severity": self.severity.value,
            "message": self.message,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "end_line": self.end_line,
            "end_column": self.end_column,
            "hint": self.hint,
        }
        extra: Mapping[str, object] = {"rule": self.rule, "witness": self.witness, "fingerprint": self.fingerprint}
        data |= {key: value for key, value in extra.items() if value is not None}
        if self.example is not None:
            outcomes = [{"rule": rule, "outcome": outcome} for rule, outcome in self.example.outcomes]
            data["example"] = {"given": dict(self.example.given), "expect": outcomes}
        if self.related:
            data["related"] = [
                {"message": r.message, "path": r.path, "line": r.location.line, "column": r.location.column}
                for r in self.related
            ]
        if self.edits:
            data["fix"] = {
                "applicability": "safe" if self.safe else "unsafe",
                "edits": [
                    {
                        "line": e.location.line,
                        "column": e.location.column,
                        "end_line": e.location.end_line,
                        "end_column": e.location.end_column,
                        "replacement": e.replacement,
                    }
                    for e in self.edits
                ],
            }
        return data


def diagnostic_at(code: str, message: str, path: str | None, location: Location, hint: str | None = None) -> Diagnostic:
    """Return a diagnostic that is at *location* of the file *path*."""
    return Diagnostic(code, message, path, location.line, location.column, location.end_line, location.end_column, hint)
