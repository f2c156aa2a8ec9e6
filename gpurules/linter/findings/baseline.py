"""A baseline: the findings that were there when one began, which only grow fewer."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gpurules.diagnostics import Diagnostic, LineIndex, LocatedEdit, Location, Span, diagnostic_at
from gpurules.errors import GpurulesError
from gpurules.records import Record, record
from gpurules.rules.building import Placed
from gpurules.strict_json import dumps, end_of, loads

SCHEMA_VERSION = 1
_KEYS = ("fingerprint", "path", "code", "rule", "message")


class BaselineError(GpurulesError):
    """A baseline cannot be read."""


@record
class BaselineEntry(Record):
    """A finding that is known: by fingerprint and path; the rest is for people.

    ``location`` is where the entry stands, and ``removal`` what of the file to take away for it to be gone.
    Missing: both are None for an entry that is in no file yet.
    """

    fingerprint: str
    path: str
    code: str
    rule: str
    message: str
    location: Location | None = None
    removal: Location | None = None

    @property
    def identity(self) -> tuple[str, str]:
        """What makes it the same finding."""
        return self.path, self.fingerprint


def baseline_entries(found: Iterable[Diagnostic]) -> list[BaselineEntry]:
    """Return the findings as entries of a baseline."""
    return [BaselineEntry(d.fingerprint or "", d.path or "", d.code, d.rule or "", d.message) for d in found]


def parse_baseline(text: str) -> list[BaselineEntry]:
    """Return the entries of a baseline file.

    Raises:
        BaselineError: the text is not a baseline.
    """
    try:
        listed = loads(text)["findings"]
        known = [_entry(one) for one in listed]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BaselineError(f"the file is not a baseline: {error}") from None
    places = list(_places(text))
    if len(places) != len(known):  # the key comes twice, say: it can be read, and not be edited
        return known
    return [replace(one, location=at, removal=gone) for one, (at, gone) in zip(known, places, strict=True)]


def _entry(one: Mapping[str, object]) -> BaselineEntry:
    fingerprint, path, code, rule, message = (str(one.get(key, "")) for key in _KEYS)
    return BaselineEntry(fingerprint, path, code, rule, message)


def _places(text: str) -> Iterator[tuple[Location, Location]]:
    """Yield where each entry stands, and what to take away for it to be gone, commas included."""
    start = re.search(r'"findings"\s*:\s*\[', text)
    if start is None:
        return
    lines, spans, offset = LineIndex(text), list[Span](), start.end()
    while (item := re.compile(r"[\s,]*(?=\{)").match(text, offset)) is not None:
        offset = end_of(text, item.end())
        spans.append(Span(item.end(), offset))
    close = re.compile(r"\s*").match(text, offset)
    ends = [*(span.start for span in spans[1:]), close.end() if close else offset]
    for index, span in enumerate(spans):
        gone = Span(span.start, ends[index])
        if index == len(spans) - 1:
            gone = Span(spans[index - 1].end, span.end) if index else Span(start.end(), ends[index])
        yield lines.location(span), lines.location(gone)


def render_baseline(kept: Iterable[BaselineEntry]) -> str:
    """Return the text of a baseline file, in a stable order."""
    rows = [
        {"fingerprint": e.fingerprint, "path": e.path, "code": e.code, "rule": e.rule, "message": e.message}
        for e in sorted(kept, key=lambda e: (e.path, e.code, e.rule, e.fingerprint))
    ]
    data = {"schema_version": SCHEMA_VERSION, "findings": rows}
    return dumps(data, indent=2) + "\n"


def new_findings(found: Iterable[Diagnostic], known: Iterable[BaselineEntry]) -> list[Diagnostic]:
    """Return the findings that the baseline does not have; each entry stands for one."""
    left = Counter(entry.identity for entry in known)
    new = []
    for diagnostic in found:
        identity = (diagnostic.path or "", diagnostic.fingerprint or "")
        if left[identity] > 0:
            left[identity] -= 1
        else:
            new.append(diagnostic)
    return new


def stale_entries(found: Iterable[Diagnostic], known: Sequence[BaselineEntry], path: str) -> list[Diagnostic]:
    """Return a finding for each entry of *known* that no longer occurs; *path* is that of the baseline."""
    there = Counter((d.path or "", d.fingerprint or "") for d in found)
    gone = []
    for entry in known:
        if there[entry.identity] > 0:
            there[entry.identity] -= 1
            continue
        whose = f" of {entry.rule!r}" if entry.rule else ""
        message = f"{entry.code}{whose} in {entry.path} no longer occurs"
        place = entry.location or Location(1, 1, 1, 1)
        problem = diagnostic_at("GPR905", message, path, place, "--update-baseline or --fix removes it")
        edits = (LocatedEdit(entry.removal, ""),) if entry.removal else ()
        gone.append(replace(problem, edits=edits, safe=True))
    return gone


def shrink_baseline(found: Iterable[Diagnostic], known: Iterable[BaselineEntry]) -> list[BaselineEntry]:
    """Return the entries of *known* that still occur."""
    there = Counter((d.path or "", d.fingerprint or "") for d in found)
    kept = []
    for entry in known:
        if there[entry.identity] > 0:
            there[entry.identity] -= 1
            kept.append(entry)
    return kept


def with_fingerprints(findings: Iterable[Diagnostic], placed: Iterable[Placed]) -> list[Diagnostic]:
    """Return the *findings*, each with its fingerprint: alike ones are distinguished by their order."""
    known = list(findings)
    named = {finding.rule for finding in known if finding.rule is not None}
    trees: dict[str, str] = {}
    for one in placed:
        if one.rule in named and one.rule not in trees:
            trees[one.rule] = repr(one.expression.parsed.tree or one.expression.parsed.text)
    seen: Counter[str] = Counter()
    result = []
    for finding in known:
        says = trees.get(finding.rule or "") or finding.message
        content = "\0".join((finding.code, finding.rule or "", says))
        seen[content] += 1
        digest = hashlib.sha256(f"{content}\0{seen[content]}".encode("utf-8", "surrogatepass"))
        result.append(replace(finding, fingerprint=digest.hexdigest()[:16]))
    return result
