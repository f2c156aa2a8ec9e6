"""Parts of conditions that stand in several rules."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from gpurules.language import nodes
from gpurules.linter.check import Subject
from gpurules.rules.expression import Placed

MANY = 3
"""In how many rules a part is repeated too often."""

Use: TypeAlias = tuple[Placed, nodes.Expr]
_TESTS = (nodes.Compare, nodes.Membership, nodes.ListMembership, nodes.Between, nodes.TextTest)


def repeated_parts(subject: Subject) -> Mapping[nodes.Expr, list[Use]]:
    """Return each comparison or test that stands in three or more rules, with its first use in each."""
    uses: dict[nodes.Expr, dict[str, Use]] = {}
    for placed in subject.placed:
        tree = placed.expression.parsed.tree
        if placed.rule is None or tree is None:
            continue
        for part in _parts(tree):
            uses.setdefault(part, {}).setdefault(placed.rule, (placed, part))
    return {part: list(found.values()) for part, found in uses.items() if len(found) >= MANY}


def _parts(tree: nodes.Definition) -> Iterator[nodes.Expr]:
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, _TESTS):
            yield node
        else:
            stack.extend(nodes.children(node))
