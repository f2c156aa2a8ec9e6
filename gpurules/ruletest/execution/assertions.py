"""Checks a decision against what a test expects, and renders how the test would have to read instead."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from gpurules.actions import is_directive
from gpurules.actions.decision import Decision
from gpurules.actions.explained import ExplainedRule
from gpurules.diagnostics import Location
from gpurules.errors import GpurulesError
from gpurules.model import QuantityError, parse_amount
from gpurules.registry import did_you_mean
from gpurules.rules import Ruleset
from gpurules.rules.yaml import plain_value
from gpurules.ruletest.case import Case, Expectation
from gpurules.ruletest.coverage.coverage import Coverage
from gpurules.ruletest.execution.execution import TimeStep, time_steps
from gpurules.ruletest.reading.fact_types import wrong_facts
from gpurules.strict_json import dumps


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The text that a test file would need from offset ``start`` to ``end`` for it to pass."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Failure:
    """One expectation that was not met.

    Missing: ``explained`` is None where it is not about one rule; ``wanted``, what should have become of that, is None
    where no change of its facts alone would do; ``rewrites`` is empty where ``--update`` can do nothing.
    """

    location: Location
    expected: str
    got: str
    explained: ExplainedRule | None = None
    rewrites: tuple[Rewrite, ...] = ()
    wanted: str | None = None

    @cached_property
    def nearest(self) -> str | None:
        """The smallest change of facts that would meet the expectation, for people; looked for when first asked."""
        found = self.explained.nearest_with(self.wanted) if self.explained and self.wanted else None
        return None if found is None else f"Nearest: {found}."

    def __getstate__(self) -> dict[str, object]:
        """Give what another process needs: what follows from the facts, which stay here."""
        return {**self.__dict__, "nearest": self.nearest}


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The result of one test. Units: ``seconds`` that it took."""

    name: str
    location: Location
    failures: tuple[Failure, ...]
    seconds: float = 0.0
    note: str = ""


def check_case(case: Case, ruleset: Ruleset, coverage: Coverage, checks_facts: bool = True) -> CaseResult:
    """Run *case* on *ruleset*; *coverage* counts what was exercised.

    Its facts are checked against the fields, unless *checks_facts* says that they are known to be valid.
    """
    wrong = tuple(wrong_facts(case.typed, ruleset.fields)) if checks_facts else ()
    if wrong:
        invalid = (Failure(at, "valid facts", f"{problem}") for at, problem in wrong)
        return CaseResult(case.name, case.location, tuple(invalid))
    try:
        played = list(time_steps(case, ruleset))
    except GpurulesError as error:
        return CaseResult(case.name, case.location, (Failure(case.location, "valid facts", str(error)),))
    failures: list[Failure] = []
    for expectation in case.expect:
        time_step = _at(played, expectation.at, case.interval)
        if time_step is None:
            got = f"the series begins at 0 s and ends at {played[-1].at:g} s"
            failures.append(Failure(expectation.location, f"a sample at {expectation.at:g} s", got))
            continue
        failures += _held_against(expectation, time_step, coverage)
    return CaseResult(case.name, case.location, tuple(failures))


def _at(played: list[TimeStep], at: float | None, interval: float) -> TimeStep | None:
    """Return the last step not after *at*; None: the last of all."""
    if at is None:
        return played[-1]
    past = [time_step for time_step in played if time_step.at <= at + 1e-9]
    return past[-1] if past and at < played[-1].at + interval else None


def _held_against(expectation: Expectation, time_step: TimeStep, coverage: Coverage) -> Iterator[Failure]:
    explained, place, written = time_step.explanation, expectation.location, expectation.written
    if expectation.rule is not None:
        rule = explained.rule(expectation.rule)
        coverage.add(rule)
        yield from _rule_failures(expectation, rule)
    if expectation.matched is not None:
        for rule in explained.rules:
            coverage.add(rule)
        got = time_step.decision.rules
        if got != expectation.matched:
            rewrites = _rewrites(written, {"matched": _in_brackets(got)})
            odd = next(
                (rule for rule in explained.rules if (rule.rule in got) != (rule.rule in expectation.matched)), None
            )
            wanted = None if odd is None else "no-match" if odd.rule in got else "match"
            yield Failure(place, f"matched: {_names(expectation.matched)}", _names(got), odd, rewrites, wanted)
    yield from _decision_failures(expectation, time_step)


def _decision_failures(expectation: Expectation, time_step: TimeStep) -> Iterator[Failure]:
    decided, place = _decided(time_step.decision), expectation.location
    for key, wanted in (expectation.decision or {}).items():
        if key not in decided:
            hint = did_you_mean(key, decided) or f"it has {', '.join(decided)}"
            yield Failure(place, f"decision.{key}", f"a decision has no {key!r}; {hint}")
        elif not _fits(wanted, decided[key]):
            got = _spelled(decided[key], str(wanted))
            rewrites = _rewrites(expectation.written, {f"decision.{key}": got})
            known = _behind(key, expectation, time_step)
            meant = "match" if known is not None and known.outcome not in ("match", "suppressed") else None
            yield Failure(
                place, f"decision.{key}: {_shown(wanted)}", got or _shown(decided[key]), known, rewrites, meant
            )


def _behind(key: str, expectation: Expectation, time_step: TimeStep) -> ExplainedRule | None:
    """Return the rule that the expectation names, else the first that decided on *key*, else the one that could."""
    explained = time_step.explanation
    if expectation.rule:
        return explained.rule(expectation.rule)
    able = [
        rule.name
        for rule in time_step.rules
        if any(is_directive(o.action) and o.action.target == key for o in rule.actions)
    ]
    deciding = [name for name in able if name in time_step.decision.rules]
    chosen = deciding[:1] or (able if len(able) == 1 else [])
    return explained.rule(chosen[0]) if chosen else None


def _rule_failures(expectation: Expectation, rule: ExplainedRule) -> Iterator[Failure]:
    got = rule.outcome + (f" because: {rule.because}" if rule.because else "")
    wanted, written = expectation.outcome, expectation.written
    meant = None if wanted == "suppressed" or expectation.because else wanted
    if expectation.because is not None:
        wanted = f"{wanted or 'suppressed'} because: {expectation.because}"
        if wanted != got:  # a reason that is none any more would have to go, and that is left to people
            rewritten = {"outcome": rule.outcome, "because": rule.because or ""} if rule.because else {}
            yield Failure(expectation.location, wanted, got, rule, _rewrites(written, rewritten))
    elif wanted is not None and wanted != rule.outcome:
        rewrites = _rewrites(written, {"outcome": rule.outcome})
        yield Failure(expectation.location, wanted, got, rule, rewrites, meant)
    devices = tuple(map(str, rule.devices))
    if expectation.devices is not None and expectation.devices != devices:
        expected, rewritten = f"devices: {_names(expectation.devices)}", {"devices": _in_brackets(devices)}
        meant = "match" if not devices else "no-match" if not expectation.devices else None
        yield Failure(
            expectation.location, expected, f"devices: {_names(devices)}", rule, _rewrites(written, rewritten), meant
        )


def _rewrites(written: Mapping[str, tuple[int, int]], rewritten: Mapping[str, str | None]) -> tuple[Rewrite, ...]:
    return tuple(Rewrite(*written[key], text) for key, text in rewritten.items() if key in written and text is not None)


_PLAIN = re.compile(r"[A-Za-z_/][\w./-]*")


def _in_brackets(names: Iterable[str]) -> str:
    return f"[{', '.join(name if name.isdigit() else _quoted(name) for name in names)}]"


def _quoted(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and isinstance(plain_value(text), str)
    return text if is_plain else dumps(text)


def _spelled(value: object, before: str) -> str | None:
    """Return *value* as it is written in a test, a duration in seconds where *before* was one; None: in no one word."""
    match value:
        case None | bool():
            return _shown(value)
        case int() | float():
            return f"{value:.12g}{'s' if re.fullmatch(r'[0-9.]+s', before) else ''}"
        case str():
            return _quoted(value)
        case _:
            return None


def _shown(value: object) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else f"{value}"


def _names(names: Iterable[object]) -> str:
    return ", ".join(map(str, names)) or "none"


def _decided(decision: Decision) -> dict[str, object]:
    """Return everything that a decision says, by its key."""
    data = decision.to_dict()
    directives = data.get("directives")
    return {**(directives if isinstance(directives, Mapping) else {}), **data}


def _fits(wanted: object, got: object) -> bool:
    """Return whether *got* is what was written: mappings in part, numbers nearly, units understood."""
    if isinstance(wanted, Mapping):
        return isinstance(got, Mapping) and all(_fits(value, got.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(got, list | tuple) and len(got) == len(wanted) and all(map(_fits, wanted, got))
    if isinstance(got, bool) or got is None:
        return (plain_value(str(wanted)) if wanted is not None else None) == got
    if isinstance(got, int | float):
        text = str(wanted)
        try:
            amount = parse_amount(text.removeprefix("-")).value
        except QuantityError:
            return False
        return math.isclose(-amount if text.startswith("-") else amount, got, rel_tol=1e-9, abs_tol=1e-9)
    return str(wanted) == str(got)
