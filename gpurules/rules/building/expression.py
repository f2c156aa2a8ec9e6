"""An expression in a ruleset file: parsed, and able to locate each part of it in the file."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from gpurules.diagnostics import Diagnostic, Edit, Finding, LocatedEdit, Location, Span
from gpurules.language import Checked, Parsed, parse, parse_definition
from gpurules.language.syntax import nodes
from gpurules.records import Record, record
from gpurules.rules.reuse import ParsedText
from gpurules.rules.yaml.nodes import YamlNode, YamlScalar, YamlSequence

T = TypeVar("T")


class Expression:
    """A text, parsed when that is first asked for, and the nodes that it was written in, each at its offset in it."""

    __slots__ = ("content", "places")

    def __init__(self, content: ParsedText, places: tuple[tuple[int, YamlScalar], ...]) -> None:
        self.content = content
        self.places = places

    @property
    def text(self) -> str:
        """What was written."""
        return self.content.text

    @property
    def parsed(self) -> Parsed:
        """What the text says."""
        return self.content.parsed

    def location(self, span: Span) -> Location:
        """Return the location of *span* of the text in the file."""
        offset, node = max((p for p in self.places if p[0] <= span.start), key=lambda p: p[0], default=self.places[0])
        length = len(node.text)
        start, end = min(span.start - offset, length), min(span.end - offset, length)
        return node.location(start, max(start, end))

    def locate(self, edits: Iterable[Edit]) -> tuple[LocatedEdit, ...]:
        """Return *edits* of the text as edits of the file."""
        _, node = self.places[0]
        return tuple(LocatedEdit(self.location(edit.span), node.spelling_of(edit.replacement)) for edit in edits)

    def diagnostic(self, finding: Finding, rule: str | None = None) -> Diagnostic:
        """Return *finding* at its place in the file."""
        place = self.location(finding.span)
        _, node = self.places[0]
        return Diagnostic(
            finding.code,
            finding.message,
            node.source.path,
            place.line,
            place.column,
            place.end_line,
            place.end_column,
            finding.hint,
            edits=self.locate(finding.edits),
            safe=finding.safe,
            rule=rule,
        )


@record
class Placed(Record):
    """An expression with what it was checked to, and whose it is.

    Missing: ``rule`` is None if it belongs to no rule, ``name`` if it is neither a definition nor a signal's condition.
    """

    expression: Expression
    checked: Checked
    rule: str | None = None
    name: str | None = None

    def once(self, function: Callable[[Parsed, Checked], T]) -> T:
        """Return what *function* makes of what the expression says, wherever it stands.

        It is asked once, until the expression changes, however often the file around it is loaded again.
        """
        return self.expression.content.once(function, self.checked)


def condition(node: YamlScalar) -> Expression:
    """Return the condition that *node* spells."""
    return Expression(ParsedText(node.text), ((0, node),))


def definition(node: YamlNode) -> Expression | None:
    """Return the definition that *node* spells: an expression, or a list (of the language, or of YAML)."""
    if isinstance(node, YamlScalar):
        return Expression(ParsedText(node.text, parse_definition(node.text)), ((0, node),))
    return _listed(node) if isinstance(node, YamlSequence) else None


def _listed(node: YamlSequence) -> Expression | None:
    """Return the list that a YAML list spells: quoted items are texts, plain ones numbers where they can be."""
    text, places, members, findings = "", list[tuple[int, YamlScalar]](), list[nodes.Expr](), list[Finding]()
    for item in node.items:
        if not isinstance(item, YamlScalar):
            continue
        start = len(text)
        places.append((start, item))
        text += item.text + "\n"
        member, found = _member(item, start)
        members.append(member)
        findings += found
    if not members:
        return None
    tree = nodes.ListLiteral(tuple(members), span=Span(0, len(text)))
    return Expression(ParsedText(text, Parsed(text, tree, tuple(findings))), tuple(places))


def _member(item: YamlScalar, start: int) -> tuple[nodes.Expr, tuple[Finding, ...]]:
    span = Span(start, start + len(item.text))
    if (not item.style and item.text[:1].isdigit()) or (item.text[:1] == "-" and item.text[1:2].isdigit()):
        parsed = parse(item.text)
        if parsed.tree is not None and not isinstance(parsed.tree, nodes.ListLiteral):
            return _moved(parsed.tree, span), tuple(Finding(f.code, span, f.message, f.hint) for f in parsed.findings)
    text = item.text
    if item.style == "" and len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    return nodes.Text(text, span=span), ()


def _moved(tree: nodes.Expr, span: Span) -> nodes.Expr:
    match tree:
        case nodes.Quantity(spelling, value, dimension):
            return nodes.Quantity(spelling, value, dimension, span=span)
        case nodes.Negative(nodes.Quantity(spelling, value, dimension)):
            return nodes.Negative(nodes.Quantity(spelling, value, dimension, span=span), span=span)
        case _:
            return tree
