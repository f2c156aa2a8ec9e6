"""Writes generated tests as a file that people read: a comment for each rule, a case or a table for each thing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap

from gpurules.actions.decision import Decision
from gpurules.actions.targets import NEUTRAL
from gpurules.diagnostics.excerpt import visible
from gpurules.fields import FIELDS, Scope
from gpurules.model import Kind
from gpurules.rules.yaml.spelling import flow, scalar
from gpurules.ruletest.case import Data
from gpurules.ruletest.generation.varying import format_value

_WIDTH = 110
USUAL_INTERVAL = 5.0
"""The interval of a series that says none, in seconds."""
_SENTENCE = re.compile(r"[A-Za-z](?:(?!: | #)[ -~])*[^ :]")
_KNOWN = {scope: {f.attribute: f for f in FIELDS.values() if f.scope is scope} for scope in Scope}


@dataclass(slots=True)
class WrittenTest:
    """One case of a generated file: one snapshot with an expectation, a table, or a series with several expectations.

    Units: ``interval`` in seconds.
    Missing: ``expect`` is None for a table and a series; without ``rows`` or ``series`` there is none.
    """

    name: str
    rule: str
    given: Data
    expect: Mapping[str, object] | None = None
    columns: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = field(default_factory=list)
    series: Mapping[str, str] = field(default_factory=dict)
    interval: float = 5.0
    expects: Sequence[Mapping[str, object]] = ()

    @property
    def tests(self) -> int:
        """How many tests it is."""
        return len(self.rows) or 1


def as_given(witness: Mapping[str, object]) -> Data:
    """Return the facts of a witness as tests write them: with units, ages instead of times, fields without labels."""
    data: Data = {}
    snapshot = witness.get("snapshot")
    if isinstance(snapshot, Mapping):
        node_facts = {key: value for key, value in snapshot.items() if key not in ("timestamp", "gpus", "labels")}
        gpus = [_facts(gpu, Scope.GPU) for gpu in snapshot.get("gpus", ())]
        data["snapshot"] = {**_facts(node_facts, Scope.NODE), **({"gpus": gpus} if gpus else {})}
        labels = snapshot.get("labels")
        data["node"] = dict(labels) if isinstance(labels, Mapping) else {}
    for scope in (Scope.TRANSFER, Scope.WORKLOAD, Scope.NODE):
        facts = witness.get(scope.value)
        if isinstance(facts, Mapping) and facts:
            before = data.get(scope.value)
            data[scope.value] = {**(before if isinstance(before, dict) else {}), **_facts(facts, scope)}
    return {kind: facts for kind, facts in data.items() if facts}


def _facts(facts: Mapping[str, object], scope: Scope) -> dict[str, object]:
    result: dict[str, object] = {}
    for name, value in facts.items():
        origin = {Scope.TRANSFER: "created", Scope.WORKLOAD: "started"}.get(scope)
        if name == "labels" and isinstance(value, Mapping):
            result.update(value)
        elif name == origin and isinstance(value, int | float):
            result["age"] = format_value(-value, _KNOWN[scope]["age"])
        elif name in _KNOWN[scope] and isinstance(value, int | float | str) and name != "index":
            result[name] = format_value(value, _KNOWN[scope][name])
            if _KNOWN[scope][name].datatype.kind is Kind.BOOL:
                result[name] = value
        else:
            result[name] = list(value) if isinstance(value, tuple) else value
    return result


def effects_of(decision: Decision) -> dict[str, object]:
    """Return what *decision* orders that is not so without any rule."""
    directives = decision.to_dict()
    ordered = {key: directives[key] for key, usual in NEUTRAL.items() if key in directives and directives[key] != usual}
    stage = ordered.get("stage")
    if isinstance(stage, Mapping):
        ordered["stage"] = {key: one for key, one in stage.items() if isinstance(one, bool | int | float | str)}
    return ordered


def file_text(head: Sequence[str], ruleset: str, groups: Iterable[tuple[str, Sequence[WrittenTest]]]) -> str:
    """Return the whole file: *head* are lines of comment; each group has a comment of its own above its cases."""
    lines = [line for text in head for line in _comment(text, "# ")]
    lines += ["kind: gpurules/test", "version: 1", f"rulesets: [{scalar(ruleset)}]", "cases:"]
    for title, cases in groups:
        lines += ["", *(line for text in title.splitlines() for line in _comment(text, "  # "))]
        for case in cases:
            lines += _case(case)
    return "\n".join(lines) + "\n"


def _comment(text: str, start: str) -> list[str]:
    """Return *text* as lines of comment; those that follow stand further in."""
    return wrap(visible(text), _WIDTH, initial_indent=start, subsequent_indent=f"{start}  ", break_on_hyphens=False)


def _case(case: WrittenTest) -> list[str]:
    lines = [f"  - name: {case.name if _SENTENCE.fullmatch(case.name) else scalar(case.name)}"]
    if case.rows:
        lines.append(f"    rule: {scalar(case.rule)}")
    if case.given:
        lines.append(f"    given: {flow(case.given)}")
    if case.series:
        lines += [f"    interval: {case.interval:g}s"] if case.interval != USUAL_INTERVAL else []
        lines += ["    series:", *(f"      {path}: {scalar(text)}" for path, text in case.series.items())]
        lines += ["    expect:", *(f"      - {flow(expect)}" for expect in case.expects)]
    if case.expect is not None:
        lines += _expected(case.expect)
    if case.rows:
        lines += ["    table:", f"      columns: [{', '.join(_quoted_path(column) for column in case.columns)}]"]
        rows = [f"[{', '.join(map(scalar, row))}]" for row in case.rows]
        short = f"      rows: [{', '.join(rows)}]"
        lines += [short] if len(short) <= _WIDTH else ["      rows:", *(f"        - {row}" for row in rows)]
    return lines


def _expected(expect: Mapping[str, object]) -> list[str]:
    short = f"    expect: {flow(expect)}"
    if len(short) <= _WIDTH:
        return [short]
    return ["    expect:", *(f"      {key}: {flow(value)}" for key, value in expect.items())]


def _quoted_path(path: str) -> str:
    return f"'{path}'" if "[" in path else scalar(path)
