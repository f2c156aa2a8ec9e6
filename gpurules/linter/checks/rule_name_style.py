"""GPR701: the name of a rule."""

import re
from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic
from gpurules.linter.check import Subject, at_node
from gpurules.rules.yaml import YamlScalar

PATTERN = re.compile(r"[a-z][a-z0-9_-]*")


class RuleNameStyle:
    """A rule's name that is not in lower case, with ``_`` or ``-`` between words.

    **Avoid.** ``name: Hold Hot GPUs!``.
    **Prefer.** ``name: hold_hot_gpus``.
    **Why.** Names are typed into commands, metrics and dashboards, where spaces and capitals are in the way.
    """

    code = "GPR701"

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
                yield at_node(self.code, written, (message, f"write {better}"), name.name, new)


def _styled(name: str) -> str:
    """Return a name in good style that is close to *name*.

    >>> _styled("Hold Hot GPUs!")
    'hold_hot_gpus'
    """
    styled = re.sub(r"[^a-z0-9-]+", "_", name.lower()).strip("_-")
    return styled if PATTERN.fullmatch(styled) else f"rule_{styled}".rstrip("_")
