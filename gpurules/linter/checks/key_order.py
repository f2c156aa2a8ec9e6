"""GPR705: the keys of a rule in an unusual order."""

from collections.abc import Iterator
from dataclasses import replace

from gpurules.diagnostics import Diagnostic
from gpurules.linter.check import Subject, at_node
from gpurules.rules.yaml import reorder_keys

ORDER = (
    "name",
    "override",
    "remove",
    "description",
    "condition",
    "gpus",
    "for",
    "until",
    "keep_for",
    "action",
    "parameters",
    "actions",
    "priority",
    "enabled",
    "mode",
    "stop",
    "cooldown",
    "tags",
    "annotations",
)
"""The usual order of the keys of a rule."""


class KeyOrder:
    """The keys of a rule in an unusual order.

    **Avoid.** ``action`` before ``condition``, ``name`` at the end.
    **Prefer.** name, description, condition, gpus, for, until, keep_for, action, parameters, priority, then the rest.
    **Why.** What stands in one place in every rule is found without searching.
    """

    code = "GPR705"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for name, node in subject.rule_nodes.items():
            known = [key for key in node.keys if key in ORDER]
            wanted = sorted(known, key=ORDER.index)
            first = next((own for own, other in zip(known, wanted, strict=True) if own != other), None)
            if first is not None:
                message = f"the keys of {name!r} are not in the usual order"
                problem = at_node(self.code, node.keys[first], (message, f"write {', '.join(wanted)}"), name)
                yield replace(problem, edits=reorder_keys(node, ORDER), safe=True)
