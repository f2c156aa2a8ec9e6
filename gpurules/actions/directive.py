"""What the directives that ship have in common, unless one says otherwise."""

from collections.abc import Iterable

from gpurules.actions.action import ActionKind, Complaint, Parameters


class BuiltInDirective:
    """A directive that excludes no other, feeds back on no field, and whose value is the same for every transfer."""

    kind = ActionKind.DIRECTIVE
    excludes: frozenset[str] = frozenset()
    works_on: frozenset[str] = frozenset()
    is_static = True

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Find nothing: the schema says it all."""
        return ()
