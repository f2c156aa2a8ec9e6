"""Types calls: scalar functions, aggregates over GPUs, and functions over time."""

from typing import Protocol

from gpurules.diagnostics import Span
from gpurules.fields import AMBIENT, Field, Scope
from gpurules.language.checking import arithmetic, hints
from gpurules.language.syntax import nodes
from gpurules.language.terms import ir
from gpurules.language.terms.functions import FUNCTIONS, Family, Function
from gpurules.model import BOOL, ERROR, NUMBER, STRING, Datatype, Dimension, Kind, number


class CallContext(Protocol):
    """What this module asks of the checker's context."""

    in_aggregate: bool
    has_aggregate: bool

    def report(self, code: str, span: Span, message: str, hint: str | None = None) -> ir.Constant:
        """Note a finding."""
        ...

    def check(self, node: nodes.Expr) -> ir.Term:
        """Check a part."""
        ...

    @property
    def environment(self) -> hints.KnownNames:
        """The names in force."""
        ...


NOT_NESTED = "compare with it outside: gpu_memory > avg(gpu_memory)"


def check_call(node: nodes.Call, context: CallContext) -> ir.Term:
    """Return the term of a call."""
    function = FUNCTIONS.get(node.function.name)
    if function is None:
        hint = hints.for_unknown_function(node.function.name)
        return context.report("GPR101", node.function.span, f"no function is named {node.function.name!r}", hint)
    given = len(node.arguments)
    if function.family is Family.WINDOW:
        return _window_call(node, function, context)
    if given < function.least or (function.most is not None and given > function.most):
        for argument in node.arguments:
            context.check(argument)
        wants = "one argument" if function.most == 1 else f"at least {function.least}"
        return context.report(
            "GPR117", node.span, f"{function.name} takes {wants}, not {given}", f"write {function.signature}"
        )
    if function.is_aggregate:
        return _aggregate(node, function, context)
    return _scalar(node, function, [context.check(argument) for argument in node.arguments], context)


def _scalar(node: nodes.Call, function: Function, terms: list[ir.Term], context: CallContext) -> ir.Term:
    if any(t.datatype == ERROR for t in terms):
        return ir.Constant(None, ERROR, span=node.span)
    match function.family:
        case Family.NUMERIC | Family.SAME:
            wanted = Kind.NUMBER
        case Family.TEXT | Family.LENGTH:
            wanted = Kind.STRING
        case _:
            wanted = terms[0].datatype.kind
    wrong = next((t for t in terms if t.datatype.kind is not wanted), None)
    if wrong is not None:
        message = f"{function.name} takes {wanted}s here, and {hints.describe(wrong)} is a {wrong.datatype}"
        return context.report("GPR103", wrong.span, message, f"write {function.signature}")
    datatype = terms[0].datatype
    if wanted is Kind.NUMBER and len(terms) > 1:
        fixed = next((t for t in terms if t.datatype != NUMBER or not arithmetic.is_bare(t)), terms[0])
        unfit = next((t for t in terms if t.datatype != fixed.datatype and not arithmetic.is_bare(t)), None)
        if unfit is not None:
            message = f"{hints.describe(fixed)} is in {fixed.datatype}, {hints.describe(unfit)} in {unfit.datatype}"
            return context.report("GPR104", node.span, f"{function.name} needs one dimension, and {message}")
        terms, datatype = [arithmetic.adopt(t, fixed.datatype) for t in terms], fixed.datatype
    if function.family is Family.LENGTH:
        datatype = NUMBER
    return ir.Apply(function.name, tuple(terms), STRING if function.family is Family.TEXT else datatype, span=node.span)


def _aggregate(node: nodes.Call, function: Function, context: CallContext) -> ir.Term:
    context.has_aggregate = True
    if context.in_aggregate:
        return context.report("GPR119", node.span, "aggregates do not nest", NOT_NESTED)
    context.in_aggregate = True
    try:
        operand = context.check(node.arguments[0])
    finally:
        context.in_aggregate = False
    if operand.datatype == ERROR:
        return ir.Constant(None, ERROR, span=node.span)
    wanted = Kind.NUMBER if function.family is Family.NUMBERS else Kind.BOOL
    if not ir.is_per_gpu(operand):
        message = f"{function.name} looks at all GPUs, but its argument has no per-GPU field"
        return context.report("GPR119", node.span, message, f"remove {function.name}(…)")
    if operand.datatype.kind is not wanted:
        word = "a number" if wanted is Kind.NUMBER else "a condition"
        advice = (
            hints.for_condition(operand) if wanted is Kind.BOOL else "count(…) counts the GPUs where a condition holds"
        )
        message = f"{function.name} takes {word}, and {hints.describe(operand)} is a {operand.datatype}"
        return context.report("GPR103", node.span, message, advice)
    datatype = {Family.TRUTHS: BOOL, Family.COUNT: NUMBER}.get(function.family, operand.datatype)
    return ir.Aggregate(function.name, operand, datatype, span=node.span)


def _window_call(node: nodes.Call, function: Function, context: CallContext) -> ir.Term:
    windows = [argument for argument in node.arguments if isinstance(argument, nodes.Window)]
    if len(node.arguments) != function.least:
        if not windows and function.least == 1 and node.arguments:
            return _no_window(node, function, context)
        wants = "one argument" if function.least == 1 else "two arguments"
        message = f"{function.name} takes {wants}, not {len(node.arguments)}"
        return context.report("GPR117", node.span, message, f"write {function.signature}")
    place = 1 if function.name == "quantile_over_time" else 0
    window = node.arguments[place]
    if not isinstance(window, nodes.Window):
        return _no_window(node, function, context)
    operand = _window_operand(window, function, context)
    seconds = _window_seconds(window, context)
    parameter = _parameter(node.arguments[1 - place], function, context) if function.least == 2 else None
    if operand is None or seconds is None or (function.least == 2 and parameter is None):
        return ir.Constant(None, ERROR, span=node.span)
    field = operand.field if isinstance(operand, ir.Read) else _field_of(window.name.name, operand)
    expression = None if isinstance(operand, ir.Read) else operand
    datatype = _window_type(function, field)
    return ir.Window(function.name, field, seconds, parameter, datatype, expression, span=node.span)


def _no_window(node: nodes.Call, function: Function, context: CallContext) -> ir.Term:
    for argument in node.arguments:
        if not isinstance(argument, nodes.Window) and context.check(argument).datatype == ERROR:
            return ir.Constant(None, ERROR, span=node.span)
    return context.report("GPR120", node.span, f"{function.name} needs a window", f"write {function.signature}")


def _field_of(name: str, operand: ir.Term) -> Field:
    """Return the field that stands for the values of a definition."""
    scope = Scope.GPU if ir.is_per_gpu(operand) else Scope.NODE
    return Field(name=name, scope=scope, datatype=operand.datatype, description="defined by the ruleset")


def _unfit(operand: ir.Term) -> str | None:
    """Return why the expression *operand* has no samples of one GPU or of the node, None where it has."""
    parts = list(ir.walk(operand))
    if any(isinstance(part, ir.Aggregate) for part in parts):
        return "is an aggregate over GPUs"
    if any(isinstance(part, ir.Window) for part in parts):
        return "has a window in it"
    if any(isinstance(part, ir.Signal) for part in parts):
        return "reads a signal"
    if any(field.scope not in AMBIENT for field in ir.fields(operand)):
        return "reads a transfer or workload"
    return None if ir.fields(operand) else "reads no field"


def _window_operand(window: nodes.Window, function: Function, context: CallContext) -> ir.Term | None:
    name, was_aggregate = window.name, context.has_aggregate
    term = context.check(name)
    if term.datatype == ERROR:
        return None
    if not isinstance(term, ir.Read):
        context.has_aggregate = was_aggregate
        return _expression(name, term, function, context)
    if term.field.scope not in AMBIENT:
        message = f"a window requires a field of a GPU or the node, but {name.name!r} belongs to one transfer"
        context.report("GPR120", name.span, message)
    elif term.datatype.kind is not Kind.NUMBER:
        context.report("GPR120", name.span, f"{function.name} requires numbers, but {name.name!r} is a {term.datatype}")
    else:
        return term
    return None


def _expression(name: nodes.Name, term: ir.Term, function: Function, context: CallContext) -> ir.Term | None:
    """Return the expression of a definition, None where it cannot be sampled."""
    unfit = "is not one" if isinstance(term, ir.Signal | ir.Constant) else _unfit(term)
    if unfit is not None:
        message = f"a window requires a field of a GPU or the node, or a definition over such fields, but {name.name!r}"
        context.report("GPR120", name.span, f"{message} {unfit}")
    elif term.datatype.kind is not Kind.NUMBER:
        message = f"{function.name} requires numbers, but {name.name!r} is a {term.datatype}"
        context.report("GPR103", name.span, message)
    else:
        return term
    return None


def _window_seconds(window: nodes.Window, context: CallContext) -> float | None:
    duration = window.duration
    if duration.dimension is not Dimension.SECONDS or ":" in duration.spelling:
        hint = (
            f"write {window.name.name}[{duration.spelling}s]" if duration.dimension is Dimension.NONE else "write [1m]"
        )
        context.report("GPR120", duration.span, "the length of a window must be a duration", hint)
        return None
    if duration.value <= 0:
        context.report("GPR120", duration.span, "a window must be longer than 0 s")
        return None
    return duration.value


def _parameter(node: nodes.Expr, function: Function, context: CallContext) -> float | None:
    term = arithmetic.fold_term(context.check(node))
    if term.datatype == ERROR:
        return None
    wanted = number(Dimension.SECONDS) if function.name == "predict_linear" else NUMBER
    if term.datatype.kind is not Kind.NUMBER or not isinstance(term, ir.Constant):
        context.report(
            "GPR103", node.span, f"this argument of {function.name} is a constant number", f"write {function.signature}"
        )
        return None
    if term.datatype not in (wanted, NUMBER):
        context.report("GPR104", node.span, f"this argument of {function.name} is in {wanted}, not in {term.datatype}")
        return None
    value = term.value
    if function.name == "quantile_over_time" and isinstance(value, int | float) and not 0 <= value <= 1:
        context.report("GPR103", node.span, "a quantile is between 0 and 1", "write 0.95 for the 95th percentile")
        return None
    return value if isinstance(value, int | float) else None


def _window_type(function: Function, field: Field) -> Datatype:
    dimension = field.datatype.dimension
    match function.name:
        case "count_over_time" | "changes":
            return NUMBER
        case "rate" | "deriv":
            rates = {Dimension.BYTES: Dimension.BYTES_PER_SECOND, Dimension.JOULES: Dimension.WATTS}
            return number(rates.get(dimension, Dimension.NONE))
        case _:
            return field.datatype
