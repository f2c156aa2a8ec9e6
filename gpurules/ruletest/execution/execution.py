"""Executes a case: its steps in time, each with the decision and why."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from gpurules.actions.action import is_effect
from gpurules.actions.decision import Decision
from gpurules.actions.explained import ExplainedDecision
from gpurules.facts import CheckedFacts
from gpurules.model import Transfer, Workload
from gpurules.rules import Rule, Ruleset
from gpurules.ruletest.case import Case, Data, SeriesSample
from gpurules.ruletest.facts import facts, remove_gpu, set_path, timestamp_of
from gpurules.ruletest.series import GONE, MISSING, STALE


@dataclass(frozen=True, slots=True)
class TimeStep:
    """One step of a case, and the rules that decided it.

    Units: ``at`` in seconds from its start.
    """

    at: float
    decision: Decision
    rules: tuple[Rule, ...]
    held_back: frozenset[str] = frozenset()

    @property
    def explanation(self) -> ExplainedDecision:
        """Why each rule did or did not match; a rule that its cooldown holds back is suppressed."""
        return self.decision.explain().held_back(self.held_back)


@dataclass(slots=True)
class Cooldowns:
    """Which rules with effects started too short a time after their last start."""

    started: dict[str, float] = field(default_factory=dict)
    matching: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()

    def step(self, rules: tuple[Rule, ...], matched: frozenset[str], now: float) -> frozenset[str]:
        """Return the rules that are held back at *now*, when *matched* match."""
        held = set(self.held & matched)
        for rule in rules:
            if rule.name not in matched - self.matching or rule.cooldown is None:
                continue
            if not any(is_effect(ordered.action) for ordered in rule.actions):
                continue
            last = self.started.get(rule.name)
            if last is not None and now - last < rule.cooldown:
                held.add(rule.name)
            else:
                self.started[rule.name] = now
        self.matching, self.held = matched, frozenset(held)
        return self.held


def time_steps(case: Case, ruleset: Ruleset) -> Iterator[TimeStep]:
    """Yield the steps of *case*: one for each sample of its series, or without a series just one, without history."""
    start = timestamp_of(case.given)
    if not case.series:
        given = facts(case.given, ruleset.fields, start)
        decision = ruleset.evaluate(given.snapshot, given.transfer, given.workload, given.node)
        yield TimeStep(0.0, decision, ruleset.rules)
        return
    from gpurules.engine.engine import Engine  # with all sources, which cases without a series do not need

    now = [start]
    engine, cooldowns = Engine(ruleset, clock=lambda: now[0]), Cooldowns()
    last: tuple[Transfer | None, Workload | None] = (None, None)
    for step in range(max(len(samples) for samples in case.series.values())):
        now[0] = start + step * case.interval
        data, is_stale = at_step(case.given, case.series, step)
        given = facts(data, ruleset.fields, now[0])
        if not is_stale:
            engine.observe(given.snapshot, given.node)
        last = (given.transfer, given.workload)
        decision = engine.decide(*last)
        held = cooldowns.step(ruleset.rules, frozenset(decision.rules), now[0])
        yield TimeStep(step * case.interval, decision, ruleset.rules, held)


def case_facts(case: Case, ruleset: Ruleset) -> Iterator[CheckedFacts]:
    """Yield the facts of each step of *case*."""
    start = timestamp_of(case.given)
    for step in range(max((len(samples) for samples in case.series.values()), default=1)):
        data, _ = at_step(case.given, case.series, step)
        yield facts(data, ruleset.fields, start + step * case.interval)


def at_step(given: Data, series: Mapping[str, tuple[SeriesSample, ...]], step: int) -> tuple[Data, bool]:
    """Return the facts at a step of the series, and whether nothing could be read then."""
    data, is_stale = deepcopy(given), False
    gone = []
    for path, samples in series.items():
        text = samples[min(step, len(samples) - 1)].text
        if text == GONE:
            gone.append(path)
        elif text == STALE:
            is_stale = True
        else:
            set_path(data, path, None if text == MISSING else text)
    for path in gone:
        remove_gpu(data, path)
    return data, is_stale


__all__ = ["Cooldowns", "TimeStep", "at_step", "case_facts", "time_steps"]
