"""What a ruleset can mean: one prover for all of its conditions, which the checks about meaning ask.

Most questions are settled by outlines, without a search. What takes one is counted, and ends at a cap.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum

from gpurules.diagnostics import Edit, Example, Span
from gpurules.language.terms import ir
from gpurules.language.terms.lowering import inline_signals
from gpurules.linter.conditions.parts import Junction
from gpurules.linter.work import WORK, AbandonedError, WitnessMemory, always
from gpurules.model import Kind
from gpurules.proofs import (
    COUNTS,
    RELATED_READINGS,
    STEPS,
    Abstraction,
    Answer,
    ExpectedTruth,
    Formula,
    Prover,
    Sat,
    ScopedCondition,
    Screening,
    TruthClaim,
    Unknown,
    Unsat,
    entails,
    is_true,
    minimize_witness,
)
from gpurules.records import Alone, Record, record
from gpurules.rules import Rule, Ruleset
from gpurules.rules.building import Placed

_CAPPED = "the step budget of the analysis was exhausted"
_PER_QUESTION = 40
_QUESTIONS = 80
"""No question may take more than this part of the work, or what the prover gives one anyway."""
_ODD_LITERALS = frozenset({"GPR107", "GPR108", "GPR110"})
"""Findings that say already that a comparison never changes its mind."""


class Contingency(Enum):
    """What is known of a condition: it can never be TRUE; never FALSE; both; or that is not analyzed."""

    NEVER = "never"
    ALWAYS = "always"
    OPEN = "open"
    PLAIN = "plain"
    """It can be both, and each part of it counts."""
    UNKNOWN = "unknown"


@record
class Examined(Alone):
    """A condition in a file. Missing: ``rule`` is None where it is that of a definition or a signal."""

    placed: Placed
    condition: ScopedCondition
    rule: Rule | None = None

    @property
    def title(self) -> str:
        """What it is called in a report."""
        return self.rule.name if self.rule else self.placed.name or self.placed.rule or "a condition"


@record
class Redundancy(Record):
    """A part that changes nothing. ``by`` are the parts that say it already; none where it can never be TRUE.

    ``is_proved``: with those parts it is the same as they are without it, on whatever facts.
    """

    one: Examined
    junction: Junction
    span: Span
    edits: tuple[Edit, ...]
    by: tuple[Span, ...] = ()
    is_proved: bool = False


@record
class ActiveRule(Alone):
    """A rule as other rules meet it: ``now`` is its condition with its signals put in place."""

    rule: Rule
    position: int
    placed: Placed | None
    condition: ScopedCondition
    now: ScopedCondition
    formula: Formula
    abstraction: Abstraction


class Covering(Enum):
    """Why a rule has nothing to say: rules before it stop the looking, order the same or more, or are the same."""

    STOPS = "stops"
    ORDERS = "orders"
    EQUALS = "equals"


@record
class Shadow(Record):
    """A rule that has nothing to say, and the rules that say it: all of them together are needed."""

    rule: ActiveRule
    by: tuple[ActiveRule, ...]
    covering: Covering


class ConflictKind(Enum):
    """How two actions get in each other's way, the gravest first."""

    EXCLUDES = "excludes"
    COMPETES = "competes"
    ORDER = "order"


@record
class Conflict(Record):
    """A rule, earlier rules that interfere with it, the two actions of the first of them, and a witness."""

    kind: ConflictKind
    rule: ActiveRule
    others: tuple[ActiveRule, ...]
    actions: tuple[str, str]
    found: Sat


class Analysis:
    """Answers the checks about one ruleset.

    ``unanalyzed`` has what could not be decided, by rule name, with the reason; ``is_capped`` says whether the
    *work* was not enough. Each question asks *is_wanted* first.

    Raises:
        AbandonedError: by any question, once no caller waits for the answers.
    """

    def __init__(
        self,
        ruleset: Ruleset,
        placed: Sequence[Placed],
        work: int = WORK,
        is_wanted: Callable[[], bool] = always,
        witnesses: WitnessMemory | None = None,
    ) -> None:
        self.ruleset = ruleset
        self.placed = placed
        self.unanalyzed: dict[str, str] = {}
        self.is_capped = False
        self.redundancies: list[Redundancy] | None = None
        self.shadows: list[Shadow] | None = None
        self.conflicts: list[Conflict] | None = None
        self.gapless: dict[str, bool] = {}
        self._left = work
        self._is_wanted = is_wanted
        self._witnesses = witnesses or WitnessMemory()
        conditions = {name: signal.condition for name, signal in self.ruleset.signals.items()}
        self._scope = {rule.name: rule.gpus for rule in self.ruleset.rules}
        self._rules = {rule.name: rule for rule in self.ruleset.rules}
        self.now = {
            rule.name: ScopedCondition(inline_signals(rule.term, conditions), rule.gpus) for rule in self.ruleset.rules
        }
        self.examined = [
            Examined(
                one, ScopedCondition(one.checked.term, self._scope.get(one.rule or "", "node")), self._rule_of(one)
            )
            for one in self.placed
            if one.checked.term.datatype.kind is Kind.BOOL and one.expression.parsed.tree is not None
        ]
        self._by_name = {one.placed.name: one for one in self.examined if one.placed.name}
        self._states: dict[int, Contingency] = {}
        self._standing: list[ActiveRule] | None = None
        condition = [*(one.condition for one in self.examined)]
        condition += [ScopedCondition(rule.term, rule.gpus) for rule in self.ruleset.rules]
        self.prover = Prover(condition, self.ruleset.signals, max(STEPS, work // _QUESTIONS))
        self.screening = Screening(self.prover)

    def _go_on(self) -> None:
        if not self._is_wanted():
            raise AbandonedError("no client is waiting for the findings any more")

    def _rule_of(self, placed: Placed) -> Rule | None:
        rule = self._rules.get(placed.rule or "")
        if rule is None:
            return None
        condition = self.ruleset.signals[rule.signal].condition if rule.signal else rule.term
        return rule if placed.checked.term is condition else None

    def ask(self, claims: Sequence[TruthClaim], who: Iterable[str] = ()) -> Answer:
        """Return whether *claims* can hold together; what could not be determined is noted for the names *who*."""
        self._go_on()
        if self._left <= 0:
            self.is_capped = True
            answer: Answer = Unknown(_CAPPED)
        else:
            before = self.prover.spent
            answer = self.prover.ask(claims)
            self._left -= self.prover.spent - before + _PER_QUESTION + len(claims)
        if isinstance(answer, Unknown):
            for name in who:
                self.unanalyzed.setdefault(name, answer.reason)
        return answer

    def is_impossible(self, claims: Sequence[TruthClaim], who: Iterable[str]) -> bool:
        """Return whether it is proved that *claims* cannot hold together; undecided claims are noted, as ask does."""
        self._go_on()
        if self._left <= 0:
            return isinstance(self.ask(claims, who), Unsat)
        before = self.prover.spent
        proved = self.prover.proves_unsat(claims)
        self._left -= self.prover.spent - before + _PER_QUESTION + len(claims)
        if isinstance(proved, Unknown):
            for name in who:
                self.unanalyzed.setdefault(name, proved.reason)
        return proved is True

    def depends_on_readings(self, claims: Sequence[TruthClaim]) -> bool:
        """Return whether *claims*, which cannot hold together, could where readings of a device contradict each other.

        A used memory above the total, say, which a bug of a driver or two readings at different times can give.
        """
        fields = {field.name for claim in claims for field in ir.fields(claim.condition.term)}
        if not fields & COUNTS and not any(len(fields & related) > 1 for related in RELATED_READINGS):
            return False
        conditions = [claim.condition for claim in claims]
        prover = Prover(conditions, self.ruleset.signals, trusts_readings=False)
        return prover.proves_unsat(claims) is False

    def note_capped(self, name: str) -> None:
        """Note that not everything was looked at of what is called *name*."""
        self.is_capped = True
        self.unanalyzed.setdefault(name, _CAPPED)

    def spends(self, name: str, steps: int) -> bool:
        """Take *steps* for what is called *name* and needs no question; return whether there were any left."""
        self._go_on()
        if self._left <= 0:
            self.note_capped(name)
            return False
        self._left -= steps
        return True

    def find_witness(self, claims: Sequence[TruthClaim], who: Iterable[str] = ()) -> Sat | None:
        """Return what shows that *claims* can hold together, None where nothing does."""
        answer = self.ask(claims, who)
        return answer if isinstance(answer, Sat) else None

    def minimize(self, found: Sat, claims: Sequence[TruthClaim], also: Callable[[Sat], bool] | None = None) -> Sat:
        """Return *found*, which shows *claims* and *also*, with the facts that matter to people."""
        if self._left <= 0:
            return found
        self._left -= _PER_QUESTION * len(claims)
        witness, signals = found.witness, self.ruleset.signals
        if also is not None:
            return Sat(minimize_witness(witness, claims, signals, lambda less: also(Sat(less))))
        if any(isinstance(part, ir.Signal) for claim in claims for part in ir.walk(claim.condition.term)):
            return Sat(minimize_witness(witness, claims, signals))
        known = self._witnesses.recall(witness, tuple(claims), lambda: minimize_witness(witness, claims))
        return Sat(known)

    def state(self, one: Examined) -> Contingency:
        """Return the contingency of a condition, cached."""
        self._go_on()
        found = self._states.get(id(one))
        if found is None:
            found = self._states[id(one)] = self._state(one)
        return found

    def _state(self, one: Examined) -> Contingency:
        if self.is_odd(one.placed):
            return Contingency.UNKNOWN
        if self.screening.is_contingent(one.condition):
            return Contingency.PLAIN
        if isinstance(one.condition.term, ir.Constant):
            return Contingency.UNKNOWN
        can_be = [self._can_be(one, want) for want in (ExpectedTruth.TRUE, ExpectedTruth.FALSE)]
        if can_be[0] is False:
            return Contingency.NEVER
        if None in can_be:
            return Contingency.UNKNOWN
        return Contingency.OPEN if can_be[1] else Contingency.ALWAYS

    def _can_be(self, one: Examined, want: ExpectedTruth) -> bool | None:
        """Return whether a condition can be as wanted, None where that is not reported."""
        claims = [TruthClaim(one.condition, want, on_one=True)]
        answer = None if self.prover.shows(claims) else self.ask(claims, [one.title])
        return None if isinstance(answer, Unknown) else not isinstance(answer, Unsat)

    def is_odd(self, placed: Placed) -> bool:
        """Return whether a literal in a condition, or in what it uses, is a finding of its own."""
        if any(finding.code in _ODD_LITERALS for finding in placed.checked.findings):
            return True
        used = (self._by_name[name].placed for name in placed.checked.used if name in self._by_name)
        return any(one is not placed and self.is_odd(one) for one in used)

    def uses(self, one: Examined, states: Sequence[Contingency]) -> bool:
        """Return whether a condition uses a definition or a signal that is itself in one of *states*."""
        used = [self._by_name[name] for name in one.placed.checked.used if name in self._by_name]
        return any(other is not one and self.state(other) in states for other in used)

    @property
    def active_rules(self) -> list[ActiveRule]:
        """The rules that do something and can match, in order; those that say nothing but TRUE are among them."""
        if self._standing is None:
            self._standing = list(self._stand())
        return self._standing

    def _stand(self) -> Iterator[ActiveRule]:
        by_rule = {one.rule.name: one for one in self.examined if one.rule}
        for position, rule in enumerate(self.ruleset.rules):
            one = by_rule.get(rule.name)
            if not rule.enabled or rule.is_shadow or one is None:
                continue
            is_reportable = self.state(one) in (Contingency.PLAIN, Contingency.OPEN) or isinstance(
                one.condition.term, ir.Constant
            )
            if not is_reportable or self.uses(one, (Contingency.NEVER,)):
                continue
            condition = ScopedCondition(rule.term, rule.gpus)
            formula = self.prover.formula(is_true(condition))
            abstraction = self.screening.of(formula)
            yield ActiveRule(rule, position, one.placed, condition, self.now[rule.name], formula, abstraction)

    def implies(self, inner: ActiveRule, outer: ActiveRule) -> bool:
        """Return whether it is proved that *outer* matches wherever *inner* does."""
        self._go_on()
        if self.screening.refutes_implication(inner.abstraction, (outer.formula, outer.abstraction)):
            return False
        if entails(inner.formula, outer.formula):
            return True
        claims = [is_true(inner.condition), TruthClaim(outer.condition, ExpectedTruth.NOT_TRUE)]
        return self.is_impossible(claims, [inner.rule.name])

    def joint_witness(self, one: ActiveRule, other: ActiveRule) -> Sat | None:
        """Return a witness that two rules can match at once, the plainest first: one without memory."""
        self._go_on()
        if self.screening.are_disjoint(one.abstraction, other.abstraction):
            return None
        for first, second in ((one.now, other.now), (one.condition, other.condition)):
            found = self.find_witness([is_true(first), is_true(second)], [other.rule.name])
            if found is not None or (first is one.condition and second is other.condition):
                return found
        return None


def example(found: Sat, *outcomes: tuple[str, str]) -> Example | None:
    """Return a witness as a case that a rule test can have; None where it has memory in it."""
    given = found.witness.to_dict()
    return None if "derived" in given else Example(given, outcomes)
