"""GPR705: the keys of a rule in an unusual order."""

from collections.abc import Iterator
from dataclasses import replace

from gpurules.diagnostics import Code, Diagnostic, Fix, Form, Severity
from gpurules.linter.check import Subject, at_node
from gpurules.rules.yaml import reorder_keys

ABOUT = Code(
    code="GPR705",
    name="key-order",
    severity=Severity.INFO,
    kind="style",
    summary="the keys of a rule are not in canonical order",
    fix=Fix.SAFE,
    form=Form.RULE,
    avoid="""\
- action: pause_transfer
  name: example
  condition: gpu_memory > 90""",
    prefer="""\
- name: example
  condition: gpu_memory > 90
  action: pause_transfer""",
    why="Keys that are in the same place in every rule are found without searching.",
)

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
    """The keys of a rule in an unusual order."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for name, node in subject.rule_nodes.items():
            known = [key for key in node.keys if key in ORDER]
            wanted = sorted(known, key=ORDER.index)
            first = next((own for own, other in zip(known, wanted, strict=True) if own != other), None)
            if first is not None:
                message = f"the keys of {name!r} are not in canonical order"
                problem = at_node(ABOUT.code, node.keys[first], (message, f"write {', '.join(wanted)}"), name)
                yield replace(problem, edits=reorder_keys(node, ORDER), safe=True)
