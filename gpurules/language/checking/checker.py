"""Syntax tree to checked tree: resolves names, types every term, and says what does not fit.

After a mistake it goes on with a term of type ERROR, which fits everything: one mistake, one finding.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

from gpurules.diagnostics import Edit, Finding, Span
from gpurules.fields import Field
from gpurules.language.checking import arithmetic, calls, hints
from gpurules.language.syntax import nodes
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.language.terms.patterns import PatternError, matcher
from gpurules.model import BOOL, ERROR, NUMBER, NUMBERS, STRING, STRINGS, Datatype, Dimension, Kind, number

Named: TypeAlias = ir.Term | Field | tuple[ir.Constant, ...] | None


class SymbolTable(Protocol):
    """What the checker asks of an environment."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name there is."""
        ...

    def resolve(self, name: str) -> Named:
        """Return what a name stands for."""
        ...

    def has_aggregate(self, name: str) -> bool:
        """Return whether a definition holds an aggregate, directly or through others."""
        ...


@dataclass(slots=True)
class Context:
    """Where the checker is: the names in force, what it found, and whether it is inside an aggregate or has met one."""

    environment: SymbolTable
    findings: list[Finding] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    in_aggregate: bool = False
    has_aggregate: bool = False

    def report(self, code: str, span: Span, message: str, hint: str | None = None) -> ir.Constant:
        """Note a finding, and return the term that stands for the mistake."""
        self.findings.append(Finding(code, span, message, hint))
        return ir.Constant(None, ERROR, span=span)

    def fix(self, edits: tuple[Edit, ...]) -> None:
        """Let the last finding have *edits*, which change what is meant."""
        self.findings[-1] = replace(self.findings[-1], edits=edits)

    def report_unknown(self, name: nodes.Name, what: str, otherwise: str | None = None) -> ir.Constant:
        """Note that *name* stands for nothing, with the name that it was meant to be."""
        known = self.environment.names
        hint = hints.for_unknown_name(name.name, known)
        term = self.report("GPR101", name.span, f"no {what} is named {name.name!r}", hint or otherwise)
        meant = hints.intended_name(name.name, known)
        if meant is not None:
            self.fix((Edit(name.span, meant),))
        return term

    def check(self, node: nodes.Expr) -> ir.Term:
        """Return *node* checked."""
        return check(node, self)

    def check_beside(self, operands: Sequence[nodes.Expr]) -> list[ir.Term]:
        """Return the checked operands of one comparison; the other operand shows what an unknown name means."""
        before = len(self.findings)
        terms = [check(operand, self) for operand in operands]
        names = {one.span: one.name for one in operands if isinstance(one, nodes.Name)}
        for place in range(before, len(self.findings)):
            found = self.findings[place]
            name = names.get(found.span) if found.code == "GPR101" else None
            advice = None if name is None else hints.beside(name, terms)
            if advice is not None and not found.edits:
                hint, text = advice
                edits = () if text is None else (Edit(found.span, text),)
                self.findings[place] = replace(found, hint=hint, edits=edits)
        return terms


def check(node: nodes.Expr, context: Context) -> ir.Term:
    """Return the term that *node* means."""
    match node:
        case nodes.Name():
            return _name(node, context)
        case nodes.Compare(first, rest):
            return _compare(node, context.check_beside((first, *(operand for _, operand in rest))), context)
        case nodes.Quantity(spelling, value, dimension):
            return ir.Constant(value, number(dimension), spelling=spelling, span=node.span)
        case nodes.Text(value) | nodes.Boolean(value):
            return ir.Constant(value, STRING if isinstance(value, str) else BOOL, span=node.span)
        case nodes.Window(name):
            hint = f"write avg_over_time({name.name}[{node.duration.spelling}])"
            return context.report(
                "GPR120", node.span, f"the window {name.name}[…] is not inside an over-time function", hint
            )
        case nodes.Call():
            return calls.check_call(node, context)
        case nodes.Group(inner):
            return check(inner, context)
        case nodes.Negative(operand):
            return arithmetic.check_negative(node, check(operand, context), context)
        case nodes.Sum():
            return arithmetic.check_sum(node, context)
        case nodes.Product():
            return arithmetic.check_product(node, context)
        case nodes.Membership() | nodes.ListMembership() | nodes.Between() | nodes.TextTest() | nodes.MissingTest():
            return _check_predicate(node, context)
        case nodes.Not(operand):
            return ir.Not(_wants_bool(check(operand, context), "NOT", context), span=node.span)
        case nodes.And(parts):
            return ir.And(_all_bool(parts, "AND", context), span=node.span)
        case nodes.Or(parts):
            return ir.Or(_all_bool(parts, "OR", context), span=node.span)


def _check_predicate(node: nodes.Test, context: Context) -> ir.Term:
    """Return the term of a test."""
    match node:
        case nodes.Membership(subject, members, negated):
            terms = context.check_beside((subject, *members))
            return _negated(_member(node, terms, context), negated)
        case nodes.ListMembership(subject, name, negated):
            return _negated(_list_member(node, check(subject, context), name, context), negated)
        case nodes.Between(subject, low, high, negated):
            terms = [check(n, context) for n in (low, subject, high)]
            return _negated(_between(node, terms, context), negated)
        case nodes.TextTest(_, subject, pattern, negated):
            left, right = context.check_beside((subject, pattern))
            return _negated(_text_test(node, left, right, context), negated)
        case nodes.MissingTest(subject, negated):
            return _negated(ir.IsMissing(check(subject, context), span=node.span), negated)


def check_condition(node: nodes.Expr, context: Context) -> ir.Term:
    """Return the term of *node*, which must be a bool."""
    return _wants_bool(check(node, context), "a condition", context)


def check_list(node: nodes.ListLiteral, context: Context) -> tuple[ir.Constant, ...]:
    """Return the members of a list: constants of one type (bare numbers take the dimension of the others)."""
    terms = [check(member, context) for member in node.members]
    unified = unify(terms, node.span, context, "a list")
    return tuple(t for t in (arithmetic.fold_term(term) for term in unified) if isinstance(t, ir.Constant))


def _all_bool(parts: tuple[nodes.Expr, ...], word: str, context: Context) -> tuple[ir.Term, ...]:
    terms = []
    for part in parts:
        terms.append(_wants_bool(check(part, context), word, context))
    return tuple(terms)


def _wants_bool(term: ir.Term, word: str, context: Context) -> ir.Term:
    if term.datatype.kind in (Kind.BOOL, Kind.ERROR):
        return term
    needs = f"{word} needs a condition" if word != "a condition" else "a condition is true or false"
    return context.report("GPR103", term.span, f"{needs}, but this is a {term.datatype}", hints.for_condition(term))


def _negated(term: ir.Term, negated: bool) -> ir.Term:
    return ir.Not(term, span=term.span) if negated else term


def _name(node: nodes.Name, context: Context) -> ir.Term:
    context.used.add(node.name)
    found = context.environment.resolve(node.name)
    match found:
        case None:
            return context.report_unknown(node, "field, signal or define")
        case Field():
            return ir.Read(found, span=node.span)
        case tuple():
            kind = STRINGS if found and found[0].datatype.kind is Kind.STRING else NUMBERS
            hint = f"test membership: … IN {node.name}"
            return context.report("GPR103", node.span, f"{node.name!r} is a {kind}, and can only follow IN", hint)
        case ir.Signal(name, per_gpu):
            return ir.Signal(name, per_gpu, span=node.span)
        case ir.Constant(value, datatype):
            return ir.Constant(value, datatype, spelling=found.spelling, span=node.span)
        case _:
            return _definition(node, found, context)


def _definition(node: nodes.Name, found: ir.Term, context: Context) -> ir.Term:
    """Return the term of a definition in place of its name; one with an aggregate cannot be in an aggregate."""
    if context.environment.has_aggregate(node.name):
        context.has_aggregate = True
        if context.in_aggregate:
            message = f"aggregates do not nest, and the definition {node.name!r} contains one"
            hint = f"use {node.name} outside: {node.name} AND any(…)"
            return context.report("GPR119", node.span, message, hint if found.datatype == BOOL else calls.NOT_NESTED)
    return _at(found, node.span)


def _at(term: ir.Term, span: Span) -> ir.Term:
    """Return *term*, which a definition put in place, standing where its name stands."""
    match term:
        case ir.And(parts):
            return ir.And(parts, span=span)
        case ir.Or(parts):
            return ir.Or(parts, span=span)
        case ir.Compare(comparators, operands):
            return ir.Compare(comparators, operands, span=span)
        case ir.Not(operand):
            return ir.Not(operand, span=span)
        case ir.Read(found):
            return ir.Read(found, span=span)
        case ir.Arithmetic(first, rest, datatype):
            return ir.Arithmetic(first, rest, datatype, span=span)
        case ir.Aggregate(function, operand, datatype):
            return ir.Aggregate(function, operand, datatype, span=span)
        case ir.Member(subject, members):
            return ir.Member(subject, members, span=span)
        case ir.TextTest(operator, subject, pattern):
            return ir.TextTest(operator, subject, pattern, span=span)
        case ir.IsMissing(operand):
            return ir.IsMissing(operand, span=span)
        case ir.Apply(function, arguments, datatype):
            return ir.Apply(function, arguments, datatype, span=span)
        case ir.Window(function, found, seconds, parameter, datatype, operand):
            return ir.Window(function, found, seconds, parameter, datatype, operand, span=span)
        case ir.Negative(operand, datatype):
            return ir.Negative(operand, datatype, span=span)
        case ir.Constant() | ir.Signal():
            return term


def unify(terms: list[ir.Term], span: Span, context: Context, what: str) -> list[ir.Term]:
    """Return *terms* with one type: bare constants take the dimension of the others; else report and return ERROR."""
    first = terms[0]
    datatype = first.datatype
    if not [term for term in terms if term.datatype is not datatype and term.datatype != datatype]:
        return terms
    if arithmetic.has_error(terms):
        return terms
    odd = next((t for t in terms if t.datatype.kind is not first.datatype.kind), None)
    if odd is not None:
        one, other = f"{hints.describe(first)} is a {first.datatype}", f"{hints.describe(odd)} a {odd.datatype}"
        message = f"{what} needs one type, and {one}, {other}"
        context.report("GPR103", odd.span if what == "a list" else span, message, hints.for_types(first, odd))
        return [ir.Constant(None, ERROR, span=t.span) for t in terms]
    if first.datatype.kind is not Kind.NUMBER:
        return terms
    fixed = next((t for t in terms if t.datatype != NUMBER or not arithmetic.is_bare(t)), None)
    if fixed is None:
        return terms
    unfit = next((t for t in terms if t.datatype != fixed.datatype and not arithmetic.is_bare(t)), None)
    if unfit is not None:
        one, other = hints.describe(fixed), hints.describe(unfit)
        message = f"{one} is {_measure(fixed.datatype)}, {other} is {_measure(unfit.datatype)}"
        context.report("GPR104", span, message, hints.for_dimensions(fixed, unfit))
        context.fix(hints.dimensions_fix(fixed, unfit))
        return [ir.Constant(None, ERROR, span=t.span) for t in terms]
    return [arithmetic.adopt(t, fixed.datatype) for t in terms]


def _measure(datatype: Datatype) -> str:
    return {
        Dimension.NONE: "a bare number",
        Dimension.PERCENT: "a percentage",
        Dimension.CELSIUS: "a temperature (celsius)",
        Dimension.SECONDS: "a time (seconds)",
        Dimension.WATTS: "a power (watts)",
        Dimension.JOULES: "an energy (joules)",
        Dimension.HERTZ: "a frequency (hertz)",
        Dimension.BYTES: "a size (bytes)",
        Dimension.BYTES_PER_SECOND: "a rate (bytes/second)",
    }[datatype.dimension]


_UP = frozenset({Comparator.LT, Comparator.LE})
_DOWN = frozenset({Comparator.GT, Comparator.GE})
_ORDERING = _UP | _DOWN


def _compare(node: nodes.Compare, terms: list[ir.Term], context: Context) -> ir.Term:
    comparators = tuple(comparator for comparator, _ in node.rest)
    if len(comparators) > 1 and not any(set(comparators) <= fit for fit in (_UP, _DOWN, frozenset({Comparator.EQ}))):
        message = f"a chain of {' and '.join(sorted(set(comparators)))} is ambiguous"
        return context.report("GPR011", node.span, message, "join the comparisons with AND")
    if not _ORDERING.isdisjoint(comparators):
        wrong = next((t for t in terms if t.datatype.kind not in (Kind.NUMBER, Kind.ERROR)), None)
        if wrong is not None:
            message = f"{comparators[0]} orders numbers, and {hints.describe(wrong)} is a {wrong.datatype}"
            return context.report("GPR103", node.span, message, hints.for_types(terms[0], wrong))
    terms = unify(terms, node.span, context, f"{comparators[0]}")
    if arithmetic.has_error(terms):
        return ir.Constant(None, ERROR, span=node.span)
    hints.warn_of_literals(terms, context.findings)
    return ir.Compare(comparators, tuple(terms), span=node.span)


def _between(node: nodes.Between, terms: list[ir.Term], context: Context) -> ir.Term:
    wrong = next((t for t in terms if t.datatype.kind not in (Kind.NUMBER, Kind.ERROR)), None)
    if wrong is not None:
        message = f"BETWEEN orders numbers, and {hints.describe(wrong)} is a {wrong.datatype}"
        return context.report("GPR103", node.span, message, hints.for_types(terms[1], wrong))
    low, subject, high = terms
    subject, low, high = unify([subject, low, high], node.span, context, "BETWEEN")
    if ERROR in (low.datatype, subject.datatype, high.datatype):
        return ir.Constant(None, ERROR, span=node.span)
    hints.warn_of_literals([low, subject, high], context.findings)
    return ir.Compare((Comparator.LE, Comparator.LE), (low, subject, high), span=node.span)


def _member(node: nodes.Expr, terms: list[ir.Term], context: Context) -> ir.Term:
    terms = unify(terms, node.span, context, "IN")
    if arithmetic.has_error(terms):
        return ir.Constant(None, ERROR, span=node.span)
    hints.warn_of_literals(terms, context.findings)
    return ir.Member(terms[0], tuple(terms[1:]), span=node.span)


def _list_member(node: nodes.ListMembership, subject: ir.Term, name: nodes.Name, context: Context) -> ir.Term:
    context.used.add(name.name)
    found = context.environment.resolve(name.name)
    if found is None:
        return context.report_unknown(name, "list", "lists are declared under define")
    if isinstance(found, ir.Constant) and found.datatype == ERROR:
        return ir.Constant(None, ERROR, span=node.span)
    if not isinstance(found, tuple):
        hint = f"write IN ({name.name}) for a single value, or define {name.name} as a list: ['a', 'b']"
        return context.report("GPR103", name.span, f"{name.name!r} is not a list", hint)
    placed = [ir.Constant(m.value, m.datatype, spelling=m.spelling, span=name.span) for m in found]
    return _member(node, [subject, *placed], context)


def _text_test(node: nodes.TextTest, subject: ir.Term, pattern: ir.Term, context: Context) -> ir.Term:
    for term in (subject, pattern):
        if term.datatype.kind is Kind.ERROR:
            return ir.Constant(None, ERROR, span=node.span)
        if term.datatype.kind is not Kind.STRING:
            message = f"{node.operator} requires a string, but {hints.describe(term)} is a {term.datatype}"
            return context.report("GPR103", node.span, message)
    if node.operator is nodes.TextOperator.MATCHES:
        if not isinstance(pattern, ir.Constant):
            return context.report(
                "GPR118", pattern.span, "the pattern of MATCHES must be a literal", "use CONTAINS or GLOB"
            )
        try:
            matcher(str(pattern.value))
        except PatternError as error:
            hint = "the syntax is RE2's: no look-around, no back-references"
            return context.report("GPR118", pattern.span, f"not a valid RE2 pattern: {error}", hint)
    return ir.TextTest(node.operator, subject, pattern, span=node.span)
