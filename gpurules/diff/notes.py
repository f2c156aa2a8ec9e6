"""What changed of a rule or a ruleset beside its conditions, in words."""

from collections.abc import Iterator, Mapping
from dataclasses import fields

from gpurules.actions.decision import RuleAction
from gpurules.model import Dimension, format_amount
from gpurules.rules import Rule, Ruleset
from gpurules.rules.rule import Settings

_NOTHING = "none"
_SECONDS = frozenset({"poll_interval", "stale_after", "forget_gpu_after", "max_delay"})


def action_notes(old: Rule, new: Rule) -> Iterator[str]:
    """Yield what changed of the actions of a rule: by what they mean, with the defaults of what is left out."""
    names = [[action.name for action in rule.actions] for rule in (old, new)]
    if names[0] != names[1]:
        yield f"action {_listed(names[0])} → {_listed(names[1])}"
        return
    for before, after in zip(old.actions, new.actions, strict=True):
        first, second = _meant(before), _meant(after)
        for key in [*first, *(k for k in second if k not in first)]:
            if first.get(key) != second.get(key):
                shown = [_parameter(before, key, values.get(key)) for values in (first, second)]
                yield f"{before.name}: {key} {shown[0]} → {shown[1]}"


def _meant(ordered: RuleAction) -> dict[str, object]:
    """Return the parameters of an action with its defaults; an action may say which names mean the same."""
    canonical = getattr(ordered.action, "canonical", None)
    given = dict(ordered.parameters if canonical is None else canonical(ordered.parameters))
    return {name: s["default"] for name, s in _properties(ordered).items() if "default" in s} | given


def _properties(ordered: RuleAction) -> Mapping[str, Mapping[str, object]]:
    properties = ordered.action.schema.get("properties", {})
    assert isinstance(properties, Mapping)
    return properties


def _parameter(ordered: RuleAction, name: str, value: object) -> str:
    schema = _properties(ordered).get(name, {})
    if "x-dimension" in schema and isinstance(value, int | float) and not isinstance(value, bool):
        return format_amount(value, Dimension(str(schema["x-dimension"])))
    return _value(value)


def option_notes(old: Rule, new: Rule) -> Iterator[str]:
    """Yield what changed of the options of a rule that is in both rulesets."""
    for name in ("enabled", "mode", "stop", "gpus"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield f"{name} {_value(before)} → {_value(after)}"
    if old.cooldown != new.cooldown:
        shown = [_NOTHING if v is None else format_amount(v, Dimension.SECONDS) for v in (old.cooldown, new.cooldown)]
        yield f"cooldown {shown[0]} → {shown[1]}"
    if old.per_gpu is not new.per_gpu:
        yield "lists the GPUs it matches on" if new.per_gpu else "no longer lists the GPUs it matches on"


def settings_notes(old: Ruleset, new: Ruleset) -> Iterator[str]:
    """Yield what changed of the settings, and of the table that tells file types."""
    for field in fields(Settings):
        before, after = getattr(old.settings, field.name), getattr(new.settings, field.name)
        if before != after:
            shown = [
                _value(v) if field.name not in _SECONDS else format_amount(v, Dimension.SECONDS)
                for v in (before, after)
            ]
            yield f"settings.{field.name} {shown[0]} → {shown[1]}"
    if old.file_types != new.file_types:
        before, after = dict(old.file_types), dict(new.file_types)
        for pattern in [*before, *(p for p in after if p not in before)]:
            if before.get(pattern) != after.get(pattern):
                yield f"file_types {pattern!r} {_value(before.get(pattern))} → {_value(after.get(pattern))}"
        if before == after:
            yield "file_types are in another order"


def _listed(names: list[str]) -> str:
    return " and ".join(names) or _NOTHING


def _value(value: object) -> str:
    if value is None:
        return _NOTHING
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
