"""Whether a part of a condition can be UNKNOWN at all: some facts are always known, and some tests never fail."""

from gpurules.language.syntax.nodes import Sign
from gpurules.language.terms import ir
from gpurules.language.terms.functions import FUNCTIONS


def can_be_missing(term: ir.Term) -> bool:
    """Return whether *term* can be missing; of a condition: UNKNOWN.

    >>> from gpurules.language import Environment, parse
    >>> texts = "pending_transfers > 3", "gpu_memory > 80", "coalesce(gpu_memory, 0) > 80", "gpu_memory IS MISSING"
    >>> [can_be_missing(Environment().condition(parse(text)).term) for text in texts]
    [False, True, False, False]
    """
    match term:
        case ir.Constant(value):
            return value is None
        case ir.Read(field):
            return not field.always_known
        case ir.Window(function, field):
            return FUNCTIONS[function].needs_two or not field.always_known
        case ir.Signal() | ir.IsMissing() | ir.Aggregate("count"):
            return False
        case ir.Aggregate("any", operand):
            return can_be_missing(operand)
        case ir.Aggregate():
            return True  # over no GPU
        case ir.Apply("coalesce", arguments):
            return all(can_be_missing(argument) for argument in arguments)
        case ir.Arithmetic(_, rest) if any(sign is Sign.OVER and not _is_sure(part) for sign, part in rest):
            return True  # by 0
        case _:
            return any(can_be_missing(part) for part in ir.children(term))


def _is_sure(divisor: ir.Term) -> bool:
    return isinstance(divisor, ir.Constant) and bool(divisor.value)
