"""Emits checked terms as expressions that C and Go share except for syntax.

Dual-rail encoding of Kleene's logic: for each condition, one expression is true exactly where the condition is TRUE,
another exactly where it is FALSE. Only where the value itself is needed is a three-valued truth emitted. Every
expression is pure, so that a long one, or one with a loop, can become a function.
"""

from dataclasses import dataclass, field

from gpurules.backends.backend import UnsupportedError
from gpurules.backends.native.schema import StateSchema
from gpurules.backends.native.spelling import NativeFunction, NativeLoop, Spelling, Type
from gpurules.fields import Scope
from gpurules.language.syntax.nodes import Comparator, Sign, TextOperator
from gpurules.language.terms import ir
from gpurules.model import Kind

MAX_HEIGHT = 24
"""What is higher than that is cut into functions: compilers go down into brackets by recursion."""
MAX_PARTS = 32
EXACT_BELOW = 2**53

_NAMES = {
    Comparator.EQ: "equals",
    Comparator.NE: "differs",
    Comparator.LT: "below",
    Comparator.LE: "at_most",
    Comparator.GT: "above",
    Comparator.GE: "at_least",
}
_ARITHMETIC = {Sign.PLUS: "add", Sign.MINUS: "subtract", Sign.TIMES: "multiply", Sign.OVER: "divide"}
_TEXT_TESTS = {
    TextOperator.CONTAINS: "contains",
    TextOperator.STARTSWITH: "starts_with",
    TextOperator.ENDSWITH: "ends_with",
}


@dataclass(frozen=True, slots=True)
class NativeExpression:
    """Source of an expression; ``parts`` are the operands that ``word`` (``&&`` or ``||``) joins, none for an atom."""

    text: str
    height: int = 0
    parts: tuple[str, ...] = ()
    word: str = ""

    def inside(self, word: str = "") -> str:
        """Return the source as an operand of *word*: in brackets if its own operator differs."""
        return f"({self.text})" if self.word and self.word != word else self.text


@dataclass(slots=True)
class Output:
    """The emitted functions, and the values to compute when a state is bound."""

    functions: list[NativeFunction] = field(default_factory=list)
    held: dict[str, NativeFunction] = field(default_factory=dict)
    counter: int = 0
    _aggregates: dict[tuple[object, bool], str] = field(default_factory=dict)

    def fresh(self, stem: str) -> str:
        """Return an unused name."""
        self.counter += 1
        return f"{stem}_{self.counter}"

    def aggregate(self, term: ir.Aggregate, of_workload: bool) -> tuple[str, bool]:
        """Return the name of an aggregate's function, and whether it is new."""
        key = (term, of_workload)
        known = self._aggregates.get(key)
        if known is None:
            known = self._aggregates[key] = self.fresh(term.function)
            return known, True
        return known, False


class _Basics:
    """The building blocks of expressions: calls, joins, and functions for long or deeply nested expressions."""

    def __init__(
        self, spelling: Spelling, schema: StateSchema, output: Output | None = None, of_workload: bool = False
    ) -> None:
        self.spelling = spelling
        self.schema = schema
        self.output = Output() if output is None else output
        self.of_workload = of_workload

    def _joined(self, parts: list[NativeExpression], word: str, terms: tuple[ir.Term, ...]) -> NativeExpression:
        parts = list({part.text: part for part in parts}.values())
        if len(parts) == 1:
            return parts[0]
        per_gpu = any(ir.is_per_gpu(term) for term in terms)
        if len(parts) > MAX_PARTS:
            size = max(MAX_PARTS, -(-len(parts) // MAX_PARTS))
            runs = [parts[i : i + size] for i in range(0, len(parts), size)]
            parts = [self._as_function(self._join(run, word), "part", "bool", per_gpu) for run in runs]
            return self._joined(parts, word, terms) if len(parts) > 1 else parts[0]
        joined = self._join(parts, word)
        return joined if joined.height < MAX_HEIGHT else self._as_function(joined, "part", "bool", per_gpu)

    @staticmethod
    def _join(parts: list[NativeExpression], word: str) -> NativeExpression:
        texts = tuple([part.inside(word) if part.word != "==" else part.text for part in parts])
        return NativeExpression(f" {word} ".join(texts), max(part.height for part in parts) + 1, texts, word)

    def _as_function(self, expression: NativeExpression, stem: str, gives: Type, per_gpu: bool) -> NativeExpression:
        name = self.output.fresh(stem)
        self.output.functions.append(NativeFunction(name, gives, per_gpu, self.body(expression)))
        return NativeExpression(self.spelling.own(name, per_gpu))

    def body(self, expression: NativeExpression) -> list[str]:
        """Return the body of a function that returns *expression*."""
        if len(expression.parts) > 1:
            return self.spelling.returns_joined(expression.parts, expression.word)
        return [self.spelling.returns(expression.text)]

    def _call(self, name: str, *arguments: NativeExpression) -> NativeExpression:
        return NativeExpression(
            self.spelling.call(name, *[argument.text for argument in arguments]),
            max([argument.height for argument in arguments], default=0) + 1,
        )

    def _is(self, value: NativeExpression, truth: bool | None, sign: str = "==") -> NativeExpression:
        return NativeExpression(f"{value.text} {sign} {self.spelling.truth(truth)}", value.height, (), "==")

    def _require(self, what: str, term: ir.Term) -> None:
        why = self.spelling.supports(what)
        if why is not None:
            raise UnsupportedError(why, term.span)

    def _read(self, term: ir.Read | ir.Signal | ir.Window) -> NativeExpression:
        if isinstance(term, ir.Read):
            match term.field.scope:
                case Scope.TRANSFER:
                    return NativeExpression(self.spelling.transfer(term.field))
                case Scope.WORKLOAD:
                    return NativeExpression(self.spelling.workload(term.field))
                case _:
                    pass
        return NativeExpression(self.spelling.column(self.schema.column(term)))

    def _low(self, expression: NativeExpression, gives: Type, term: ir.Term) -> NativeExpression:
        """Return *expression*; a deeply nested one as a call of a function."""
        if expression.height < MAX_HEIGHT:
            return expression
        return self._as_function(expression, "value", gives, ir.is_per_gpu(term))

    def _folded(self, function: str, values: list[NativeExpression], term: ir.Term, gives: Type) -> NativeExpression:
        """Return the left fold of the values with *function*."""
        result = values[0]
        for value in values[1:]:
            result = self._low(self._call(function, result, value), gives, term)
        return result

    def _coalesced(self, values: list[NativeExpression], term: ir.Term, gives: Type) -> NativeExpression:
        return self._folded(f"coalesce_{gives}", values, term, gives)


class NativeEmitter(_Basics):
    """Emits terms for one scope: all GPUs, or those of the transfer's workload."""

    # conditions: an expression that is true exactly where the term is TRUE, or exactly where it is FALSE

    def holds(self, term: ir.Term, wanted: bool = True) -> NativeExpression:
        """Return an expression that is true exactly where *term* is TRUE (or, if *wanted* is False, FALSE)."""
        match term:
            case ir.Constant(value):
                return NativeExpression(self.spelling.bool(value is wanted))
            case ir.Not(operand):
                return self.holds(operand, not wanted)
            case ir.And(parts):
                return self._joined([self.holds(p, wanted) for p in parts], "&&" if wanted else "||", parts)
            case ir.Or(parts):
                return self._joined([self.holds(p, wanted) for p in parts], "||" if wanted else "&&", parts)
            case ir.Compare() if term.operands[0].datatype.kind is not Kind.BOOL:
                return self._compare(term, wanted)
            case ir.Member() if term.subject.datatype.kind is not Kind.BOOL:
                return self._member(term, wanted)
            case ir.TextTest():
                return self._text_test(term, wanted)
            case ir.IsMissing(operand):
                return self._is_missing(operand, wanted)
            case _:
                return self._is(self.truth(term), wanted)

    def _compare(self, term: ir.Compare, wanted: bool) -> NativeExpression:
        links = []
        for comparator, left, right in zip(term.comparators, term.operands, term.operands[1:], strict=False):
            links.append(self._link(comparator if wanted else comparator.opposite, left, right))
        return self._joined(links, "&&" if wanted else "||", (term,))

    def _link(self, comparator: Comparator, left: ir.Term, right: ir.Term) -> NativeExpression:
        """Return an expression that is true where both values are present and the comparison is true."""
        name = _NAMES[comparator]
        if left.datatype.kind is Kind.STRING or right.datatype.kind is Kind.STRING:
            one, other = self.text(left), self.text(right)
            return self._call(f"text_{name}", one, other)
        if _is_limit(left) and not isinstance(right, ir.Constant):
            left, right, name = right, left, _NAMES[comparator.mirrored]
        if _is_limit(right) and isinstance(right, ir.Constant):
            value = self.number(left)
            limit = self.spelling.limit(right.value)  # type: ignore[arg-type]
            return NativeExpression(self.spelling.call(name, value.text, limit), value.height + 1)
        return self._call(f"number_{name}", self.number(left), self.number(right))

    def _member(self, term: ir.Member, wanted: bool) -> NativeExpression:
        comparator = Comparator.EQ if wanted else Comparator.NE
        links = [self._link(comparator, term.subject, member) for member in term.members]
        return self._joined(links, "||" if wanted else "&&", (term,))

    def _text_test(self, term: ir.TextTest, wanted: bool) -> NativeExpression:
        subject, pattern = self.text(term.subject), term.pattern
        if isinstance(pattern, ir.Constant) and pattern.value is None:
            return NativeExpression(self.spelling.bool(False))
        if term.operator in _TEXT_TESTS:
            pattern_text = self.text(pattern)
            test = self._call(_TEXT_TESTS[term.operator], subject, pattern_text)
            known = [subject] if isinstance(pattern, ir.Constant) else [subject, pattern_text]
        elif not isinstance(pattern, ir.Constant):
            self._require("a glob that is not a constant", term)
            return self._call("globs" if wanted else "globs_not", subject, self.text(pattern))
        else:
            text, name = str(pattern.value), self.output.fresh(term.operator.lower())
            make = self.spelling.glob if term.operator is TextOperator.GLOB else self.spelling.matches
            try:
                test = NativeExpression(make(text, name, subject.text), subject.height + 1)
            except UnsupportedError as error:
                raise UnsupportedError(str(error), term.span) from None
            known = [subject]
        if wanted:
            return test
        there = [self._call("is_known_text", value) for value in known]
        return self._joined([*there, NativeExpression(f"!{test.text}", test.height)], "&&", (term,))

    def _is_missing(self, operand: ir.Term, wanted: bool) -> NativeExpression:
        match operand.datatype.kind:
            case Kind.BOOL:
                return self._is(self.truth(operand), None, "==" if wanted else "!=")
            case Kind.STRING:
                known = self._call("is_known_text", self.text(operand))
            case _:
                known = self._call("is_known", self.number(operand))
        return NativeExpression(f"!{known.text}", known.height) if wanted else known

    # values

    def truth(self, term: ir.Term) -> NativeExpression:
        """Return an expression of the truth value of *term*."""
        match term:
            case ir.Constant(value):
                return NativeExpression(self.spelling.truth(value if isinstance(value, bool) else None))
            case ir.Read() | ir.Signal():
                return self._read(term)
            case ir.Not(operand):
                return self._call("not_truth", self.truth(operand))
            case ir.And(parts):
                return self._folded("and_truth", [self.truth(p) for p in parts], term, "truth")
            case ir.Or(parts):
                return self._folded("or_truth", [self.truth(p) for p in parts], term, "truth")
            case ir.Apply(_, arguments):
                return self._coalesced([self.truth(a) for a in arguments], term, "truth")
            case ir.Aggregate():
                return self._aggregate(term)
            case ir.Compare(comparators, operands) if operands[0].datatype.kind is Kind.BOOL:
                return self._equality(comparators, [self.truth(o) for o in operands], term)
            case ir.Member(subject, members) if subject.datatype.kind is Kind.BOOL:
                one = self.truth(subject)
                links = [self._call("equal_truth", one, self.truth(m)) for m in members]
                return self._folded("or_truth", links, term, "truth")
            case _:
                both = [self.holds(term), self.holds(term, False)]
                return self._low(self._call("truth_of", *both), "truth", term)

    def _equality(
        self, comparators: tuple[Comparator, ...], values: list[NativeExpression], term: ir.Term
    ) -> NativeExpression:
        links = []
        for comparator, left, right in zip(comparators, values, values[1:], strict=False):
            link = self._call("equal_truth", left, right)
            links.append(self._call("not_truth", link) if comparator is Comparator.NE else link)
        return self._folded("and_truth", links, term, "truth")

    def number(self, term: ir.Term) -> NativeExpression:
        """Return an expression of the number *term*."""
        match term:
            case ir.Constant(value):
                is_number = isinstance(value, int | float)
                return NativeExpression(self.spelling.number(value if is_number else None))  # type: ignore[arg-type]
            case ir.Read() | ir.Window():
                return self._read(term)
            case ir.Negative(operand):
                return self._low(self._call("negative", self.number(operand)), "number", term)
            case ir.Arithmetic():
                return self._arithmetic(term)
            case ir.Aggregate():
                return self._aggregate(term)
            case ir.Apply("length", (text,)):
                return self._call("length", self.text(text))
            case ir.Apply("coalesce", arguments):
                return self._coalesced([self.number(a) for a in arguments], term, "number")
            case ir.Apply("least" | "greatest" as function, arguments):
                return self._folded(function, [self.number(a) for a in arguments], term, "number")
            case ir.Apply(function, arguments):
                return self._low(self._call(function, *[self.number(a) for a in arguments]), "number", term)
            case _:
                raise AssertionError(f"{type(term).__name__} is not a number")

    def text(self, term: ir.Term) -> NativeExpression:
        """Return an expression of the text *term*."""
        match term:
            case ir.Constant(value):
                return NativeExpression(self.spelling.text(value if isinstance(value, str) else None))
            case ir.Read():
                return self._read(term)
            case ir.Apply("coalesce", arguments):
                return self._coalesced([self.text(a) for a in arguments], term, "text")
            case ir.Apply(function, (argument,)):
                self._require(function, term)
                return self._low(self._call(function, self.text(argument)), "text", term)
            case _:
                raise AssertionError(f"{type(term).__name__} is not a text")

    def _arithmetic(self, term: ir.Arithmetic) -> NativeExpression:
        """Return a sum or product: nested calls if it is short, else a function with one statement per part."""
        first, rest = self.number(term.first), [(_ARITHMETIC[sign], self.number(part)) for sign, part in term.rest]
        if len(rest) <= 4:
            result = first
            for function, part in rest:
                result = self._low(self._call(function, result, part), "number", term)
            return result
        lines = [self.spelling.declares("v", first.text)]
        lines += [self.spelling.assigns("v", self.spelling.call(function, "v", part.text)) for function, part in rest]
        name, per_gpu = self.output.fresh("value"), ir.is_per_gpu(term)
        self.output.functions.append(NativeFunction(name, "number", per_gpu, [*lines, self.spelling.returns("v")]))
        return NativeExpression(self.spelling.own(name, per_gpu))

    def _aggregate(self, term: ir.Aggregate) -> NativeExpression:
        is_held = not self.of_workload and not ir.is_contextual(term)
        name, is_new = self.output.aggregate(term, self.of_workload)
        if is_new:
            gives: Type = "truth" if term.function in ("any", "all") else "number"
            loop = NativeLoop(term.function, self._item(term, name), self.of_workload)
            function = NativeFunction(name, gives, False, self.spelling.loop(loop))
            self.output.functions.append(function)
            if is_held:
                self.output.held[name] = function
        return NativeExpression(self.spelling.bound_value(name) if is_held else self.spelling.own(name, False))

    def _item(self, term: ir.Aggregate, name: str) -> str:
        """Return the call of the function for the aggregated value of one GPU."""
        operand = term.operand
        gives: Type
        if operand.datatype.kind is not Kind.BOOL:
            gives, value = "number", self.number(operand)
        elif term.function == "count":
            gives, value = "bool", self.holds(operand)
        else:
            gives, value = "truth", self.truth(operand)
        item = f"{name}_of"
        self.output.functions.append(NativeFunction(item, gives, True, self.body(value)))
        return self.spelling.own(item, True)


def _is_limit(term: ir.Term) -> bool:
    """Return whether *term* is a constant number for which comparisons as doubles are exact."""
    if not isinstance(term, ir.Constant) or not isinstance(term.value, int | float):
        return False
    return not isinstance(term.value, bool) and abs(term.value) < EXACT_BELOW
