"""What a lint check is: one question about a ruleset that loads, or about the expressions of one that does not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, TypeAlias, TypedDict, Unpack

from gpurules.diagnostics import (
    Code,
    Diagnostic,
    Edit,
    Example,
    Finding,
    LocatedEdit,
    Location,
    Related,
    Severity,
    Span,
    diagnostic_at,
)
from gpurules.language import Environment
from gpurules.language.terms import ir
from gpurules.linter.conditions.comparisons import Comparison, comparisons
from gpurules.linter.history import RecordedSnapshots, ReplayedRules, replay_rules
from gpurules.linter.meaning.analysis import Analysis
from gpurules.linter.rewriting.equivalence import FixWork, preserves_meaning
from gpurules.linter.work import WORK, WitnessMemory, always
from gpurules.rules import Rule, Ruleset
from gpurules.rules.building import Placed
from gpurules.rules.yaml import YamlMapping, YamlNode, YamlScalar, YamlSequence, read_yaml, with_rewrite

ANONYMOUS = "rule:"
"""What the name of a rule's own signal starts with."""


@dataclass(frozen=True)
class Subject:
    """What is checked.

    ``text`` is what the file says, without a byte order mark; ``placed`` has the expressions of its bases too.
    ``work`` bounds the analysis of what it means; ``recordings`` are what its rules are judged by, if there are any;
    ``is_wanted`` says whether a caller still waits for the findings; ``witnesses`` are known from a lint before.
    ``ruleset`` has only the rules and signals that are sound, where the file has errors.
    Missing: ``ruleset`` is None where the file could not be read.
    """

    ruleset: Ruleset | None
    placed: tuple[Placed, ...]
    text: str = ""
    path: str | None = None
    environment: Environment | None = None
    work: int = WORK
    recordings: Sequence[RecordedSnapshots] = ()
    is_wanted: Callable[[], bool] = always
    witnesses: WitnessMemory | None = None

    @cached_property
    def fix_work(self) -> FixWork:
        """The work that proofs of fixes may still be."""
        return FixWork()

    @cached_property
    def analysis(self) -> Analysis | None:
        """The analysis of what the ruleset means, None where it has errors."""
        if self.ruleset is None:
            return None
        return Analysis(self.ruleset, self.placed, self.work, self.is_wanted, self.witnesses)

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Every comparison of a field with a constant."""
        return tuple(comparisons(self.placed))

    @cached_property
    def replayed(self) -> ReplayedRules | None:
        """What the rules did over the recordings, None where there are none, or the ruleset has errors."""
        return replay_rules(self.ruleset, self.recordings) if self.ruleset and self.recordings else None

    @property
    def own(self) -> tuple[Placed, ...]:
        """The expressions that are in the file itself."""
        return tuple(placed for placed in self.placed if placed.expression.places[0][1].source.path == self.path)

    @cached_property
    def root(self) -> YamlMapping | None:
        """The file as located nodes; it is read again, so only a check that has found something should ask."""
        root = read_yaml(self.text, self.path).root
        return root if isinstance(root, YamlMapping) else None

    @cached_property
    def rule_nodes(self) -> Mapping[str, YamlMapping]:
        """What the file says of each of its rules, by name."""
        rules = self.root.get("rules") if self.root else None
        found: dict[str, YamlMapping] = {}
        for rule in rules.items if isinstance(rules, YamlSequence) else []:
            if isinstance(rule, YamlMapping) and isinstance(name := rule.get("name"), YamlScalar):
                found.setdefault(name.text, rule)
        return found

    def signal_node(self, name: str) -> YamlMapping | None:
        """Return what the file says of the signal *name*: of a rule where it is anonymous; None in another file."""
        if name.startswith(ANONYMOUS):
            return self.rule_nodes.get(name.removeprefix(ANONYMOUS))
        signals = self.root.get("signals") if self.root else None
        found = signals.get(name) if isinstance(signals, YamlMapping) else None
        return found if isinstance(found, YamlMapping) else None

    def expression_of(self, term: ir.Term) -> Placed | None:
        """Return the expression that was checked to *term*."""
        return next((placed for placed in self.placed if placed.checked.term is term), None)


class Check(Protocol):
    """A check: one file in ``checks/``, which has everything about it."""

    @property
    def about(self) -> Code:
        """What there is to know of its findings: code, severity, examples, reasons."""
        ...

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        ...


class More(TypedDict, total=False):
    """What a finding may have beside its place and message."""

    hint: str | None
    label: str
    level: Severity | None
    witness: str | None
    example: Example | None
    related: tuple[Related, ...]
    edits: tuple[LocatedEdit, ...]


Advice: TypeAlias = tuple[str, str | None]
"""A message, and what to do."""


def at_rule(code: str, rule: Rule, message: str, hint: str | None = None) -> Diagnostic:
    """Return a finding at the name of *rule*."""
    place = Location(rule.line, rule.column, rule.line, rule.column + len(rule.name))
    return replace(diagnostic_at(code, message, rule.path, place, hint), rule=rule.name)


def at_node(code: str, node: YamlNode, advice: Advice, rule: str | None = None, new: str | None = None) -> Diagnostic:
    """Return a finding at *node*; with *new*, an unsafe fix puts that in its place."""
    message, hint = advice
    finding = replace(diagnostic_at(code, message, node.source.path, node.location(), hint), rule=rule)
    return finding if new is None or not isinstance(node, YamlScalar) else with_rewrite(finding, node, new)


def make_finding(code: str, placed: Placed, span: Span, message: str, hint: str | None = None) -> Diagnostic:
    """Return a finding at *span* of an expression."""
    return placed.expression.diagnostic(Finding(code, span, message, hint), placed.rule)


def proved_fix(finding: Finding, placed: Placed, subject: Subject) -> Diagnostic:
    """Return *finding*, which has edits, at its place; they stay safe only where it is proved that the meaning does."""
    is_proved = finding.safe and preserves_meaning(placed, finding.edits, subject.environment, subject.fix_work)
    return placed.expression.diagnostic(replace(finding, safe=is_proved), placed.rule)


def whole(placed: Placed) -> Span:
    """Return the span of a whole expression, without the white space around it."""
    text = placed.expression.parsed.text
    return Span(len(text) - len(text.lstrip()), len(text.rstrip()))


def at_part(code: str, placed: Placed, span: Span, message: str, **more: Unpack[More]) -> Diagnostic:
    """Return a finding at *span* of an expression, with *more* that it has."""
    return replace(make_finding(code, placed, span, message), **more)


def beside(placed: Placed, message: str, span: Span | None = None) -> Related:
    """Return an expression, or *span* of it, as the second place of a finding."""
    place = placed.expression.location(span or whole(placed))
    return Related(message, placed.expression.places[0][1].source.path, place)


def replacing(span: Span, text: str) -> tuple[Edit, ...]:
    """Return the one edit that puts *text* in the place of *span*."""
    return (Edit(span, text),)
