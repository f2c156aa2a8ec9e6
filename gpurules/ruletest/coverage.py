"""What tests have looked at: rules, the parts of their conditions, thresholds, and missing facts."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gpurules.backends import Explanation
from gpurules.language import ir
from gpurules.model import Kind
from gpurules.rules import RuleExplanation, Ruleset


@dataclass(slots=True)
class Coverage:
    """What was seen of each rule: its outcomes, and of each part of its condition the truth values and thresholds."""

    outcomes: dict[str, set[str]] = field(default_factory=dict)
    parts: dict[tuple[str, str], set[bool | None]] = field(default_factory=dict)
    thresholds: dict[tuple[str, str], bool] = field(default_factory=dict)

    def expect(self, ruleset: Ruleset) -> None:
        """Count the rules of *ruleset* in."""
        for rule in ruleset.rules:
            self.outcomes.setdefault(rule.name, set())

    def add(self, explained: RuleExplanation) -> None:
        """Count one look at a rule."""
        self.outcomes.setdefault(explained.rule, set()).add(explained.outcome)
        if explained.condition is None:
            return
        for part in _leaves(explained.condition):
            key = (explained.rule, part.text)
            self.parts.setdefault(key, set()).update(v for v in part.values if v is None or isinstance(v, bool))
            constants = [t for t in ir.children(part.term) if isinstance(t, ir.Constant)]
            numbers = [t.value for t in constants if t.datatype.kind is Kind.NUMBER]
            if isinstance(part.term, ir.Compare) and numbers:
                hit = any(value in numbers for inner in part.parts for value in inner.values)
                self.thresholds[key] = self.thresholds.get(key, False) or hit

    @property
    def rule_coverage(self) -> float:
        """The share of rules that some test makes match. Units: percent."""
        return _share([bool({"match", "suppressed"} & seen) for seen in self.outcomes.values()])

    @property
    def branch_coverage(self) -> float:
        """The share of truth values of parts, TRUE and FALSE of each, that some test shows. Units: percent."""
        unseen = [False for outcomes in self.outcomes.values() if not outcomes]  # of these no part is known
        return _share([value in seen for seen in self.parts.values() for value in (True, False)] + 2 * unseen)

    @property
    def measures(self) -> dict[str, float]:
        """Every measure by its name. Units: percent."""
        at = [self.thresholds[k] and {True, False} <= self.parts[k] for k in self.thresholds]
        return {
            "rule_coverage": self.rule_coverage,
            "branch_coverage": self.branch_coverage,
            "boundary": _share(at),
            "unknown_paths": _share([None in seen for seen in self.parts.values()]),
        }

    def gaps(self) -> Iterator[str]:
        """Yield what no test has looked at, for people."""
        for rule, outcomes in self.outcomes.items():
            if not outcomes:
                yield f"{rule}: no test looks at it"
            elif not {"match", "suppressed"} & outcomes:
                yield f"{rule}: no test makes it match"
            elif outcomes == {"match"}:
                yield f"{rule}: no test makes it stay quiet"
        for (rule, text), seen in self.parts.items():
            missing = [word for value, word in ((True, "TRUE"), (False, "FALSE")) if value not in seen]
            if missing:
                yield f"{rule}: {text} is never {' or '.join(missing)}"
            elif not self.thresholds.get((rule, text), True):
                yield f"{rule}: {text} is never tested at its threshold"
            elif None not in seen:
                yield f"{rule}: {text} is never tested with its facts missing"


def _leaves(part: Explanation) -> Iterator[Explanation]:
    """Yield the parts that compare or test: those that no further truth values are in."""
    inner = [p for p in part.parts if p.datatype.kind is Kind.BOOL and not isinstance(part.term, ir.Compare)]
    if part.datatype.kind is Kind.BOOL and not inner:
        yield part
    for child in inner:
        yield from _leaves(child)


def _share(seen: list[bool]) -> float:
    return 100.0 * sum(seen) / len(seen) if seen else 100.0
