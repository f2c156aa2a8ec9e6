"""Actions of third parties: by decorator, and by entry point."""

from collections.abc import Iterator

import pytest

from gpurules.actions import (
    ACTIONS,
    ActionKind,
    Claim,
    CombineContext,
    Event,
    default_actions,
    failed_plugins,
    registration,
)
from gpurules.actions.plugged import WANTS
from gpurules.actions.registration import action, forget
from gpurules.errors import RegistrationError
from gpurules.model import Transfer

NOW = CombineContext(Transfer(), timestamp=1000)


@pytest.fixture
def name() -> Iterator[str]:
    yield "park"
    forget("park")


def claims(*values: object) -> list[Claim]:
    return [Claim(f"r{i}", 0, {"value": value}) for i, value in enumerate(values)]


def test_a_decorated_effect_gets_the_event(name: str):
    seen: list[Event] = []

    @action(name, schema={"type": "object"}, on=("start", "stop"))
    def park(event: Event) -> None:
        """Parks the transfer."""
        seen.append(event)

    made = default_actions()[name]
    event = Event("start", "r", 1.0, {})
    made.start(event)
    assert seen == [event]
    assert (made.kind, made.summary, made.on) == (ActionKind.EFFECT, "Parks the transfer.", {"start", "stop"})


@pytest.mark.parametrize(
    ("combine", "values", "combined"),
    [
        ("min", (3, 1, 2), 1),
        ("max", (3, 1, 2), 3),
        ("sum", (3, 1, 2), 6),
        ("or", (False, True), True),
        ("or", (False,), False),
        ("first", ("b", "a"), "b"),
        (len, (1, None, 3), 2),
    ],
)
def test_a_decorated_directive_combines_by_its_policy(name: str, combine, values, combined):
    @action(name, kind="directive", combine=combine)
    def park(parameters):
        return parameters["value"]

    made = default_actions()[name]
    assert made.combine(claims(*values), NOW) == combined
    assert made.target == name


def test_a_directive_without_claims_is_neutral(name: str):
    @action(name, kind="directive", neutral="none", combine="max")
    def park(parameters):
        return parameters["value"]

    assert default_actions()[name].combine([], NOW) == "none"
    assert default_actions()[name].combine(claims(None), NOW) == "none"


def test_the_function_itself_stays_callable(name: str):
    @action(name, kind="directive")
    def park(parameters):
        return parameters["value"] + 1

    assert park({"value": 1}) == 2


def test_a_name_cannot_be_claimed_twice(name: str):
    action(name)(print)
    with pytest.raises(RegistrationError, match="two actions are named 'park'"):
        action(name)(print)


def test_a_built_in_name_cannot_be_claimed():
    with pytest.raises(RegistrationError, match="'log'"):
        action("log")(print)
    assert "log" in default_actions()


def test_a_decision_attribute_cannot_be_claimed(name: str):
    with pytest.raises(RegistrationError, match="'delay'"):
        action(name, kind="directive", target="delay")(print)


def test_a_policy_that_is_not_known_is_named(name: str):
    with pytest.raises(RegistrationError, match="'mean'"):
        action(name, kind="directive", combine="mean")(print)


def test_options_of_the_other_kind_are_refused(name: str):
    with pytest.raises(RegistrationError, match="'combine'"):
        action(name, kind="effect", combine="min")(print)


class Good:
    name = "good"
    kind = ActionKind.EFFECT
    summary = "Does good."
    schema = {"type": "object"}  # noqa: RUF012
    on = frozenset({"start"})

    def check(self, parameters):
        return ()

    def start(self, event):
        pass

    def stop(self, event):
        pass


class Taken(Good):
    name = "log"


class Failing:
    def __init__(self) -> None:
        raise ValueError("no license")


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    loaded = {"good": Good, "instance": Taken(), "failing": Failing, "number": 5}
    monkeypatch.setattr("gpurules.plugins.load_plugins", lambda group: (loaded, {"gone": "ImportError: no module"}))
    registration.plugin_actions.cache_clear()
    yield
    registration.plugin_actions.cache_clear()


@pytest.mark.usefixtures("offered")
def test_a_failing_plugin_is_named_and_the_rest_goes_on():
    assert default_actions().names == (*ACTIONS.names, "good")
    assert failed_plugins() == {
        "gone": "cannot be imported: ImportError: no module",
        "failing": "cannot be used: its constructor raised ValueError: no license",
        "instance": "claims the name 'log', which is taken",
        "number": WANTS,
    }
