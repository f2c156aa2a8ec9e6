"""A ruleset as the back ends for compiled languages take it: conditions, and what each rule claims of the decision."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePath

from gpurules.actions import is_directive
from gpurules.actions.action import Parameters, numeric
from gpurules.actions.decision import RuleAction
from gpurules.backends.backend import UnsupportedError
from gpurules.backends.native import NativeClaim, NativeProgram, NativeRule, StateSchema, schema_of
from gpurules.backends.python import RuleTerm
from gpurules.diagnostics import Span
from gpurules.rules.rule import Rule
from gpurules.rules.ruleset import Ruleset
from gpurules.strict_json import dumps


@dataclass(frozen=True, slots=True)
class TargetRefusal:
    """A rule that a target cannot say, and why; ``span`` is where in its condition."""

    rule: Rule
    message: str
    span: Span | None = None


def _number(parameters: Parameters, *names: str) -> int | float:
    """Return the first of *names* that is a number, 0 where none is.

    Raises:
        UnsupportedError: it is an integer that no double holds.
    """
    value = next((found for name in names if (found := numeric(parameters, name)) is not None), 0)
    if float(value) != value:
        raise UnsupportedError(f"{value} is not exactly a double, which a compiled decision holds")
    return value


def _delay(parameters: Parameters) -> NativeClaim:
    jitter = numeric(parameters, "jitter") or 0
    return NativeClaim("delay", _number(parameters, "delay", "delay_seconds"), jitter=float(jitter))


def _stage(parameters: Parameters) -> NativeClaim:
    area, on_full = parameters.get("staging_area"), parameters.get("on_full")
    return NativeClaim(
        "stage",
        _number(parameters, "staging_threshold"),
        area=area if isinstance(area, str) else None,
        on_full=on_full if isinstance(on_full, str) else "direct",
    )


_CLAIMS: dict[str, Callable[[Parameters], NativeClaim]] = {
    "reduce_prefetch": lambda p: NativeClaim("prefetch_factor", _number(p, "reduction_factor")),
    "delay_transfer": _delay,
    "increase_priority": lambda p: NativeClaim("priority_boost", _number(p, "priority_boost")),
    "stage_transfer": _stage,
    "limit_bandwidth": lambda p: NativeClaim("max_bandwidth", _number(p, "max_bandwidth")),
    "limit_concurrency": lambda p: NativeClaim("max_concurrency", _number(p, "max_concurrency")),
    "pause_transfer": lambda _: NativeClaim("paused"),
}
"""What each built-in directive claims."""


def _claims(actions: tuple[RuleAction, ...]) -> Iterator[NativeClaim]:
    for ordered in actions:
        if not is_directive(ordered.action):
            continue  # effects are the agent's business
        make = _CLAIMS.get(ordered.name)
        if make is None:
            raise UnsupportedError(
                f"the action {ordered.name!r} is a plug-in, which a compiled client cannot call; "
                "leave the rule to the agent (--partial)"
            )
        yield make(ordered.parameters)


def native_rule(rule: Rule, ruleset: Ruleset) -> NativeRule:
    """Return *rule* as compiled languages take it.

    Raises:
        UnsupportedError: no compiled client can carry out what it orders.
    """
    place = f"{PurePath(rule.path or ruleset.path or ruleset.name).name}:{rule.line}"
    return NativeRule(
        name=rule.name,
        place=place,
        text=rule.text,
        term=RuleTerm(rule.term, rule.per_gpu, rule.gpus == "workload", rule.name),
        priority=rule.priority,
        stop=rule.stop,
        claims=tuple(_claims(rule.actions)),
        actions=dumps([action.to_dict() for action in rule.actions]),
    )


def native_schema(ruleset: Ruleset) -> StateSchema:
    """Return the columns of the state that the rules in force read: those that agents publish, whatever is built."""
    in_force = [rule for rule in ruleset.rules if rule.enabled and not rule.is_shadow]
    terms = [RuleTerm(rule.term, rule.per_gpu, rule.gpus == "workload", rule.name) for rule in in_force]
    return schema_of(part for term in terms for part in term.parts)


def native_program(
    ruleset: Ruleset, check: Callable[[NativeProgram], object]
) -> tuple[NativeProgram, tuple[TargetRefusal, ...]]:
    """Return *ruleset* without the rules that the target cannot say, and those, with the reason.

    Rules that are disabled or in shadow mode decide nothing, and are left out too. *check* emits a program for the
    target, and raises UnsupportedError where it cannot say it; it is called with one rule at a time.
    """
    kept: list[NativeRule] = []
    refused: list[TargetRefusal] = []
    for rule in ruleset.rules:
        if not rule.enabled or rule.is_shadow:
            continue
        try:
            made = native_rule(rule, ruleset)
            check(_program(ruleset, (made,)))
            kept.append(made)
        except UnsupportedError as error:
            refused.append(TargetRefusal(rule, str(error), error.span))
    return _program(ruleset, tuple(kept), tuple((r.rule.name, r.message) for r in refused)), tuple(refused)


def _program(
    ruleset: Ruleset, rules: tuple[NativeRule, ...], left_out: tuple[tuple[str, str], ...] = ()
) -> NativeProgram:
    settings = ruleset.settings
    return NativeProgram(
        ruleset.name,
        ruleset.version,
        rules,
        ruleset.file_types,
        settings.max_delay,
        settings.max_priority,
        settings.timezone,
        left_out,
    )
