"""GPR601: an effect that goes off at every wobble of a gauge."""

from collections.abc import Iterator
from dataclasses import replace

from gpurules.actions import ActionKind
from gpurules.diagnostics import Diagnostic, LocatedEdit, Location
from gpurules.linter.check import Subject, at_rule
from gpurules.linter.damping import gauges, is_damped
from gpurules.rules.yaml_nodes import YamlMapping

_CHEAP = frozenset({"log"})


class FlappingRisk:
    """An effect on the edge of a noisy gauge, with no ``for``, ``until``, ``keep_for`` or ``cooldown``.

    **Avoid.** A webhook on ``gpu_temperature > 85`` alone.
    **Prefer.** The same with ``for: 30s`` and ``until: gpu_temperature < 80``, or with ``cooldown: 5m``.
    **Why.** A reading that wobbles around the threshold starts and stops the rule at every poll, and each start calls.
    """

    code = "GPR601"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        for rule in subject.ruleset.rules if subject.ruleset else ():
            effects = [a.name for a in rule.actions if a.action.kind is ActionKind.EFFECT and a.name not in _CHEAP]
            noisy = sorted(field.name for field in gauges(rule.term))
            if not effects or not noisy or is_damped(rule):
                continue
            message = f"{effects[0]} goes off whenever {noisy[0]} crosses its threshold, however often that is"
            found = at_rule(self.code, rule, message, "add cooldown: 5m, or for and until")
            yield _with_cooldown(found, subject.rule_nodes.get(rule.name))


def _with_cooldown(found: Diagnostic, node: YamlMapping | None) -> Diagnostic:
    """Return the finding with the unsafe fix of a cooldown, above the rule's condition where it is in block style."""
    key = node.keys.get("condition") if node else None
    if node is None or key is None or node.source.text[node.start : node.start + 1] == "{":
        return found
    place = key.location()
    margin = " " * (place.column - 1)
    at = Location(place.line, place.column, place.line, place.column)
    return replace(found, edits=(LocatedEdit(at, f"cooldown: 5m\n{margin}"),))
