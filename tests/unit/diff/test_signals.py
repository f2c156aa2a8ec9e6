"""Signals of two rulesets: what is proved of them, and of the rules that read them."""

import pytest

from gpurules.diff import ChangeKind, RuleChange, compare
from gpurules.diff.signals import SignalUniverse
from gpurules.rules import Ruleset, loads


def ruleset(signal: str, settings: str = "", rule: str = "hot") -> Ruleset:
    return loads(f"""
version: 1
name: x
settings: {{{settings}}}
signals: {{hot: {{{signal}}}}}
rules: [{{name: a, condition: {rule}, action: pause_transfer}}]
""")


def relation(old: str, new: str, settings: tuple[str, str] = ("", "")) -> tuple[bool, bool]:
    """Return whether the new signal is proved to be on wherever the old is, and the other way round."""
    first, second = ruleset(old, settings[0]), ruleset(new, settings[1])
    found = SignalUniverse(first.signals, second.signals, (first.settings, second.settings)).relation("hot")
    assert found is not None
    return found.forward, found.backward


HOT = "condition: gpu_temperature > 85, until: gpu_temperature < 75, for: 30s, keep_for: 1m"


@pytest.mark.parametrize(
    ("new", "proved"),
    [
        (HOT, (True, True)),
        (HOT.replace("> 85", "> 85C"), (True, True)),
        (HOT.replace("until: gpu_temperature < 75", "until: NOT gpu_temperature >= 75"), (True, True)),
        (HOT.replace("> 85", "> 80"), (True, False)),
        (HOT.replace("> 85", "> 90"), (False, True)),
        (HOT.replace("< 75", "< 70"), (True, False)),
        (HOT.replace("for: 30s", "for: 10s"), (True, False)),
        (HOT.replace("keep_for: 1m", "keep_for: 10s"), (False, True)),
        (HOT.replace("> 85", "> 80").replace("for: 30s", "for: 60s"), (False, False)),
        ("condition: gpu_power > 3", (False, False)),
    ],
)
def test_starts_ends_and_timers_decide(new: str, proved: tuple[bool, bool]) -> None:
    assert relation(HOT, new) == proved


def test_how_long_a_signal_outlives_its_telemetry_is_part_of_it() -> None:
    assert relation(HOT, HOT, ("", "stale_after: 1m")) == (False, False)


def test_an_end_that_reads_another_field_may_be_unknown_where_the_old_is_not() -> None:
    assert relation(
        HOT, HOT.replace("until: gpu_temperature < 75", "until: gpu_temperature < 75 AND gpu_power < 9")
    ) == (
        False,
        False,
    )


def change(old: Ruleset, new: Ruleset) -> RuleChange:
    return compare(old, new).changes[0]


def test_a_rule_follows_its_signal() -> None:
    found = change(ruleset(HOT), ruleset(HOT.replace("> 85", "> 80")))
    assert (found.kinds, found.lost) == ((ChangeKind.LOOSER,), None)
    assert str(found.gained).endswith("hot (new) on, hot (old) off")
    assert found.notes == ("signal hot: condition gpu_temperature > 85 → gpu_temperature > 80",)


def test_a_rule_that_denies_its_signal_goes_the_other_way() -> None:
    old, new = (ruleset(text, rule="NOT hot") for text in (HOT, HOT.replace("> 85", "> 80")))
    assert change(old, new).kinds == (ChangeKind.STRICTER,)


def test_a_signal_of_signals_is_followed() -> None:
    def nested(limit: int) -> Ruleset:
        return loads(f"""
version: 1
name: x
signals:
  both: {{condition: hot AND gpu_memory > 50}}
  hot: {{condition: gpu_temperature > {limit}}}
rules: [{{name: a, condition: both, action: pause_transfer}}]
""")

    found = change(nested(85), nested(80))
    assert found.kinds == (ChangeKind.LOOSER,)


def test_timers_of_a_rule_are_those_of_its_signal() -> None:
    rule = "{{name: a, condition: gpu_power > 300, for: {}, action: pause_transfer}}"
    old, new = (loads(f"version: 1\nname: x\nrules: [{rule.format(t)}]\n") for t in ("30s", "1m"))
    found = change(old, new)
    assert found.kinds == (ChangeKind.STRICTER,)
    assert found.notes == ("its signal: for 30 s → 1 m",)
    assert str(found.lost) == "gpu_power 301 W, timer of a (new) off, timer of a (old) on"
