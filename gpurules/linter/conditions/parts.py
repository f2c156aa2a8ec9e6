"""The parts of a condition, as it was written and as it was checked: what AND and OR join, and where."""

from collections.abc import Iterator
from typing import TypeAlias

from gpurules.diagnostics import Edit, Span
from gpurules.language.syntax import nodes
from gpurules.language.terms import ir
from gpurules.language.terms.lowering import rebuilt
from gpurules.records import Record, record

TermPath: TypeAlias = tuple[int, ...]
"""How to get from a term to one in it: which part to take, again and again."""


@record
class ConditionPart(Record):
    """One of the conditions that an AND or an OR joins."""

    node: nodes.Expr
    term: ir.Term


@record
class Junction(Record):
    """An AND or an OR.

    ``context`` must be TRUE for the junction to matter. ``is_plain``: only ANDs and ORs stand above it, so that nothing
    but its being TRUE counts.
    """

    is_and: bool
    parts: tuple[ConditionPart, ...]
    path: TermPath
    context: tuple[ir.Term, ...]
    is_plain: bool


_JOINING = (nodes.And, nodes.Or, nodes.Group, nodes.Not, nodes.Call)
"""Parts that an AND or an OR can be in."""


def junctions(tree: nodes.Definition, term: ir.Term) -> Iterator[Junction]:
    """Yield every AND and OR that is written in a condition itself, the outer ones first."""
    stack: list[tuple[nodes.Definition, ir.Term, TermPath, tuple[ir.Term, ...], bool]] = [(tree, term, (), (), True)]
    while stack:
        node, term, path, context, is_plain = stack.pop()
        match node, term:
            case nodes.Group(inner), _:
                stack.append((inner, term, path, context, is_plain))
            case ((nodes.And(parts) | nodes.Or(parts)), (ir.And(terms) | ir.Or(terms))) if len(parts) == len(terms):
                is_and = isinstance(node, nodes.And)
                yield Junction(is_and, tuple(map(ConditionPart, parts, terms)), path, context, is_plain)
                for i in (i for i in reversed(range(len(parts))) if isinstance(parts[i], _JOINING)):
                    beside = (*terms[:i], *terms[i + 1 :]) if is_and else ()
                    stack.append((parts[i], terms[i], (*path, i), (*context, *beside), is_plain))
            case nodes.Not(operand), ir.Not(inner):
                stack.append((operand, inner, (*path, 0), (), False))
            case nodes.Call(_, (argument,)), ir.Aggregate(_, inner):
                stack.append((argument, inner, (*path, 0), (), False))
            case _:
                pass  # no AND or OR is below it


def conjuncts(tree: nodes.Definition, term: ir.Term) -> list[ConditionPart]:
    """Return the conditions that all must be TRUE for a whole one to be."""
    match tree, term:
        case nodes.Group(inner), _:
            return conjuncts(inner, term)
        case nodes.And(parts), ir.And(terms) if len(parts) == len(terms):
            return [part for node, piece in zip(parts, terms, strict=True) for part in conjuncts(node, piece)]
        case _:
            return [] if isinstance(tree, nodes.ListLiteral) else [ConditionPart(tree, term)]


def replace_part(term: ir.Term, path: TermPath, new: ir.Term) -> ir.Term:
    """Return *term* with *new* at *path*."""
    if not path:
        return new
    target = ir.children(term)[path[0]]
    return rebuilt(term, lambda part: replace_part(part, path[1:], new) if part is target else part)


def without(junction: Junction, place: int) -> tuple[Edit, ...]:
    """Return the edit that takes the part at *place* away, with the word that joins it."""
    spans = [part.node.span for part in junction.parts]
    if place:
        return (Edit(Span(spans[place - 1].end, spans[place].end), ""),)
    return (Edit(Span(spans[0].start, spans[1].start), ""),)


def apply_edits(text: str, edits: tuple[Edit, ...]) -> str:
    """Return *text* with *edits*, which do not overlap, made."""
    for edit in sorted(edits, key=lambda e: (e.span.start, e.span.end), reverse=True):
        text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    return text
