"""The universe of a question: every cell that its conditions read, cut wherever one of them changes its mind."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gpurules.language import ir
from gpurules.language.nodes import Sign
from gpurules.language.printer import spell
from gpurules.proofs.cells import Cell, CellKey, Draft, Marks, masks
from gpurules.proofs.formula import ALWAYS, FALSE, Formula, Rails, atom
from gpurules.proofs.leaves import Bounds, Leaf, leaf_of
from gpurules.proofs.texts import FILE_EXTENSION, FILE_NAME, Language
from gpurules.records import Record, record

_LANGUAGES: Mapping[str, Language] = {"file_name": FILE_NAME, "file_extension": FILE_EXTENSION}
SCOPE_KEY: CellKey = ("scope", "workload")
_NON_NEGATIVE = frozenset({"stddev_over_time", "rate", "count_over_time"})
_RANGED = frozenset({"avg_over_time", "max_over_time", "min_over_time", "last_over_time", "quantile_over_time"})


def unit_key(term: ir.Term) -> CellKey:
    """Return what a cell over *term* is known by."""
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


def bounds_of(unit: ir.Term) -> Bounds:
    """Return which numbers *unit* can be."""
    match unit:
        case ir.Read(read):
            return Bounds(read.minimum, read.maximum, read.integer)
        case ir.Window(function, read) if function in _RANGED:
            integer = read.integer and function not in ("avg_over_time", "quantile_over_time")
            return Bounds(read.minimum, read.maximum, integer)
        case ir.Window("count_over_time"):
            return Bounds(1, None, True)
        case ir.Window(function) if function in _NON_NEGATIVE:
            return Bounds(0, None, False)
        case ir.Window("sum_over_time", read) if read.minimum is not None and read.minimum >= 0:
            return Bounds(0, None, read.integer)
        case ir.Window("delta", read) if read.minimum is not None and read.maximum is not None and not read.counter:
            return Bounds(read.minimum - read.maximum, read.maximum - read.minimum, False)
        case ir.Aggregate("avg", ir.Read(read)):
            return Bounds(read.minimum, read.maximum, False)
        case ir.Aggregate("sum", ir.Read(read)) if read.minimum is not None and read.minimum >= 0:
            return Bounds(0, None, read.integer)
        case _:
            return Bounds(None, None, False)


@record
class Gap(Record):
    """A cell that is the difference of two others."""

    cell: Cell
    left: Cell
    right: Cell


@dataclass
class Universe:
    """Collects what conditions look at; once closed, says which values of a cell make a leaf TRUE or FALSE.

    The same encoding runs twice over all conditions: first to collect, then to build formulas. ``is_partial``: some
    fact has too many texts to be a cell, so that cells for the comparisons of it are made while formulas are.
    """

    drafts: dict[CellKey, Draft] = field(default_factory=dict)
    cells: dict[CellKey, Cell] = field(default_factory=dict)
    gaps: dict[CellKey, tuple[CellKey, CellKey]] = field(default_factory=dict)
    closed: bool = False
    is_partial: bool = False

    def close(self) -> None:
        """End the collecting: make the cells."""
        for key, draft in self.drafts.items():
            cell = draft.finished(len(self.cells))
            if cell is None:
                self.is_partial = True
            else:
                self.cells[key] = cell
        self.closed = True

    def leaf(self, term: ir.Term, unit: ir.Term) -> Rails | None:
        """Return when *term*, which reads *unit* alone, is TRUE and FALSE; None where that cannot be analysed."""
        values = unit.field.values if isinstance(unit, ir.Read) else ()
        leaf = leaf_of(term, unit, bounds_of(unit), bool(values))
        return None if leaf is None else self.place(unit, leaf)

    def place(self, unit: ir.Term, leaf: Leaf) -> Rails | None:
        """Return the rails of *leaf* on the cell of *unit*."""
        if not self.closed:
            draft = self.draft(unit)
            draft.cuts |= leaf.cuts
            draft.words |= leaf.words
            draft.patterns |= leaf.patterns
            return ALWAYS
        cell = self.cells.get(unit_key(unit))
        if cell is None:
            return None
        is_closed = isinstance(unit, ir.Read) and bool(unit.field.values)
        marks = Marks(leaf.cuts, None if is_closed else leaf.words, leaf.patterns)
        true, false = masks(cell, leaf.test, marks)
        return Rails(atom(cell, true), atom(cell, false))

    def draft(self, unit: ir.Term) -> Draft:
        """Return the draft of the cell of *unit*, made where it is new."""
        key = unit_key(unit)
        draft = self.drafts.get(key)
        if draft is None:
            bounds = bounds_of(unit)
            draft = Draft(key, unit, ir.is_per_gpu(unit), bounds.minimum, bounds.maximum, bounds.integer)
            if isinstance(unit, ir.Read):
                draft.members, draft.can_be_missing = unit.field.values, not unit.field.always_known
                draft.language = _LANGUAGES.get(unit.field.name, ())
            elif isinstance(unit, ir.Signal):
                draft.can_be_missing = False
            elif isinstance(unit, ir.Aggregate):
                draft.exact = draft.can_be_missing = False
            elif not isinstance(unit, ir.Window):
                draft.exact = False
                self._note_operands(unit)
            self.drafts[key] = draft
        return draft

    def _note_operands(self, unit: ir.Term) -> None:
        for operand in base_units(unit):
            if not isinstance(operand, ir.Aggregate):
                self.draft(operand)

    def cell(self, unit: ir.Term) -> Cell | None:
        """Return the cell of *unit*, None while collecting or where it has none."""
        if not self.closed:
            self.draft(unit)
            return None
        return self.cells.get(unit_key(unit))

    def missing(self, unit: ir.Term) -> Formula:
        """Return the formula that holds where *unit* is missing."""
        cell = self.cell(unit)
        return FALSE if cell is None else atom(cell, cell.missing)

    def opaque(self, term: ir.Term) -> Rails:
        """Return the rails of a comparison about which nothing is known but that it can be TRUE, FALSE or UNKNOWN."""
        key = ("truth", spell(term))
        if not self.closed:
            self._note_operands(term)
            self.drafts.setdefault(key, Draft(key, term, ir.is_per_gpu(term), exact=False))
            return ALWAYS
        cell = self.cells.get(key)
        if cell is None:
            cell = Cell(len(self.cells), key, term, ir.is_per_gpu(term), (False, True), True, False)
            self.cells[key] = cell
        return Rails(atom(cell, 2), atom(cell, 1))

    def scope(self) -> Formula:
        """Return the formula that holds on the GPUs of the transfer's workload."""
        if not self.closed:
            term = ir.Signal("the workload's", True)
            draft = Draft(SCOPE_KEY, term, True, can_be_missing=False)
            self.drafts.setdefault(SCOPE_KEY, draft)
            return FALSE
        return atom(self.cells[SCOPE_KEY], 2)

    def gap(self, left: ir.Term, right: ir.Term) -> ir.Term:
        """Return the term of the difference of two fields, and remember it as such."""
        unit = ir.Arithmetic(
            left, ((Sign.PLUS, ir.Negative(right, right.datatype)),), left.datatype
        )  # told from ``left - right``
        if not self.closed:
            self.draft(left)
            self.draft(right)
            draft = self.draft(unit)
            draft.integer = _is_integer(left) and _is_integer(right)
            self.gaps[unit_key(unit)] = (unit_key(left), unit_key(right))
        return unit

    def all_gaps(self) -> list[Gap]:
        """Return every difference whose cells are known."""
        found = []
        for key, (left, right) in self.gaps.items():
            if key in self.cells and left in self.cells and right in self.cells:
                found.append(Gap(self.cells[key], self.cells[left], self.cells[right]))
        return found


def difference(left: ir.Term, right: ir.Term) -> ir.Term:
    """Return the term ``left - right``."""
    return ir.Arithmetic(left, ((Sign.MINUS, right),), left.datatype)


def _is_integer(term: ir.Term) -> bool:
    field_of = term.field if isinstance(term, ir.Read | ir.Window) else None
    return field_of is not None and field_of.integer and not isinstance(term, ir.Window)
