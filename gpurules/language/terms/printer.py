"""Trees to text: the canonical spelling of what was written, and of what it was checked to."""

from collections.abc import Iterable

from gpurules.language.syntax import nodes
from gpurules.language.terms import ir
from gpurules.model import Dimension, Kind

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "'": "\\'"}


def quote(text: str) -> str:
    """Return *text* as a string literal of the language.

    >>> quote("it's")
    '"it\\'s"'
    """
    quote = '"' if "'" in text and '"' not in text else "'"
    parts = []
    for character in text:
        if character == quote or (character in _ESCAPES and character != "'"):
            parts.append(_ESCAPES.get(character, f"\\{character}"))
        elif character.isprintable() or ord(character) > 0xFFFF:
            parts.append(character)
        else:
            parts.append(f"\\u{ord(character):04x}")
    return quote + "".join(parts) + quote


def show(node: nodes.Definition) -> str:
    """Return *node* in its canonical spelling; reading it back gives an equal tree."""
    match node:
        case nodes.Quantity(spelling):
            return spelling
        case nodes.Text(value):
            return quote(value)
        case nodes.Boolean(value):
            return "TRUE" if value else "FALSE"
        case nodes.Name(name):
            return name
        case nodes.Window(name, duration):
            return f"{name.name}[{duration.spelling}]"
        case nodes.Call(function, arguments):
            return f"{function.name}({_listed(arguments)})"
        case nodes.Group(inner):
            return f"({show(inner)})"
        case nodes.Negative(operand):
            return f"-{show(operand)}"
        case nodes.Sum(first, rest) | nodes.Product(first, rest):
            return show(first) + _joined([(sign.value, part) for sign, part in rest])
        case (
            nodes.Compare()
            | nodes.Membership()
            | nodes.ListMembership()
            | nodes.Between()
            | nodes.TextTest()
            | nodes.MissingTest()
        ):
            return _show_predicate(node)
        case nodes.Not(operand):
            return f"NOT {show(operand)}"
        case nodes.And(parts):
            return " AND ".join([show(part) for part in parts])
        case nodes.Or(parts):
            return " OR ".join([show(part) for part in parts])
        case nodes.ListLiteral(members):
            return f"[{_listed(members)}]"


def _show_predicate(node: nodes.Compare | nodes.Test) -> str:
    match node:
        case nodes.Compare(first, rest):
            return show(first) + _joined([(comparator.value, part) for comparator, part in rest])
        case nodes.Membership(subject, members, negated):
            return f"{show(subject)} {'NOT ' if negated else ''}IN ({_listed(members)})"
        case nodes.ListMembership(subject, name, negated):
            return f"{show(subject)} {'NOT ' if negated else ''}IN {name.name}"
        case nodes.Between(subject, low, high, negated):
            return f"{show(subject)} {'NOT ' if negated else ''}BETWEEN {show(low)} AND {show(high)}"
        case nodes.TextTest(operator, subject, pattern, negated):
            return f"{show(subject)} {'NOT ' if negated else ''}{operator} {show(pattern)}"
        case nodes.MissingTest(subject, negated):
            return f"{show(subject)} IS {'NOT ' if negated else ''}MISSING"


def _listed(members: tuple[nodes.Expr, ...]) -> str:
    return ", ".join([show(member) for member in members])


def _joined(rest: list[tuple[str, nodes.Expr]]) -> str:
    return "".join([f" {sign} {show(part)}" for sign, part in rest])


_UNITS = {
    Dimension.NONE: "",
    Dimension.PERCENT: "%",
    Dimension.BYTES: "B",
    Dimension.BYTES_PER_SECOND: "B/s",
    Dimension.SECONDS: "s",
    Dimension.CELSIUS: "C",
    Dimension.WATTS: "W",
    Dimension.JOULES: "J",
    Dimension.HERTZ: "Hz",
}
# how tightly a term holds together, for brackets: OR 0, AND 1, NOT 2, comparison 3, sum 4, product 5, atom 6
_LOOSE_SUM, _LOOSE_PRODUCT, _ATOM = 4, 5, 6


def _tightness(term: ir.Term) -> int:
    match term:
        case ir.Or():
            return 0
        case ir.And():
            return 1
        case ir.Not(ir.Member() | ir.TextTest() | ir.IsMissing()):
            return 3
        case ir.Not():
            return 2
        case ir.Compare() | ir.Member() | ir.TextTest() | ir.IsMissing():
            return 3
        case ir.Arithmetic(_, rest):
            return _LOOSE_SUM if rest[0][0] in (nodes.Sign.PLUS, nodes.Sign.MINUS) else _LOOSE_PRODUCT
        case ir.Constant() | ir.Read() | ir.Signal() | ir.Window() | ir.Negative() | ir.Apply() | ir.Aggregate():
            return _ATOM


def _inside(term: ir.Term, least: int) -> str:
    text = spell(term)
    return text if _tightness(term) >= least else f"({text})"


def spell(term: ir.Term) -> str:
    """Return the checked *term* as a condition of the language, definitions put in place.

    A constant keeps the spelling it was written in; an input is its value.
    """
    match term:
        case ir.Constant(value, datatype):
            return _constant(term, value, datatype.kind, datatype.dimension)
        case ir.Read(field):
            return field.name
        case ir.Signal(name):
            return name
        case ir.Window(function, field, seconds, parameter):
            window = f"{field.name}[{seconds:g}s]"
            if function == "quantile_over_time":
                return f"{function}({parameter:g}, {window})"
            return f"{function}({window})" if parameter is None else f"{function}({window}, {parameter:g}s)"
        case ir.Negative(operand):
            return f"-{_inside(operand, _ATOM)}"
        case ir.Arithmetic(first, rest):
            own = _tightness(term)
            parts = [f" {sign} {_inside(part, own + 1)}" for sign, part in rest if not _is_share(part)]
            return _inside(first, own) + "".join(parts)
        case ir.Apply(function, arguments):
            return f"{function}({', '.join([spell(a) for a in arguments])})"
        case ir.Aggregate(function, operand):
            return f"{function}({spell(operand)})"
        case ir.Compare() | ir.Member() | ir.TextTest() | ir.IsMissing() | ir.Not():
            return _spell_predicate(term)
        case ir.And(parts) | ir.Or(parts):
            return spell_joined(term, [spell(part) for part in parts])


def spell_joined(term: ir.And | ir.Or, texts: Iterable[str]) -> str:
    """Return AND or OR as :func:`spell` does; *texts* are its parts, spelled."""
    word = " AND " if isinstance(term, ir.And) else " OR "
    pairs = zip(term.parts, texts, strict=True)
    return word.join([text if _tightness(part) >= 2 else f"({text})" for part, text in pairs])


def _spell_predicate(term: ir.Compare | ir.Member | ir.TextTest | ir.IsMissing | ir.Not) -> str:
    match term:
        case ir.Compare(comparators, operands):
            parts = [f" {c} {_inside(o, 4)}" for c, o in zip(comparators, operands[1:], strict=True)]
            return _inside(operands[0], 4) + "".join(parts)
        case ir.Member(subject, members):
            return f"{_inside(subject, 4)} IN ({', '.join([spell(m) for m in members])})"
        case ir.TextTest(operator, subject, pattern):
            return f"{_inside(subject, 4)} {operator} {_inside(pattern, 4)}"
        case ir.IsMissing(operand):
            return f"{_inside(operand, 4)} IS MISSING"
        case ir.Not(ir.Member(subject, members)):
            return f"{_inside(subject, 4)} NOT IN ({', '.join([spell(m) for m in members])})"
        case ir.Not(ir.TextTest(operator, subject, pattern)):
            return f"{_inside(subject, 4)} NOT {operator} {_inside(pattern, 4)}"
        case ir.Not(ir.IsMissing(operand)):
            return f"{_inside(operand, 4)} IS NOT MISSING"
        case ir.Not(operand):
            return f"NOT {_inside(operand, 2)}"


def _is_share(term: ir.Term) -> bool:
    """Return whether *term* is the 100 by which a share is divided: it is not written."""
    return isinstance(term, ir.Constant) and term.value == 100 and term.span == ir.NOWHERE and not term.spelling


def _constant(term: ir.Constant, value: object, kind: Kind, dimension: Dimension) -> str:
    if value is None:
        return "MISSING"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if kind is Kind.STRING:
        return quote(str(value))
    is_named = term.spelling.isidentifier()  # an input: its value says more
    return term.spelling if term.spelling and not is_named else f"{value:.15g}{_UNITS[dimension]}"
