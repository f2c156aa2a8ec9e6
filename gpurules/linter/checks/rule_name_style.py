"""GPR701: the name of a rule."""

import re
from collections.abc import Iterator

from gpurules.diagnostics import Code, Diagnostic, Fix, Form, Severity
from gpurules.linter.check import Subject, at_node
from gpurules.rules.yaml import YamlScalar

ABOUT = Code(
    code="GPR701",
    name="rule-name-style",
    severity=Severity.WARNING,
    kind="style",
    summary="a rule's name is not in lower case with _ or - between words",
    fix=Fix.UNSAFE,
    form=Form.RULE,
    avoid="- {name: Hold Hot GPUs, condition: gpu_memory > 90, action: pause_transfer}",
    prefer="- {name: hold_hot_gpus, condition: gpu_memory > 90, action: pause_transfer}",
    why="Any name of up to 100 printable characters is legal. Lower-case names with `_` or `-` are easy "
    "to type in commands, and can be used unchanged in metrics and dashboards.",
)

PATTERN = re.compile(r"[a-z][a-z0-9_-]*")


class RuleNameStyle:
    """A rule's name that is not in lower case, with ``_`` or ``-`` between words."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        taken = {rule.name for rule in subject.ruleset.rules} if subject.ruleset else set()
        for name in subject.ruleset.rules if subject.ruleset else ():
            if name.path != subject.path or PATTERN.fullmatch(name.name):
                continue
            node = subject.rule_nodes.get(name.name)
            written = node.get("name") if node else None
            if isinstance(written, YamlScalar):
                better = _styled(name.name)
                new = better if better not in taken and not (node and "override" in node.values) else None
                message = f"{name.name!r} is not in lower case with _ or - between words"
                yield at_node(ABOUT.code, written, (message, f"write {better}"), name.name, new)


def _styled(name: str) -> str:
    """Return a name in good style that is close to *name*.

    >>> _styled("Hold Hot GPUs!")
    'hold_hot_gpus'
    """
    styled = re.sub(r"[^a-z0-9-]+", "_", name.lower()).strip("_-")
    return styled if PATTERN.fullmatch(styled) else f"rule_{styled}".rstrip("_")
