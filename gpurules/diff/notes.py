"""What changed of a rule or a ruleset beside its conditions, in words."""

from collections.abc import Iterator, Mapping
from dataclasses import fields

from gpurules.actions.decision import RuleAction
from gpurules.model import Dimension, format_amount
from gpurules.model.units import SYMBOLS
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
                yield f"{before.name}: {key} {_parameter_change(before, key, first.get(key), second.get(key))}"


def _meant(ordered: RuleAction) -> dict[str, object]:
    """Return the parameters of an action with its defaults; an action may say which names mean the same."""
    canonical = getattr(ordered.action, "canonical", None)
    given = dict(ordered.parameters if canonical is None else canonical(ordered.parameters))
    return {name: s["default"] for name, s in _properties(ordered).items() if "default" in s} | given


def _properties(ordered: RuleAction) -> Mapping[str, Mapping[str, object]]:
    properties = ordered.action.schema.get("properties", {})
    assert isinstance(properties, Mapping)
    return properties


def _parameter_change(ordered: RuleAction, name: str, before: object, after: object) -> str:
    dimension = _properties(ordered).get(name, {}).get("x-dimension")
    return change(before, after, None if dimension is None else Dimension(str(dimension)))


def change(before: object, after: object, dimension: Dimension | None = None) -> str:
    """Return ``before → after``, with as many digits as it takes to distinguish the two; None is ``none``.

    >>> change(30, 45, Dimension.SECONDS), change(0.5, 0.501), change(30.001, 30.002, Dimension.SECONDS)
    ('30 s → 45 s', '0.5 → 0.501', '30.001 s → 30.002 s')
    """
    texts = ("", "")
    for digits in range(2, 17):
        texts = _shown(before, dimension, digits), _shown(after, dimension, digits)
        if texts[0] != texts[1]:
            return f"{texts[0]} → {texts[1]}"
    exact = [_exactly(value, dimension) for value in (before, after)]
    return f"{exact[0]} → {exact[1]}"


def _exactly(value: object, dimension: Dimension | None) -> str:
    symbol = SYMBOLS[dimension] if dimension is not None and isinstance(value, int | float) else ""
    return f"{value!r}{symbol}"


def _shown(value: object, dimension: Dimension | None, digits: int) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.{digits + 4}g}" if dimension is None else format_amount(value, dimension, digits)
    return _value(value)


def option_notes(old: Rule, new: Rule) -> Iterator[str]:
    """Yield what changed of the options of a rule that is in both rulesets."""
    for name in ("enabled", "mode", "stop", "gpus"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield f"{name} {change(before, after)}"
    if old.cooldown != new.cooldown:
        yield f"cooldown {change(old.cooldown, new.cooldown, Dimension.SECONDS)}"
    if old.per_gpu is not new.per_gpu:
        yield "lists the GPUs it matches on" if new.per_gpu else "no longer lists the GPUs it matches on"


def settings_notes(old: Ruleset, new: Ruleset) -> Iterator[str]:
    """Yield what changed in the settings, and in the table of file types."""
    for field in fields(Settings):
        before, after = getattr(old.settings, field.name), getattr(new.settings, field.name)
        if before != after:
            dimension = Dimension.SECONDS if field.name in _SECONDS else None
            yield f"settings.{field.name} {change(before, after, dimension)}"
    if old.file_types != new.file_types:
        before, after = dict(old.file_types), dict(new.file_types)
        for pattern in [*before, *(p for p in after if p not in before)]:
            if before.get(pattern) != after.get(pattern):
                yield f"file_types {pattern!r} {_value(before.get(pattern))} → {_value(after.get(pattern))}"
        if before == after:
            yield "file_types are in a different order"


def _listed(names: list[str]) -> str:
    return " and ".join(names) or _NOTHING


def _value(value: object) -> str:
    if value is None:
        return _NOTHING
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
