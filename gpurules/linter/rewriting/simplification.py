"""Simpler forms of conditions; each is only a proposal until it is proved to be equivalent."""

from gpurules.fields import FIELDS
from gpurules.language.syntax import nodes
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms.printer import show


def simplify(node: nodes.Definition) -> str | None:
    """Return a shorter form of *node* itself, None where none is known."""
    match node:
        case nodes.Not(operand):
            return _denied(_bare(operand))
        case nodes.Compare(first, ((comparator, nodes.Boolean(value)),)):
            if comparator not in (Comparator.EQ, Comparator.NE):
                return None
            is_same = (comparator is Comparator.EQ) is value
            return show(first) if is_same else f"NOT {show(first)}"
        case nodes.Or(parts):
            return _listed(parts, Comparator.EQ, "IN")
        case nodes.And(parts):
            return _listed(parts, Comparator.NE, "NOT IN")
        case _:
            return None


def _bare(node: nodes.Expr) -> nodes.Expr:
    while isinstance(node, nodes.Group):
        node = node.inner
    return node


def _denied(node: nodes.Expr) -> str | None:
    """Return NOT *node* without the NOT."""
    match node:
        case nodes.Not(operand):
            return show(operand)
        case nodes.Compare(first, ((comparator, last),)):
            if _is_per_gpu(node):
                return None  # GPR005 asks what is meant
            return f"{show(first)} {comparator.opposite.value} {show(last)}"
        case nodes.Membership(subject, members, negated):
            turned: nodes.Expr = nodes.Membership(subject, members, not negated, span=node.span)
        case nodes.ListMembership(subject, name, negated):
            turned = nodes.ListMembership(subject, name, not negated, span=node.span)
        case nodes.TextTest(operator, subject, pattern, negated):
            turned = nodes.TextTest(operator, subject, pattern, not negated, span=node.span)
        case nodes.MissingTest(subject, negated):
            turned = nodes.MissingTest(subject, not negated, span=node.span)
        case _:
            return None
    return show(turned)


def _is_per_gpu(node: nodes.Compare) -> bool:
    stack: list[nodes.Definition] = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, nodes.Name) and current.name in FIELDS and FIELDS[current.name].is_per_gpu:
            return True
        stack.extend(nodes.children(current))
    return False


def _listed(parts: tuple[nodes.Expr, ...], wanted: Comparator, word: str) -> str | None:
    """Return comparisons of one field with several constants as a list."""
    subjects, members = set[str](), list[str]()
    for part in map(_bare, parts):
        match part:
            case nodes.Compare(first, ((comparator, (nodes.Text() | nodes.Quantity()) as last),)) if (
                comparator is wanted
            ):
                subjects.add(show(first))
                members.append(show(last))
            case _:
                return None
    if len(subjects) != 1 or len(set(members)) < len(members):
        return None
    return f"{subjects.pop()} {word} ({', '.join(members)})"
