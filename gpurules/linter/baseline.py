"""A baseline: the findings that were there when one began, which only grow fewer."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gpurules.diagnostics import Diagnostic, diagnostic_at
from gpurules.diagnostics.span import Location
from gpurules.errors import GpurulesError

SCHEMA_VERSION = 1
_KEYS = ("fingerprint", "path", "code", "rule", "message")


class BaselineError(GpurulesError):
    """A baseline can not be read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding that is known: by fingerprint and path; the rest is for people."""

    fingerprint: str
    path: str
    code: str
    rule: str
    message: str
    line: int = 1

    @property
    def identity(self) -> tuple[str, str]:
        """What makes it the same finding."""
        return self.path, self.fingerprint


def entries(found: Iterable[Diagnostic]) -> list[Entry]:
    """Return the findings as entries of a baseline."""
    return [Entry(d.fingerprint or "", d.path or "", d.code, d.rule or "", d.message) for d in found]


def read(text: str) -> list[Entry]:
    """Return the entries of a baseline file.

    Raises:
        BaselineError: the text is no baseline.
    """
    try:
        listed = json.loads(text)["findings"]
        known = [{key: str(one.get(key, "")) for key in _KEYS} for one in listed]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BaselineError(f"the file is no baseline: {error}") from None
    numbers = {one: n for n, line in enumerate(text.splitlines(), 1) for one in _quoted(line)}
    return [
        Entry(k["fingerprint"], k["path"], k["code"], k["rule"], k["message"], numbers.get(k["fingerprint"], 1))
        for k in known
    ]


def _quoted(line: str) -> list[str]:
    return line.split('"')[3:4] if '"fingerprint"' in line else []


def written(kept: Iterable[Entry]) -> str:
    """Return the text of a baseline file, in a stable order."""
    rows = [
        {"fingerprint": e.fingerprint, "path": e.path, "code": e.code, "rule": e.rule, "message": e.message}
        for e in sorted(kept, key=lambda e: (e.path, e.code, e.rule, e.fingerprint))
    ]
    data = {"schema_version": SCHEMA_VERSION, "findings": rows}
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def unknown(found: Iterable[Diagnostic], known: Iterable[Entry]) -> list[Diagnostic]:
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


def stale(found: Iterable[Diagnostic], known: Sequence[Entry], path: str) -> list[Diagnostic]:
    """Return a finding for each entry that no longer occurs; *path* is that of the baseline."""
    there = Counter((d.path or "", d.fingerprint or "") for d in found)
    gone = []
    for entry in known:
        if there[entry.identity] > 0:
            there[entry.identity] -= 1
            continue
        whose = f" of {entry.rule!r}" if entry.rule else ""
        message = f"{entry.code}{whose} in {entry.path} no longer occurs"
        place = Location(entry.line, 1, entry.line, 1)
        gone.append(diagnostic_at("GPR905", message, path, place, "gpurules lint --update-baseline removes it"))
    return gone


def shrunk(found: Iterable[Diagnostic], known: Iterable[Entry]) -> list[Entry]:
    """Return the entries of *known* that still occur."""
    there = Counter((d.path or "", d.fingerprint or "") for d in found)
    kept = []
    for entry in known:
        if there[entry.identity] > 0:
            there[entry.identity] -= 1
            kept.append(entry)
    return kept
