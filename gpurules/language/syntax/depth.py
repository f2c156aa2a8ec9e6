"""How deep a tree may be, and room for the walks over it.

A walk is a function that calls itself once or a few times a level. 200 levels of brackets, which the language allows,
can need more than the 1,000 calls that Python allows by default; these calls are cheap (Python's own frames, not the C
stack).
"""

import sys

from gpurules.language.syntax import nodes

MAX_NESTING = 200
MAX_HEIGHT = 600
_COMMON_HEIGHT = 40
_CALLS_A_LEVEL = 12
_FEW_LEVELS = _COMMON_HEIGHT // 6 - 1


def make_room(height: int) -> None:
    """Let walks over a tree of *height* recurse.

    The limit of the interpreter is raised where it must be, and never lowered: another thread may be using it.
    """
    if height > _COMMON_HEIGHT:
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 1_000 + _CALLS_A_LEVEL * min(height, MAX_HEIGHT)))


def may_be_deep(text: str) -> bool:
    """Return whether the tree of *text* may be high; where this is False, its walks need no room of their own.

    Every level of nesting is written with a bracket, a minus or a NOT, and has at most six nodes above the next.

    >>> may_be_deep("a AND (b OR NOT c)"), may_be_deep("((((((a))))))")
    (False, True)
    """
    return text.count("(") + text.count("-") + text.count("!") + text.upper().count("NOT") > _FEW_LEVELS


def measure(tree: nodes.Definition) -> tuple[int, int, nodes.Definition]:
    """Return how deep *tree* nests, how high it is, and its deepest node; without recursion."""
    deepest, nesting_most, height_most = tree, 0, 0
    stack: list[tuple[nodes.Definition, int, int]] = [(tree, 0, 1)]
    while stack:
        node, nesting, height = stack.pop()
        nesting += isinstance(node, nodes.Group | nodes.Call | nodes.Not | nodes.Negative)
        if nesting > nesting_most:
            nesting_most, deepest = nesting, node
        height_most = max(height_most, height)
        stack.extend((child, nesting, height + 1) for child in nodes.children(node))
    return nesting_most, height_most, deepest
