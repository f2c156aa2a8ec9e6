"""GPR601: an effect that fires at every fluctuation of a gauge."""

from collections.abc import Iterator
from dataclasses import replace

from gpurules.diagnostics import Code, Diagnostic, Fix, Form, LocatedEdit, Location, Need, Severity
from gpurules.linter.check import Subject, at_rule, beside
from gpurules.linter.meaning.hysteresis import Flap, flaps
from gpurules.rules.yaml import YamlMapping, entry_like, is_flow

ABOUT = Code(
    code="GPR601",
    name="flapping-risk",
    severity=Severity.WARNING,
    kind="flapping",
    summary="an effect on a noisy gauge that nothing dampens",
    fix=Fix.UNSAFE,
    needs=Need.ANALYSIS,
    form=Form.RULE,
    avoid="""\
- name: example
  condition: gpu_temperature > 85
  action: webhook
  parameters: {url: 'https://example.org/hook'}""",
    prefer="""\
- name: example
  condition: gpu_temperature > 85
  for: 30s
  until: gpu_temperature < 80
  action: webhook
  parameters: {url: 'https://example.org/hook'}""",
    why="An effect starts on the rising edge. A reading that fluctuates around the threshold crosses it "
    "at every poll, and each crossing triggers the effect. `for`, `until`, `keep_for` and `cooldown` "
    "dampen it; so does a named signal that has them, or a window such as "
    "`avg_over_time(gpu_temperature[1m])`. An `until` that provably holds as soon as the condition "
    "does dampens nothing. The action `log` is exempt.",
)


class FlappingRisk:
    """An effect on the edge of a noisy gauge, with no ``for``, ``until``, ``keep_for`` or ``cooldown``."""

    about = ABOUT

    def run(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what it finds."""
        analysis = subject.analysis
        for flap in flaps(analysis) if analysis else ():
            found = at_rule(ABOUT.code, flap.rule, _message(flap), "add cooldown: 5m, or for and until")
            through = subject.expression_of(flap.signal.condition) if flap.signal and not flap.signal.rule else None
            related = () if through is None else (beside(through, "the signal, without timers"),)
            yield replace(_with_cooldown(found, subject.rule_nodes.get(flap.rule.name)), related=related)


def _message(flap: Flap) -> str:
    message = f"{flap.effect} fires every time {flap.gauge} crosses its threshold; nothing limits how often"
    if flap.signal is None:
        return message
    if flap.signal.rule is not None:
        return f"{message}: its until leaves no gap"
    return f"{message}: the signal `{flap.signal.name}` has no timers"


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
