"""Evaluates checked terms over a table: what the columnar back end is."""

from collections.abc import Sequence
from functools import reduce

import numpy as np

from gpurules.backends.backend import Result, UnsupportedError, over_gpus, unsupported_window
from gpurules.backends.columnar.columns import (
    EXACT,
    Column,
    Groups,
    Mask,
    Numbers,
    Table,
    Texts,
    Truths,
    as_column,
    as_numbers,
)
from gpurules.backends.columnar.operations import (
    ARITHMETIC,
    EXTREMES,
    SCALARS,
    both,
    coalesce,
    constant,
    either,
    finite,
    is_missing,
    kleene_not,
    link,
    over_groups,
    pairs,
    text_codes,
)
from gpurules.backends.facts import Facts, instant, read
from gpurules.fields import Field
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir, values
from gpurules.model import Kind, Truth, Value


class Columnar:
    """Evaluates conditions over a table; equal terms are worked out once."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: dict[ir.Term, Column] = {}

    def truths(self, term: ir.Term, per_gpu: bool) -> Truths:
        """Return where a condition is TRUE and FALSE: of each row where it is *per_gpu*, else of each snapshot.

        Raises:
            UnsupportedError: doubles cannot say what it asks, or it has something that this back end does not know.
        """
        groups = self._table.groups
        with np.errstate(all="ignore"):
            found = self._aligned(term, per_gpu)
        size = len(groups.snapshot) if per_gpu else groups.count
        return Truths(np.broadcast_to(found.true, size), np.broadcast_to(found.false, size))

    def column(self, term: ir.Term) -> Column:
        """Return the value of a term: of each row where it is per GPU, else of each snapshot (or of all)."""
        found = self._known.get(term)
        if found is None:
            found = self._known[term] = self._computed(term)
        return found

    def _aligned(self, term: ir.Term, per_gpu: bool) -> Truths:
        found = self._at(term, per_gpu)
        if not isinstance(found, Truths):
            raise UnsupportedError(f"{type(term).__name__} is not a condition")
        return found

    def _at(self, term: ir.Term, per_gpu: bool) -> Column:
        """Return the value of a term, that of a snapshot spread over its rows where that is asked for."""
        found = self.column(term)
        if not per_gpu or ir.is_per_gpu(term):
            return found
        rows = self._table.groups.snapshot
        match found:
            case Truths(true, false):
                return found if true.ndim == 0 else Truths(true[rows], false[rows])
            case Texts(codes, words):
                return found if codes.ndim == 0 else Texts(codes[rows], words)
            case _:
                return found if found.ndim == 0 else found[rows]

    def _numbers(self, term: ir.Term, per_gpu: bool) -> Numbers:
        found = self._at(term, per_gpu)
        if isinstance(found, Truths | Texts):
            raise UnsupportedError(f"{type(term).__name__} is not a number")
        return found

    def _computed(self, term: ir.Term) -> Column:  # one case a term: longer than it is deep
        per_gpu = ir.is_per_gpu(term)
        match term:
            case ir.Constant(value):
                return constant(value, term.datatype.kind)
            case ir.Read(wanted):
                return self._table.read(wanted)
            case ir.Window():
                return self._table.window(term)
            case ir.Signal(name):
                on = self._table.signal(name, term.per_gpu)
                return Truths(on, ~on)
            case ir.Aggregate():
                return self._aggregate(term)
            case ir.Negative(operand):
                return -self._numbers(operand, per_gpu)
            case ir.Arithmetic(first, rest):
                result = self._numbers(first, per_gpu)
                for sign, part in rest:
                    result = ARITHMETIC[sign](result, self._numbers(part, per_gpu))
                return result
            case ir.Apply():
                return self._apply(term, per_gpu)
            case _:
                return self._condition(term, per_gpu)

    def _condition(self, term: ir.Term, per_gpu: bool) -> Truths:
        match term:
            case ir.Not(operand):
                return kleene_not(self._aligned(operand, per_gpu))
            case ir.And(parts):
                return reduce(both, [self._aligned(part, per_gpu) for part in parts])
            case ir.Or(parts):
                return reduce(either, [self._aligned(part, per_gpu) for part in parts])
            case ir.Compare(comparators, operands):
                found = [self._at(operand, per_gpu) for operand in operands]
                return reduce(both, [link(c, a, b) for c, a, b in zip(comparators, found, found[1:], strict=False)])
            case ir.Member(subject, members):
                one = self._at(subject, per_gpu)
                return reduce(either, [link(Comparator.EQ, one, self._at(m, per_gpu)) for m in members])
            case ir.TextTest(operator, subject, pattern):
                text, other = self._at(subject, per_gpu), self._at(pattern, per_gpu)
                if not isinstance(text, Texts) or not isinstance(other, Texts):
                    raise UnsupportedError("a string operator on a value that is not a string")
                return pairs(text, other, lambda a, b: values.text_test(operator, a, b) is True)
            case ir.IsMissing(operand):
                missing = is_missing(self._at(operand, per_gpu))
                return Truths(missing, ~missing)
            case _:
                raise UnsupportedError(f"the columnar back end does not know {type(term).__name__}")

    def _apply(self, term: ir.Apply, per_gpu: bool) -> Column:
        name, given = term.function, [self._at(argument, per_gpu) for argument in term.arguments]
        first = given[0]
        if name == "coalesce":
            return reduce(coalesce, given)
        if isinstance(first, Texts) and name in ("lower", "upper", "length"):
            mapped = [values.SCALARS[name](word) for word in (*first.words, None)]
            column = as_column(mapped, Kind.NUMBER if name == "length" else Kind.STRING)
            return (
                Texts(column.codes[first.codes], column.words)
                if isinstance(column, Texts)
                else text_codes(column, first)
            )
        if any(isinstance(one, Truths | Texts) for one in given):
            raise UnsupportedError(f"{name} of a value that is not a number")
        numbers: list[Numbers] = [one for one in given if not isinstance(one, Truths | Texts)]
        if name in SCALARS:
            return finite(SCALARS[name](numbers[0]))
        if name in EXTREMES:
            return reduce(EXTREMES[name], numbers)
        raise UnsupportedError(f"the columnar back end does not know {name}()")

    def _aggregate(self, term: ir.Aggregate) -> Column:
        groups, name, operand = self._table.groups, term.function, term.operand
        rows = len(groups.snapshot)
        if name in ("any", "all", "count"):
            truths = self._aligned(operand, True)
            true, false = (groups.counts(np.broadcast_to(m, rows)) for m in (truths.true, truths.false))
            match name:
                case "any":
                    return Truths(true > 0, false == groups.sizes)
                case "all":
                    return Truths((true == groups.sizes) & (true > 0), false > 0)
                case _:
                    return true.astype(np.float64)
        numbers = np.broadcast_to(self._numbers(operand, True), rows)
        if name in ("max", "min"):
            return over_groups(np.fmax if name == "max" else np.fmin, numbers, groups)
        if name in ("sum", "avg"):
            return self._total(operand, numbers, name)
        raise UnsupportedError(f"the columnar back end does not know {name}()")

    def _total(self, operand: ir.Term, numbers: Numbers, name: str) -> Numbers:
        """Return sums and means: exact where all are whole; else in the very order in which the engine adds."""
        groups, known = self._table.groups, ~np.isnan(numbers)
        whole = numbers[known]
        if np.all(whole == np.trunc(whole)):
            total = np.bincount(groups.snapshot[known], weights=whole, minlength=groups.count)
            if whole.size and np.bincount(groups.snapshot[known], weights=np.abs(whole)).max() > EXACT:
                raise UnsupportedError("a sum beyond 2**53 may be of integers, which doubles cannot say")
            count = groups.counts(known)
            return np.where(count == 0, np.nan, total / count if name == "avg" else total)
        if isinstance(operand, ir.Read):
            given: Sequence[Value] = self._table.exact(operand.field)
        elif not np.any(whole == np.trunc(whole)):
            given = [None if v != v else v for v in numbers.tolist()]
        else:
            raise UnsupportedError("a sum of integers and of other numbers together depends on which is which")
        function, out = values.AGGREGATES[name], np.full(groups.count, np.nan)
        ends = np.append(groups.starts[1:], len(groups.order))
        for snapshot, start, end in zip(groups.filled, groups.starts, ends, strict=True):
            found = function([given[row] for row in groups.order[start:end]])
            out[snapshot] = np.nan if found is None else found
        return out


class _SnapshotTable:
    """One situation as a table: a single snapshot."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.groups = Groups(np.zeros(len(facts.gpus), np.intp), 1)

    def exact(self, field: Field) -> Sequence[Value]:
        holders = self._facts.gpus if field.is_per_gpu else (None,)
        return [read(field, self._facts, gpu) for gpu in holders]

    def read(self, field: Field) -> Column:
        return as_column(self.exact(field), field.datatype.kind)

    def window(self, window: ir.Window) -> Numbers:
        if window.operand is not None:
            raise unsupported_window(window)
        return as_numbers([instant(window, value) for value in self.exact(window.field)])

    def signal(self, name: str, per_gpu: bool) -> Mask:
        raise UnsupportedError(f"the signal {name} has no history here")


class ColumnarBackEnd:
    """Evaluates by arrays; of one situation, which is what its cases ask, that takes longer than to walk the tree."""

    name = "columnar"

    def evaluate(self, term: ir.Term, per_gpu: bool, facts: Facts) -> Result:
        """Return the value of the condition *term*.

        Raises:
            UnsupportedError: doubles cannot say what it asks.
        """
        found = Columnar(_SnapshotTable(facts)).truths(term, per_gpu)
        truths: list[Truth] = [
            True if true else False if false else None
            for true, false in zip(found.true.tolist(), found.false.tolist(), strict=True)
        ]
        return over_gpus(truths, facts.gpus) if per_gpu else Result(truths[0])
