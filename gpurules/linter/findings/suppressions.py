"""Comments that silence findings: ``# gpurules: ignore[GPR601] reason="burn-in rack" until=2027-01-31``."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from gpurules.diagnostics import (
    Diagnostic,
    LineIndex,
    LocatedEdit,
    Location,
    Span,
    code_candidates,
    codes_named,
)
from gpurules.linter.findings.policy import Policy
from gpurules.registry import did_you_mean
from gpurules.rules.yaml import YamlMapping, YamlSequence, read_yaml, with_part_correction

MARK = "gpurules:"
_COMMENT = re.compile(
    r"(?P<before>^[ \t]*|[ \t]+)#[ \t]*gpurules:[ \t]*ignore(?P<file>-file)?\[(?P<codes>[^\]\r\n]*)\]"
    r"(?P<rest>[^\r\n]*)",
    re.MULTILINE,
)
_REASON = re.compile(r"reason=(?:\"([^\"]*)\"|'([^']*)'|(\S+))")
_UNTIL = re.compile(r"until=(\S+)")


@dataclass(slots=True)
class Selector:
    """One code, prefix or name in the brackets of a suppression, and the codes that it silenced."""

    text: str
    location: Location
    codes: frozenset[str]
    used: bool = False


@dataclass(slots=True)
class Suppression:
    """One comment.

    ``first`` to ``last`` are the lines that it covers. ``removal`` is the edit that takes it away.
    Missing: ``until`` None: it does not expire.
    """

    location: Location
    removal: LocatedEdit
    selectors: list[Selector]
    first: int
    last: int
    has_reason: bool
    until: str | None
    expired: bool = False
    broken: bool = field(default=False)

    def silences(self, finding: Diagnostic) -> bool:
        """Return whether it silences *finding*, and remember that it did."""
        if not self.first <= finding.line <= self.last:
            return False
        for selector in self.selectors:
            if finding.code in selector.codes:
                selector.used = True
                return not self.expired
        return False


def suppressions(text: str, today: date | None) -> list[Suppression]:
    """Return the suppressions in the *text* of a file."""
    if MARK not in text:
        return []
    lines = LineIndex(text)
    rules = _rule_lines(text)
    return [_suppression(match, lines, rules, today) for match in _COMMENT.finditer(text)]


def _rule_lines(text: str) -> dict[int, int]:
    """Return the last line of each rule by its first."""
    root = read_yaml(text).root
    rules = root.get("rules") if isinstance(root, YamlMapping) else None
    found = {}
    for rule in rules.items if isinstance(rules, YamlSequence) else []:
        end = rule.start + len(text[rule.start : rule.end].rstrip())
        place = rule.source.location(rule.start, end)
        found[place.line] = place.end_line
    return found


def _suppression(match: re.Match[str], lines: LineIndex, rules: Mapping[int, int], today: date | None) -> Suppression:
    text, start, end = match.string, match.start() + len(match["before"]), match.end()
    place = lines.location(Span(start, end))
    alone = not text[: match.start()] or text[: match.start()][-1] in "\r\n"
    first, last = (1, text.count("\n") + text.count("\r") + 1) if match["file"] else (place.line, place.line)
    if alone and not match["file"]:
        first = last = _next_line(text, lines, end)
        last = rules.get(first, last)
    gone = Span(match.start(), end)
    if alone and end < len(text):
        gone = Span(match.start(), end + (2 if text.startswith("\r\n", end) else 1))
    until = _UNTIL.search(_REASON.sub("", match["rest"]))
    reason = _REASON.search(match["rest"])
    day = _day(until[1]) if until else None
    return Suppression(
        place,
        LocatedEdit(lines.location(gone), ""),
        list(_selectors(match, lines)),
        first,
        last,
        bool(reason and "".join(part or "" for part in reason.groups()).strip()),
        until[1] if until else None,
        bool(until and (day is None or (today is not None and day < today))),
        bool(until and day is None),
    )


def _next_line(text: str, lines: LineIndex, offset: int) -> int:
    """Return the line of what the comment that ends at *offset* stands above, further comments skipped."""
    match = re.compile(r"(?:\s*#[^\r\n]*)*\s*").match(text, offset)
    return lines.position(match.end() if match else offset)[0]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _selectors(match: re.Match[str], lines: LineIndex) -> Iterator[Selector]:
    for part in re.finditer(r"[^,\s]+", match["codes"]):
        start = match.start("codes") + part.start()
        yield Selector(part[0], lines.location(Span(start, start + len(part[0]))), codes_named(part[0]))


def apply_suppressions(
    findings: Iterable[Diagnostic], found: list[Suppression], path: str | None, policy: Policy
) -> Iterator[Diagnostic]:
    """Yield the *findings* of one file that its suppressions leave, and what is wrong with the suppressions."""
    for finding in findings:
        # all are asked, so that each of two that cover one finding counts as used
        if not sum(suppression.silences(finding) for suppression in found):
            yield finding
    for suppression in found:
        for diagnostic in _complaints(suppression, path, policy.codes):
            if diagnostic.code in policy.codes_in(path):
                yield diagnostic


def _complaints(suppression: Suppression, path: str | None, codes: frozenset[str]) -> Iterator[Diagnostic]:
    unknown = [selector for selector in suppression.selectors if not selector.codes]
    for selector in unknown:
        known = code_candidates(selector.text)
        hint = did_you_mean(selector.text, known) or "gpurules rule lists all codes"
        complaint = _at("GPR904", f"no diagnostic is named {selector.text!r}", path, selector.location, hint)
        yield with_part_correction(complaint, selector.text, known)
    if suppression.broken:
        message = f"{suppression.until!r} is not a date, so the suppression is not in effect"
        yield _at("GPR902", message, path, suppression.location, "write it as until=2027-01-31")
    elif suppression.expired:
        message = f"the suppression expired on {suppression.until}"
        hint = "fix the suppressed finding, or set a later date with a reason"
        yield _at("GPR902", message, path, suppression.location, hint)
    if not suppression.has_reason:
        message = "the suppression has no reason"
        yield _at("GPR903", message, path, suppression.location, 'add reason="…"')
    unused = [s for s in suppression.selectors if s.codes and not s.used and s.codes <= codes]
    if unused and not suppression.expired:
        yield _unused(suppression, unused, path)


def _unused(suppression: Suppression, unused: list[Selector], path: str | None) -> Diagnostic:
    names = ", ".join(selector.text for selector in unused)
    kept = [selector.text for selector in suppression.selectors if selector not in unused]
    edit = suppression.removal
    if kept:
        first, last = suppression.selectors[0].location, suppression.selectors[-1].location
        edit = LocatedEdit(Location(first.line, first.column, last.end_line, last.end_column), ", ".join(kept))
    place = suppression.location
    return Diagnostic(
        "GPR901",
        f"{names} suppresses nothing here",
        path,
        place.line,
        place.column,
        place.end_line,
        place.end_column,
        "remove it",
        edits=(edit,),
        safe=True,
    )


def _at(code: str, message: str, path: str | None, place: Location, hint: str) -> Diagnostic:
    return Diagnostic(code, message, path, place.line, place.column, place.end_line, place.end_column, hint)
