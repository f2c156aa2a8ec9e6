"""GPR601: an effect that goes off at every wobble of a gauge."""

from collections.abc import Iterator
from dataclasses import replace

from gpurules.diagnostics import Diagnostic, LocatedEdit, Location
from gpurules.linter.check import Subject, at_rule, beside
from gpurules.linter.meaning.hysteresis import Flap, flaps
from gpurules.rules.yaml import YamlMapping, entry_like, is_flow


class FlappingRisk:
    """An effect on the edge of a noisy gauge, with no ``for``, ``until``, ``keep_for`` or ``cooldown``.

    **Avoid.** A webhook on ``gpu_temperature > 85`` alone, or with ``until: gpu_temperature <= 85``.
    **Prefer.** The same with ``for: 30s`` and ``until: gpu_temperature < 80``, or with ``cooldown: 5m``.
    **Why.** A reading that wobbles around the threshold starts and stops the rule at every poll, and each start calls.
    """

    code = "GPR601"

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        analysis = subject.analysis
        for flap in flaps(analysis) if analysis else ():
            found = at_rule(self.code, flap.rule, _message(flap), "add cooldown: 5m, or for and until")
            through = subject.expression_of(flap.signal.condition) if flap.signal and not flap.signal.rule else None
            related = () if through is None else (beside(through, "the signal, without timers"),)
            yield replace(_with_cooldown(found, subject.rule_nodes.get(flap.rule.name)), related=related)


def _message(flap: Flap) -> str:
    told = f"{flap.effect} goes off whenever {flap.gauge} crosses its threshold, however often that is"
    if flap.signal is None:
        return told
    if flap.signal.rule is not None:
        return f"{told}: its until leaves no gap"
    return f"{told}: the signal `{flap.signal.name}` has no timers"


def _with_cooldown(found: Diagnostic, node: YamlMapping | None) -> Diagnostic:
    """Return the finding with the unsafe fix of a cooldown, before the rule's condition."""
    key = node.keys.get("condition") if node else None
    if node is None or key is None or not node.start <= key.start < node.end:
        return found
    place = key.location()
    gap = ", " if is_flow(node) else "\n" + " " * (place.column - 1)
    entry = entry_like(key, "cooldown", "5m")
    at = Location(place.line, place.column, place.line, place.column)
    return replace(found, edits=(LocatedEdit(at, f"{entry}{gap}"),))
