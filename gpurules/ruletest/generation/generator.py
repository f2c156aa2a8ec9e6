"""Generates tests of rules: where each matches and stays quiet, at each limit and beside it, and with facts missing.

What is expected is what the evaluator makes of the facts, and every case is played before it is written.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from gpurules.actions.explained import ExplainedRule
from gpurules.diagnostics import Location
from gpurules.errors import GpurulesError
from gpurules.fields import Field
from gpurules.language import ir
from gpurules.language.lowering import rebuilt
from gpurules.language.printer import spell
from gpurules.proofs import ExpectedTruth, Prover, Sat, ScopedCondition, TruthClaim, Witness, is_not_true, is_true
from gpurules.rules import Rule, Ruleset
from gpurules.ruletest.case import Case, Data
from gpurules.ruletest.coverage.coverage import Coverage, CoveredPart
from gpurules.ruletest.execution.assertions import check_case
from gpurules.ruletest.execution.execution import TimeStep, time_steps
from gpurules.ruletest.facts import set_path
from gpurules.ruletest.generation.timing import held_still, timed_tests
from gpurules.ruletest.generation.varying import (
    format_value,
    has_window,
    leaves,
    limits,
    path_of,
    reads_in,
    values_around,
)
from gpurules.ruletest.generation.writing import WrittenTest, as_given, effects_of, file_text
from gpurules.ruletest.reading.reader import read_tests

_HERE = Location(1, 1, 1, 1)
MOST_LEAVES = 40
"""How many parts of one condition are tried; the rest is told to be left out."""


@dataclass(slots=True)
class RuleTests:
    """The cases of one rule; ``left_out`` says in words what there is no case for, and why."""

    rule: Rule
    cases: list[WrittenTest] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


@dataclass(slots=True)
class GeneratedTests:
    """The tests that a ruleset lacks; ``seen`` is what was seen before, ``coverage`` what is with them.

    Units: ``before`` has the measures of coverage before them, in percent.
    """

    ruleset: Ruleset
    before: dict[str, float]
    seen: Coverage
    coverage: Coverage
    rules: list[RuleTests]
    left_out: list[str]

    @property
    def tests(self) -> int:
        """How many tests they are; each row of a table is one."""
        return sum(case.tests for rule in self.rules for case in rule.cases)

    @property
    def lacking(self) -> list[str]:
        """What there is no test for, each with its rule and why."""
        return [*self.left_out, *(f"{one.rule.name}: {line}" for one in self.rules for line in one.left_out)]

    def confirm(self, ruleset: str, path: str) -> None:
        """Play the whole file, as if it stood at *path*, and take out what does not run green as it is written.

        What was looked at by what is taken out does not count.
        """
        tests, problems = read_tests(self.text(ruleset), path)
        if tests is None:
            raise AssertionError(f"a generated file is wrong: {problems[0].message}")
        looks = [(case.name.rsplit(" [row ", 1)[0], Coverage(), case) for case in tests.cases]
        bad = {name for name, look, case in looks if check_case(case, self.ruleset, look).failures}
        self.coverage = Coverage()
        self.coverage.expect(self.ruleset)
        for look in (self.seen, *(look for name, look, _ in looks if name not in bad)):
            self.coverage.include(look)
        for one in self.rules:
            one.left_out += [
                f"{case.name}: it does not read back as it was meant" for case in one.cases if case.name in bad
            ]
            one.cases = [case for case in one.cases if case.name not in bad]

    def text(self, ruleset: str) -> str:
        """Return the test file, which names the ruleset as *ruleset*."""
        head = [
            "Written by `gpurules testgen`: what each rule does now, as the evaluator computed it.",
            "Read what is expected before you keep it: what is wrong about a rule is expected here too.",
        ]
        head += [f"Left out: {line}" for line in self.left_out]
        groups = []
        for one in self.rules:
            told = [f"{one.rule.name}: {' '.join(one.rule.text.split())}"]
            told += [f"left out: {line}" for line in one.left_out]
            if one.cases or one.left_out:
                groups.append(("\n".join(told), one.cases))
        return file_text(head, ruleset, groups)


def generate_tests(ruleset: Ruleset, seen: Coverage) -> GeneratedTests:
    """Return tests for what *seen* has not looked at of the rules of *ruleset*."""
    coverage = Coverage()
    coverage.expect(ruleset)
    coverage.include(seen)
    before = coverage.measures if coverage.parts else dict.fromkeys(coverage.measures, 0.0)
    names: set[str] = set()
    rules = [_Generator(ruleset, position, coverage, names).tests() for position in range(len(ruleset.program.rules))]
    told: set[str] = set()
    for one in rules:
        series = timed_tests(one.rule, ruleset, coverage, told)
        for case in series.cases:
            case.name = unique(case.name, names)
        one.cases += series.cases
        one.left_out += series.left_out
    off = [rule.name for rule in ruleset.rules if not rule.enabled]
    return GeneratedTests(ruleset, before, seen, coverage, rules, [f"{', '.join(off)}, disabled."] if off else [])


class _Generator:
    """Generates the tests of one rule."""

    def __init__(self, ruleset: Ruleset, position: int, coverage: Coverage, names: set[str]) -> None:
        program = ruleset.program
        self._ruleset, self._coverage, self._names = ruleset, coverage, names
        self._rule, term = program.rules[position], program.terms[position].term
        self._found = RuleTests(self._rule)
        self._leaves = list(dict.fromkeys(leaves(term)))
        if len(self._leaves) > MOST_LEAVES:
            self._found.left_out.append(f"all but the first {MOST_LEAVES} of {len(self._leaves)} parts")
            del self._leaves[MOST_LEAVES:]
        gpus = self._rule.gpus
        self._stated = ScopedCondition(held_still(term), gpus)
        self._without = {
            leaf: [ScopedCondition(held_still(_put(term, leaf, truth)), gpus) for truth in (ir.FALSE, ir.TRUE)]
            for leaf in self._leaves
        }
        self._stops = [
            is_not_true(ScopedCondition(held_still(term.term), other.gpus))
            for other, term in zip(program.rules, program.terms, strict=True)
            if other.stop and not other.is_shadow and other.priority > self._rule.priority
        ]
        asked = [self._stated, *(claim.condition for claim in self._stops)]
        asked += [stated for both in self._without.values() for stated in both]
        asked += [self._alone(leaf) for leaf in self._leaves]
        self._prover = Prover(asked)

    def tests(self) -> RuleTests:
        """Return them."""
        self._witness()
        for leaf in self._leaves:
            self._around(leaf)
        self._quiet()
        return self._found

    def _ask(self, *claims: TruthClaim) -> Witness | None:
        """Return a moment in which *claims* hold: better one in which no other rule stops this one."""
        for also in [self._stops, []] if self._stops else [[]]:
            answer = self._prover.ask([*claims, *also])
            if isinstance(answer, Sat):
                return answer.witness
        return None

    def _witness(self) -> None:
        """Add a case in which the rule matches, with what it orders."""
        outcomes = self._coverage.outcomes.get(self._rule.name, set())
        if {"match", "suppressed"} & outcomes:
            return
        witness = self._ask(is_true(self._stated))
        if witness is None:
            self._found.left_out.append("a case in which it matches: none was found")
            return
        self._one(f"{self._rule.name} matches with {witness}", witness, ("match", "suppressed"))

    def _quiet(self) -> None:
        """Add a case in which the rule stays quiet, where no other case has shown that."""
        if {"no-match", "unknown"} & self._coverage.outcomes.get(self._rule.name, set()):
            return
        witness = self._ask(TruthClaim(self._stated, ExpectedTruth.FALSE)) or self._ask(is_not_true(self._stated))
        if witness is None:
            self._found.left_out.append("a case in which it stays quiet: none was found")
            return
        is_written = not any(isinstance(fact.term, ir.Window) for fact in witness.known)
        how = f"with {witness}" if is_written else "where it knows nothing of what was"
        self._one(f"{self._rule.name} stays quiet {how}", witness, ("no-match", "unknown"))

    def _one(self, name: str, witness: Witness, wanted: tuple[str, ...]) -> None:
        given = as_given(witness.to_dict())
        played = self._played(given)
        if played is not None and played[1].outcome not in wanted and has_window(self._stated.term):
            return  # that takes a series
        if played is None or played[1].outcome not in wanted:
            self._found.left_out.append(f"{name}: tests cannot write these facts as one moment")
            return
        moment, rule = played
        self._coverage.add(rule)
        expect: dict[str, object] = {"rule": rule.rule, "outcome": rule.outcome}
        if rule.because:
            expect["because"] = rule.because
        if rule.devices:
            expect["devices"] = list(rule.devices)
        told = effects_of(moment.decision) if rule.outcome == "match" else {}
        if told:
            expect["decision"] = told
        if len(moment.decision.rules) > 1:
            expect["matched"] = list(moment.decision.rules)
        self._found.cases.append(WrittenTest(self._named(name), rule.rule, given, expect))

    def _around(self, leaf: ir.Term) -> None:
        """Add a table that tries *leaf* at its limits, beside them, and with its facts missing."""
        part, text = self._part(leaf), spell(leaf)
        if part is not None and not part.is_unknown_path_open and part.is_told and _is_met(part):
            return
        if has_window(held_still(leaf)):
            return  # that takes a series
        base = self._base(leaf)
        if base is None:
            self._found.left_out.append(f"{text}: no facts were found to try it with")
            return
        fields = reads_in(held_still(leaf))
        gpu = base.snapshot.gpus[0].index if base.snapshot.gpus else 0
        paths = {one: path for one in fields if (path := path_of(one, gpu)) is not None}
        if not paths:
            self._found.left_out.append(f"{text}: tests cannot set its facts one by one")
            return
        self._table(leaf, paths, base)

    def _alone(self, leaf: ir.Term) -> ScopedCondition:
        return ScopedCondition(held_still(leaf), self._rule.gpus)

    def _base(self, leaf: ir.Term) -> Witness | None:
        """Return facts in which the rule matches and *leaf* decides it, or with which *leaf* is at least known."""
        for without in self._without[leaf]:
            found = self._ask(is_true(self._stated), is_not_true(without))
            if found is not None:
                return found
        return self._ask(TruthClaim(self._alone(leaf), ExpectedTruth.TRUE)) or self._ask(is_true(self._stated))

    def _other(self, leaf: ir.Term, paths: Mapping[Field, str]) -> Witness | None:
        """Return facts with which *leaf*, of several fields, is FALSE."""
        return None if len(paths) < 2 else self._ask(TruthClaim(self._alone(leaf), ExpectedTruth.FALSE))

    def _table(self, leaf: ir.Term, paths: Mapping[Field, str], base: Witness) -> None:
        given = as_given(base.to_dict())
        before = self._part(leaf)
        is_needed = bool(limits(leaf)) and not (before is not None and before.is_bounded)
        case = WrittenTest("", self._rule.name, _cleared(given, paths.values()), None, (*paths.values(), "outcome"))
        tried = list(self._tried(case.given, paths, _rows(leaf, paths, base, self._other(leaf, paths))))
        kept = [(row, adds or (is_needed and "_" not in row)) for row, _, adds in tried]
        is_whole = any(keep and "_" not in row for row, keep in kept)
        chosen = [one for one, (row, keep) in zip(tried, kept, strict=True) if keep or (is_whole and "_" in row)]
        if not chosen:
            return
        case.rows = [(*row, explained.outcome) for row, explained, _ in chosen]
        reasons = [explained.because for _, explained, _ in chosen]
        if None not in reasons:
            case.columns = (*case.columns, "because")
            case.rows = [(*row, str(why)) for row, why in zip(case.rows, reasons, strict=True)]
        case.name = self._named(_title(self._rule.name, leaf, is_needed, case.rows))
        self._found.cases.append(case)

    def _tried(
        self, given: Data, paths: Mapping[Field, str], rows: Iterable[tuple[str, ...]]
    ) -> Iterator[tuple[tuple[str, ...], ExplainedRule, bool]]:
        """Yield each of *rows* that tests can write, what becomes of the rule, and whether that shows anything new."""
        for row in rows:
            data = deepcopy(given)
            for path, cell in zip(paths.values(), row, strict=True):
                set_path(data, path, None if cell == "_" else cell)
            played = self._played(data)
            if played is not None:
                yield row, played[1], self._adds(played[1])

    def _played(self, given: Data) -> tuple[TimeStep, ExplainedRule] | None:
        """Return what the evaluator makes of *given*; None where tests cannot write it."""
        try:
            moment = next(iter(time_steps(Case("", _HERE, given, ()), self._ruleset)))
        except GpurulesError:
            return None
        return moment, moment.explanation.rule(self._rule.name)

    def _part(self, leaf: ir.Term) -> CoveredPart | None:
        parts = self._coverage.parts_of(self._rule.name)
        return next((part for part in parts if part.span == leaf.span and part.text == spell(leaf)), None)

    def _adds(self, explained: ExplainedRule) -> bool:
        """Count one look at the rule, and return whether anything of it is new."""
        before = self._state()
        self._coverage.add(explained)
        return self._state() != before

    def _state(self) -> object:
        parts = [(part.text, frozenset(part.values), part.is_hit) for part in self._coverage.parts_of(self._rule.name)]
        return frozenset(self._coverage.outcomes.get(self._rule.name, ())), parts

    def _named(self, name: str) -> str:
        return unique(name, self._names)


def unique(name: str, names: set[str]) -> str:
    """Return *name*, made different from all *names*, of which it is one then."""
    short = name if len(name) <= 160 else f"{name[:157]}..."
    number, found = 1, short
    while found in names:
        number += 1
        found = f"{short} ({number})"
    names.add(found)
    return found


def _is_met(part: CoveredPart) -> bool:
    return part.is_bounded or not part.is_threshold


def _put(term: ir.Term, leaf: ir.Term, truth: ir.Term) -> ir.Term:
    """Return *term* with *truth* in place of *leaf*."""
    if term == leaf:
        return truth
    return rebuilt(term, lambda part: _put(part, leaf, truth)) if ir.children(term) else term


def _rows(leaf: ir.Term, paths: Mapping[Field, str], base: Witness, other: Witness | None) -> Iterator[tuple[str, ...]]:
    """Yield what to give the fields of *leaf*: one of them varied, or missing, the rest as in *base*; all of *other*.

    Missing: *other*, in which the leaf is otherwise, is None where that is not needed or not found.
    """
    now = {one: format_value(_value(one, base), one) for one in paths}
    for varied in paths:
        values = [format_value(value, varied) for value in values_around(varied, leaf)]
        for cell in dict.fromkeys([*values, *([] if values else [now[varied]]), "_"]):
            if cell != "_" or not varied.always_known:
                yield tuple(cell if one is varied else now[one] for one in paths)
    if other is not None:
        yield tuple(format_value(_value(one, other), one) for one in paths)


def _value(one: Field, base: Witness) -> str | float | bool | None:
    return next((f.value for f in base.known if isinstance(f.term, ir.Read) and f.term.field == one), None)


def _cleared(given: Data, paths: Iterable[str]) -> Data:
    """Return *given* without the facts at *paths*, which the columns of a table say."""
    data = deepcopy(given)
    for path in paths:
        holder: object = data.get(path.split(".")[0])
        if path.startswith("gpu["):
            snapshot = data.get("snapshot")
            gpus = snapshot.get("gpus", []) if isinstance(snapshot, dict) else []
            index = path[4 : path.index("]")]
            holder = next((gpu for gpu in gpus if str(gpu.get("index")) == index), None)
        if isinstance(holder, dict):
            holder.pop(path.rsplit(".", 1)[1], None)
    return {kind: facts for kind, facts in data.items() if facts}


def _title(rule: str, leaf: ir.Term, is_limit: bool, rows: Sequence[tuple[str, ...]]) -> str:
    if all("_" in row for row in rows):
        return f"{rule} without the facts of {spell(leaf)}"
    return f"{rule} at and beside the limit of {spell(leaf)}" if is_limit else f"{rule} as {spell(leaf)} changes"


__all__ = ["GeneratedTests", "RuleTests", "generate_tests"]
