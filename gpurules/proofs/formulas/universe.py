"""The universe of a question: every variable that its conditions read, split wherever one of them changes its truth."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gpurules.language.syntax.nodes import Sign
from gpurules.language.terms import ir
from gpurules.language.terms.printer import spell
from gpurules.proofs.domains.atoms import AtomicPredicate, ValueBounds, atomic_predicate
from gpurules.proofs.domains.text_classes import FILE_EXTENSION, FILE_NAME, Language
from gpurules.proofs.domains.variables import AbstractVariable, Distinctions, VariableBuilder, VariableKey, truth_masks
from gpurules.proofs.formulas.formula import ALWAYS, FALSE, DualRail, Formula, atom
from gpurules.records import Record, record

_LANGUAGES: Mapping[str, Language] = {"file_name": FILE_NAME, "file_extension": FILE_EXTENSION}
SCOPE_KEY: VariableKey = ("scope", "workload")
_GROWTH = frozenset({"rate", "increase"})
"""What adds rises and, after a fall, the new value: negative only where the field can be."""
_RANGED = frozenset({"avg_over_time", "max_over_time", "min_over_time", "last_over_time", "quantile_over_time"})


def unit_key(term: ir.Term) -> VariableKey:
    """Return what a variable over *term* is known by."""
    match term:
        case ir.Read(read):
            return ("read", read.name)
        case ir.Signal(name):
            return ("signal", name)
        case _:
            return ("term", spell(term))


def base_units(term: ir.Term) -> Iterator[ir.Term]:
    """Yield the facts that *term* is made of: fields, signals, windows and aggregates."""
    if isinstance(term, ir.Read | ir.Signal | ir.Window | ir.Aggregate):
        yield term
    else:
        for part in ir.children(term):
            yield from base_units(part)


def reads_of(term: ir.Term) -> Iterator[ir.Term]:
    """Yield the facts that *term* is made of, those inside of aggregates too."""
    for unit in base_units(term):
        if isinstance(unit, ir.Aggregate):
            yield from reads_of(unit.operand)
        else:
            yield unit


def single_unit(term: ir.Term) -> ir.Term | None:
    """Return the one fact that *term* is made of, None where there are several or none."""
    found = {unit_key(unit): unit for unit in base_units(term)}
    return next(iter(found.values())) if len(found) == 1 else None


def bounds_of(unit: ir.Term) -> ValueBounds:
    """Return which numbers *unit* can be."""
    match unit:
        case ir.Read(read):
            return ValueBounds(read.minimum, read.maximum, read.integer)
        case ir.Window(function, read) if function in _RANGED:
            integer = read.integer and function not in ("avg_over_time", "quantile_over_time")
            return ValueBounds(read.minimum, read.maximum, integer)
        case ir.Window("count_over_time"):
            return ValueBounds(1, None, True)
        case ir.Window("changes"):
            return ValueBounds(0, None, True)
        case ir.Window("stddev_over_time"):
            return ValueBounds(0, None, False)
        case ir.Window(function, read) if function in _GROWTH and read.minimum is not None and read.minimum >= 0:
            return ValueBounds(0, None, False)
        case ir.Window("sum_over_time", read) if read.minimum is not None and read.minimum >= 0:
            return ValueBounds(0, None, read.integer)
        case ir.Window("delta", read) if read.minimum is not None and read.maximum is not None and not read.counter:
            return ValueBounds(read.minimum - read.maximum, read.maximum - read.minimum, False)
        case ir.Aggregate("avg", ir.Read(read)):
            return ValueBounds(read.minimum, read.maximum, False)
        case ir.Aggregate("sum", ir.Read(read)) if read.minimum is not None and read.minimum >= 0:
            return ValueBounds(0, None, read.integer)
        case _:
            return ValueBounds(None, None, False)


@record
class DifferenceVariable(Record):
    """A variable that is the difference of two others."""

    variable: AbstractVariable
    left: AbstractVariable
    right: AbstractVariable


@dataclass
class Universe:
    """Collects what conditions read; once closed, says which values make an atomic predicate TRUE or FALSE.

    The same encoding runs twice over all conditions: first to collect, then to build formulas. ``is_partial``: some
    fact has too many texts to be a variable, so that variables for the comparisons of it are made while formulas are.
    """

    builders: dict[VariableKey, VariableBuilder] = field(default_factory=dict)
    variables: dict[VariableKey, AbstractVariable] = field(default_factory=dict)
    differences: dict[VariableKey, tuple[VariableKey, VariableKey]] = field(default_factory=dict)
    closed: bool = False
    is_partial: bool = False

    def close(self) -> None:
        """End the collecting: make the variables."""
        for key, builder in self.builders.items():
            variable = builder.build(len(self.variables))
            if variable is None:
                self.is_partial = True
            else:
                self.variables[key] = variable
        self.closed = True

    def predicate(self, term: ir.Term, unit: ir.Term) -> DualRail | None:
        """Return when *term*, which reads *unit* alone, is TRUE and FALSE; None where that cannot be analyzed."""
        values = unit.field.values if isinstance(unit, ir.Read) else ()
        predicate = atomic_predicate(term, unit, bounds_of(unit), bool(values))
        return None if predicate is None else self.place(unit, predicate)

    def place(self, unit: ir.Term, predicate: AtomicPredicate) -> DualRail | None:
        """Return the rails of *predicate* on the variable of *unit*."""
        if not self.closed:
            builder = self.builder(unit)
            builder.breakpoints |= predicate.breakpoints
            builder.words |= predicate.words
            builder.patterns |= predicate.patterns
            return ALWAYS
        variable = self.variables.get(unit_key(unit))
        if variable is None:
            return None
        is_closed = isinstance(unit, ir.Read) and bool(unit.field.values)
        marks = Distinctions(predicate.breakpoints, None if is_closed else predicate.words, predicate.patterns)
        true, false = truth_masks(variable, predicate.test, marks)
        return DualRail(atom(variable, true), atom(variable, false))

    def builder(self, unit: ir.Term) -> VariableBuilder:
        """Return the builder of the variable of *unit*, made where it is new."""
        key = unit_key(unit)
        builder = self.builders.get(key)
        if builder is None:
            bounds = bounds_of(unit)
            builder = VariableBuilder(key, unit, ir.is_per_gpu(unit), bounds.minimum, bounds.maximum, bounds.integer)
            if isinstance(unit, ir.Read):
                builder.members, builder.can_be_missing = unit.field.values, not unit.field.always_known
                builder.language = _LANGUAGES.get(unit.field.name, ())
            elif isinstance(unit, ir.Signal):
                builder.can_be_missing = False
            elif isinstance(unit, ir.Aggregate):
                builder.exact = builder.can_be_missing = False
            elif not isinstance(unit, ir.Window):
                builder.exact = False
                self._note_operands(unit)
            self.builders[key] = builder
        return builder

    def _note_operands(self, unit: ir.Term) -> None:
        for operand in base_units(unit):
            if not isinstance(operand, ir.Aggregate):
                self.builder(operand)

    def variable(self, unit: ir.Term) -> AbstractVariable | None:
        """Return the variable of *unit*, None while collecting or where it has none."""
        if not self.closed:
            self.builder(unit)
            return None
        return self.variables.get(unit_key(unit))

    def missing(self, unit: ir.Term) -> Formula:
        """Return the formula that holds where *unit* is missing."""
        variable = self.variable(unit)
        return FALSE if variable is None else atom(variable, variable.missing)

    def opaque(self, term: ir.Term) -> DualRail:
        """Return the rails of a comparison about which nothing is known but that it can be TRUE, FALSE or UNKNOWN."""
        key = ("truth", spell(term))
        if not self.closed:
            self._note_operands(term)
            self.builders.setdefault(key, VariableBuilder(key, term, ir.is_per_gpu(term), exact=False))
            return ALWAYS
        variable = self.variables.get(key)
        if variable is None:
            variable = AbstractVariable(len(self.variables), key, term, ir.is_per_gpu(term), (False, True), True, False)
            self.variables[key] = variable
        return DualRail(atom(variable, 2), atom(variable, 1))

    def scope(self) -> Formula:
        """Return the formula that holds on the GPUs of the transfer's workload."""
        if not self.closed:
            term = ir.Signal("the workload's", True)
            builder = VariableBuilder(SCOPE_KEY, term, True, can_be_missing=False)
            self.builders.setdefault(SCOPE_KEY, builder)
            return FALSE
        return atom(self.variables[SCOPE_KEY], 2)

    def difference(self, left: ir.Term, right: ir.Term) -> ir.Term:
        """Return the term of the difference of two fields, and remember it as such."""
        unit = ir.Arithmetic(
            left, ((Sign.PLUS, ir.Negative(right, right.datatype)),), left.datatype
        )  # derived from ``left - right``
        if not self.closed:
            self.builder(left)
            self.builder(right)
            builder = self.builder(unit)
            builder.integer = _is_integer(left) and _is_integer(right)
            self.differences[unit_key(unit)] = (unit_key(left), unit_key(right))
        return unit

    def difference_variables(self) -> list[DifferenceVariable]:
        """Return every difference whose variables are known."""
        found = []
        for key, (left, right) in self.differences.items():
            if key in self.variables and left in self.variables and right in self.variables:
                found.append(DifferenceVariable(self.variables[key], self.variables[left], self.variables[right]))
        return found


def difference(left: ir.Term, right: ir.Term) -> ir.Term:
    """Return the term ``left - right``."""
    return ir.Arithmetic(left, ((Sign.MINUS, right),), left.datatype)


def _is_integer(term: ir.Term) -> bool:
    field_of = term.field if isinstance(term, ir.Read | ir.Window) else None
    return field_of is not None and field_of.integer and not isinstance(term, ir.Window)
