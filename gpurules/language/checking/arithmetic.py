"""Types sums and products: which dimensions fit, and what comes of them."""

from collections.abc import Iterable
from typing import Protocol

from gpurules.diagnostics import Edit, Span
from gpurules.language.checking import hints
from gpurules.language.syntax import nodes
from gpurules.language.syntax.nodes import Sign
from gpurules.language.terms import ir, values
from gpurules.model import ERROR, NUMBER, Datatype, Dimension, Kind, number, product, quotient

_HUNDRED = ir.Constant(100, NUMBER)


class ArithmeticContext(Protocol):
    """What this module asks of the checker's context."""

    def report(self, code: str, span: Span, message: str, hint: str | None = None) -> ir.Constant:
        """Note a finding."""
        ...

    def fix(self, edits: tuple[Edit, ...]) -> None:
        """Let the last finding have edits."""
        ...

    def check(self, node: nodes.Expr) -> ir.Term:
        """Check a part."""
        ...


def has_error(terms: Iterable[ir.Term]) -> bool:
    """Return whether one of *terms* stands for a mistake that has been reported."""
    return any(term.datatype.kind is Kind.ERROR for term in terms)


def is_constant(term: ir.Term) -> bool:
    """Return whether *term* is known before evaluation."""
    return isinstance(term, ir.Constant) or not any(
        isinstance(t, ir.Read | ir.Signal | ir.Window | ir.Aggregate) for t in ir.walk(term)
    )


def is_bare(term: ir.Term) -> bool:
    """Return whether *term* is a constant without a dimension, which takes that of the other side."""
    return term.datatype == NUMBER and is_constant(term)


def adopt(term: ir.Term, datatype: Datatype) -> ir.Term:
    """Return the bare constant *term* as a quantity of *datatype*; other terms stay."""
    if term.datatype == datatype or datatype.kind is not Kind.NUMBER:
        return term
    match term:
        case ir.Constant(value):
            return ir.Constant(value, datatype, spelling=term.spelling, span=term.span)
        case ir.Arithmetic(first, rest):
            return ir.Arithmetic(first, rest, datatype, span=term.span)
        case ir.Negative(operand):
            return ir.Negative(operand, datatype, span=term.span)
        case ir.Apply(function, arguments):
            return ir.Apply(function, arguments, datatype, span=term.span)
        case _:
            return term


def fold_term(term: ir.Term) -> ir.Term:
    """Return the constant that *term* evaluates to, *term* itself if it is none; arithmetic only."""
    match term:
        case ir.Negative(operand, datatype):
            inner = fold_term(operand)
            if isinstance(inner, ir.Constant):
                value = values.negative(inner.value)  # type: ignore[arg-type]
                spelling = f"-{inner.spelling}" if inner.spelling else ""
                return ir.Constant(value, datatype, spelling=spelling, span=term.span)
        case ir.Arithmetic(first, rest, datatype):
            start = fold_term(first)
            parts = [(sign, fold_term(part)) for sign, part in rest]
            if isinstance(start, ir.Constant) and all(isinstance(p, ir.Constant) for _, p in parts):
                value = start.value  # type: ignore[assignment]
                for sign, part in parts:
                    value = values.ARITHMETIC[sign](value, part.value)  # type: ignore[arg-type,union-attr]
                return ir.Constant(value, datatype, span=term.span)
        case _:
            pass
    return term


def _numbers_only(terms: list[ir.Term], context: ArithmeticContext) -> bool:
    """Report the first term that is not a number, and return whether all are."""
    if has_error(terms):
        return False
    wrong = next((t for t in terms if t.datatype.kind is not Kind.NUMBER), None)
    if wrong is not None:
        context.report(
            "GPR103", wrong.span, f"arithmetic requires numbers, but {hints.describe(wrong)} is a {wrong.datatype}"
        )
    return wrong is None


def check_negative(node: nodes.Negative, operand: ir.Term, context: ArithmeticContext) -> ir.Term:
    """Return the opposite of *operand*."""
    if not _numbers_only([operand], context):
        return ir.Constant(None, ERROR, span=node.span)
    return fold_term(ir.Negative(operand, operand.datatype, span=node.span))


def check_sum(node: nodes.Sum, context: ArithmeticContext) -> ir.Term:
    """Return the sum; all its parts have one dimension."""
    terms = [context.check(part) for part in (node.first, *(part for _, part in node.rest))]
    if not _numbers_only(terms, context):
        return ir.Constant(None, ERROR, span=node.span)
    fixed = next((t for t in terms if t.datatype != NUMBER or not is_bare(t)), None)
    if fixed is not None:
        unfit = next((t for t in terms if t.datatype != fixed.datatype and not is_bare(t)), None)
        if unfit is not None:
            message = f"{hints.describe(fixed)} is in {fixed.datatype}, {hints.describe(unfit)} in {unfit.datatype}"
            return context.report("GPR104", node.span, f"a sum needs one dimension, and {message}")
        terms = [adopt(t, fixed.datatype) for t in terms]
    rest = tuple((sign, term) for (sign, _), term in zip(node.rest, terms[1:], strict=True))
    return ir.Arithmetic(terms[0], rest, terms[0].datatype, span=node.span)


def check_product(node: nodes.Product, context: ArithmeticContext) -> ir.Term:
    """Return the product or quotient, of the dimension that follows; a constant percentage of a quantity is a share."""
    terms = [context.check(part) for part in (node.first, *(part for _, part in node.rest))]
    if not _numbers_only(terms, context):
        return ir.Constant(None, ERROR, span=node.span)
    dimension, rest = terms[0].datatype.dimension, list[tuple[Sign, ir.Term]]()
    left_is_constant = is_constant(terms[0])
    for (sign, _), term in zip(node.rest, terms[1:], strict=True):
        right = term.datatype.dimension
        shared = _share(dimension, left_is_constant, term) if sign is Sign.TIMES else None
        result = shared or (product(dimension, right) if sign is Sign.TIMES else quotient(dimension, right))
        if result is None:
            operation = "times" if sign is Sign.TIMES else "divided by"
            message = f"{dimension} {operation} {right} is meaningless"
            wrong = context.report("GPR104", node.span, message, hints.for_product(terms, sign))
            context.fix(hints.product_fix(terms, sign))
            return wrong
        rest.append((sign, term))
        if shared is not None:
            rest.append((Sign.OVER, _HUNDRED))
        dimension, left_is_constant = result, left_is_constant and is_constant(term)
    return ir.Arithmetic(terms[0], tuple(rest), number(dimension), span=node.span)


def _share(left: Dimension, left_is_constant: bool, term: ir.Term) -> Dimension | None:
    """Return the dimension of a share: a constant percentage times a quantity (not of celsius)."""
    right = term.datatype.dimension
    for percent, is_known, quantity in ((left, left_is_constant, right), (right, is_constant(term), left)):
        if percent is Dimension.PERCENT and is_known and quantity not in (Dimension.NONE, Dimension.CELSIUS):
            return quantity
    return None
