"""What tests have looked at: rules, the parts of their conditions, thresholds, and missing facts."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from gpurules.actions.explained import ExplainedPart, ExplainedRule
from gpurules.diagnostics import Span
from gpurules.language.terms import ir
from gpurules.model import Kind
from gpurules.rules import Ruleset
from gpurules.ruletest.coverage.nullability import can_be_missing


@dataclass(slots=True)
class CoveredPart:
    """A part of a condition that compares or tests, and which truth values of it were seen.

    ``is_threshold`` says whether it compares with a number, ``is_hit`` whether that very number was seen; ``is_open``
    whether it can be UNKNOWN at all.
    """

    text: str
    span: Span
    is_threshold: bool
    is_open: bool = True
    values: set[bool | None] = field(default_factory=set)
    is_hit: bool = False

    @property
    def is_bounded(self) -> bool:
        """Whether the threshold was seen exactly, and the part TRUE and FALSE."""
        return self.is_hit and self.is_seen_both_ways

    @property
    def is_seen_both_ways(self) -> bool:
        """Whether the part was seen to be TRUE and FALSE."""
        return {True, False} <= self.values

    @property
    def is_unknown_path_open(self) -> bool:
        """Whether the part can be UNKNOWN and was never seen to be."""
        return self.is_open and None not in self.values


@dataclass(slots=True)
class Coverage:
    """What was seen of each rule: its outcomes, and of each part of its condition the truth values and thresholds.

    ``timing`` has what was seen of its timers: ``for`` and ``cooldown`` held it back, and a signal
    ``held`` it on; ``series`` says that it was looked at with memory at all.
    """

    outcomes: dict[str, set[str]] = field(default_factory=dict)
    timing: dict[str, set[str]] = field(default_factory=dict)
    parts: dict[tuple[str, str], CoveredPart] = field(default_factory=dict)

    def expect(self, ruleset: Ruleset) -> None:
        """Count the rules of *ruleset* in."""
        for rule in ruleset.rules:
            self.outcomes.setdefault(rule.name, set())

    def add(self, explained: ExplainedRule) -> None:
        """Count one look at a rule."""
        self.outcomes.setdefault(explained.rule, set()).add(explained.outcome)
        self.timing.setdefault(explained.rule, set()).update(_timing(explained))
        if explained.condition is None:
            return
        for part in _leaves(explained.condition):
            constants = [t for t in ir.children(part.term) if isinstance(t, ir.Constant)]
            numbers = [t.value for t in constants if t.datatype.kind is Kind.NUMBER]
            is_threshold = isinstance(part.term, ir.Compare) and bool(numbers)
            like = CoveredPart(part.text, part.term.span, is_threshold, can_be_missing(part.term))
            one = self._part(explained.rule, like)
            one.values.update(v for v in part.values if v is None or isinstance(v, bool))
            one.is_hit |= is_threshold and any(value in numbers for inner in part.parts for value in inner.values)

    def include(self, other: "Coverage") -> None:
        """Count in what *other* has seen."""
        for rule, outcomes in other.outcomes.items():
            self.outcomes.setdefault(rule, set()).update(outcomes)
        for rule, seen in other.timing.items():
            self.timing.setdefault(rule, set()).update(seen)
        for (rule, _), part in other.parts.items():
            one = self._part(rule, part)
            one.values.update(part.values)
            one.is_hit |= part.is_hit

    def parts_of(self, rule: str) -> list[CoveredPart]:
        """Return the parts of the condition of *rule* that were looked at, in their order."""
        return [part for (name, _), part in self.parts.items() if name == rule]

    def _part(self, rule: str, like: CoveredPart) -> CoveredPart:
        return self.parts.setdefault(
            (rule, like.text), CoveredPart(like.text, like.span, like.is_threshold, like.is_open)
        )

    @property
    def rule_coverage(self) -> float:
        """The share of rules that some test makes match. Units: percent."""
        return _share([bool({"match", "suppressed"} & seen) for seen in self.outcomes.values()])

    @property
    def branch_coverage(self) -> float:
        """The share of truth values of parts, TRUE and FALSE of each, that some test shows. Units: percent."""
        unseen = [False for outcomes in self.outcomes.values() if not outcomes]  # of these no part is known
        return _share([value in part.values for part in self.parts.values() for value in (True, False)] + 2 * unseen)

    @property
    def measures(self) -> dict[str, float]:
        """Every measure by its name. Units: percent."""
        return {
            "rule_coverage": self.rule_coverage,
            "branch_coverage": self.branch_coverage,
            "boundary": _share([part.is_bounded for part in self.parts.values() if part.is_threshold]),
            "unknown_paths": _share([not part.is_unknown_path_open for part in self.parts.values() if part.is_open]),
        }

    def gaps(self) -> Iterator[str]:
        """Yield what no test has looked at, for people."""
        for rule, outcomes in self.outcomes.items():
            if not outcomes:
                yield f"{rule}: no test covers it"
            elif not {"match", "suppressed"} & outcomes:
                yield f"{rule}: no test makes it match"
            elif outcomes == {"match"}:
                yield f"{rule}: no test in which it does not match"
        for (rule, text), part in self.parts.items():
            missing = [word for value, word in ((True, "TRUE"), (False, "FALSE")) if value not in part.values]
            if missing:
                yield f"{rule}: {text} is never {' or '.join(missing)}"
            elif part.is_threshold and not part.is_hit:
                yield f"{rule}: {text} is never tested at its threshold"
            elif part.is_unknown_path_open:
                yield f"{rule}: {text} is never tested with its facts missing"


def _leaves(part: ExplainedPart) -> Iterator[ExplainedPart]:
    """Yield the parts that compare or test: those that no further truth values are in."""
    inner = [p for p in part.parts if p.datatype.kind is Kind.BOOL and not isinstance(part.term, ir.Compare)]
    if part.datatype.kind is Kind.BOOL and not inner:
        yield part
    for child in inner:
        yield from _leaves(child)


def _timing(explained: ExplainedRule) -> Iterator[str]:
    """Yield what *explained* shows of the timers of a rule."""
    if explained.because in ("for", "cooldown"):
        yield explained.because
    if explained.has_history:
        yield "series"
    stack = [explained.condition] if explained.condition is not None else []
    while stack:
        part = stack.pop()
        stack.extend(part.parts)
        starts = part.parts[0].values if isinstance(part.term, ir.Signal) and part.parts else part.values
        if any(is_on is True and is_so is not True for is_on, is_so in zip(part.values, starts, strict=False)):
            yield "held"


def _share(seen: list[bool]) -> float:
    return 100.0 * sum(seen) / len(seen) if seen else 100.0


def unmet(name: str, share: float, least: float) -> str:
    """Return in words that a share is less than is required; it is never rounded up to that.

    Units: both in percent.

    >>> unmet("boundary", 99.96, 100)
    'boundary is 99.9 %, but 100 % is required'
    """
    return f"{name} is {math.floor(share * 10) / 10:g} %, but {least:g} % is required"
