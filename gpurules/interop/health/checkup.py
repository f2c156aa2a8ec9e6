"""Makes a health check: reads a source a few times and evaluates the rules that bear a tag."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from gpurules.actions.explained import ExplainedRule
from gpurules.engine import Engine
from gpurules.engine.effects.events import feed_source
from gpurules.errors import GpurulesError
from gpurules.interop.health.report import (
    HealthFinding,
    HealthReport,
    Undecided,
    is_warning,
    order_findings,
    unknown_health,
)
from gpurules.model import Snapshot
from gpurules.rules import Ruleset
from gpurules.rules.rule import Rule
from gpurules.telemetry import EndOfTelemetry, FiniteSource, Source
from gpurules.telemetry.source_registry import first_snapshot


@dataclass(frozen=True, slots=True)
class Checkup:
    """Which rules are evaluated, and on how many samples.

    Units: ``interval`` in seconds; a recording goes by its own times.
    """

    tag: str = "health"
    samples: int = 1
    interval: float = 1.0


class _NoRules(GpurulesError):
    """No rule bears the tag."""


def check_health(
    ruleset: Ruleset, source: Source, checkup: Checkup, sleep: Callable[[float], object] = time.sleep
) -> HealthReport:
    """Return the health of the node that *source* reads; whatever goes wrong makes it unknown."""
    try:
        rules = _tagged(ruleset, checkup.tag)
        feed_source(source, ruleset)
        engine, snapshot = _observed(ruleset, source, checkup, sleep)
    except GpurulesError as error:
        return unknown_health(str(error))
    return _judged(engine, snapshot, rules)


def _tagged(ruleset: Ruleset, tag: str) -> dict[str, Rule]:
    """Return the rules with the tag that order something; a disabled rule or one in shadow mode finds nothing."""
    rules = {rule.name: rule for rule in ruleset.rules if tag in rule.tags and rule.enabled and not rule.is_shadow}
    if not rules:
        raise _NoRules(f"no enabled rule of {ruleset.name!r} has the tag {tag!r}")
    return rules


def _observed(
    ruleset: Ruleset, source: Source, checkup: Checkup, sleep: Callable[[float], object]
) -> tuple[Engine, Snapshot]:
    is_finite, latest = isinstance(source, FiniteSource), Snapshot()
    engine = Engine(ruleset, clock=(lambda: latest.timestamp) if is_finite else time.time)
    for number in range(checkup.samples):
        if number and not is_finite:
            sleep(checkup.interval)
        try:
            latest = first_snapshot(source)
        except EndOfTelemetry:
            if not number:
                raise
            break
        engine.observe(latest)
    return engine, latest


def _judged(engine: Engine, snapshot: Snapshot, rules: dict[str, Rule]) -> HealthReport:
    decision, explained = engine.decide(), None
    matched = {match.rule: match.devices for match in decision.matched}
    now = {match.rule for match in engine.ruleset.evaluate(snapshot).matched}
    findings = [
        HealthFinding(name, rule.description or rule.text, matched[name], is_warning(rule))
        for name, rule in rules.items()
        if name in matched
    ]
    undecided: list[Undecided] = []
    explained = decision.explain()
    for name in rules:
        why = None if name in matched else _why_undecided(explained.rule(name), name in now)
        if why is not None:
            undecided.append(Undecided(name, why))
    return HealthReport(order_findings(findings), tuple(undecided), len(rules), snapshot.gpu_count)


def _why_undecided(explained: ExplainedRule, holds_now: bool) -> str | None:
    """Return why a rule that did not match is not false either; None where it is."""
    if holds_now or (explained.outcome == "suppressed" and explained.because == "for"):
        return "its condition holds now, but one sample does not prove for how long; use --samples and --interval"
    if explained.outcome == "unknown":
        return "; ".join(explained.unreported) or explained.reason or "a reading is missing"
    return None
