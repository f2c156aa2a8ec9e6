"""Makes actions from functions, and keeps the set that ``load`` uses when it is given none."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, TypeAlias, TypedDict, TypeVar, Unpack

from gpurules.actions.action import (
    Action,
    ActionError,
    ActionKind,
    Claim,
    CombineContext,
    Combines,
    Complaint,
    Edge,
    Event,
    Parameters,
    Schema,
    is_directive,
)
from gpurules.actions.built_in import ACTIONS
from gpurules.actions.plugged import WANTS, PluggedAction, is_whole
from gpurules.errors import RegistrationError
from gpurules.plugins import contain, usable_plugins

CombinePolicy: TypeAlias = Literal["min", "max", "sum", "or", "first"] | Callable[[Sequence[object]], object]
Function = TypeVar("Function", bound=Callable[..., object])

ANY_PARAMETERS: Schema = {"type": "object"}
"""The schema of an action that declares none: anything goes."""


class ActionOptions(TypedDict, total=False):
    """The less usual options of :func:`action`."""

    combine: CombinePolicy
    target: str
    neutral: object
    excludes: Iterable[str]
    works_on: Iterable[str]
    on: Iterable[Edge]
    summary: str


@dataclass(frozen=True, slots=True)
class FunctionDirective:
    """A directive from a function of the parameters to a value; the values combine by a policy."""

    name: str
    summary: str
    schema: Schema
    function: Callable[[Parameters], object]
    policy: Callable[[Sequence[object]], object]
    target: str
    neutral: object = None
    excludes: frozenset[str] = frozenset()
    combines: Combines = Combines.OWN
    works_on: frozenset[str] = frozenset()
    kind: ActionKind = field(default=ActionKind.DIRECTIVE, init=False)
    is_static: bool = field(default=True, init=False)

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Find nothing: the schema says it all."""
        return ()

    def combine(self, claims: Sequence[Claim], situation: CombineContext) -> object:
        """Return what the policy makes of the claims' values, in order of matching."""
        claimed = contain(self.function, f"the action {self.name!r}", ActionError)
        values = [value for claim in claims if (value := claimed(claim.parameters)) is not None]
        combined = contain(self.policy, f"the way in which {self.name!r} combines", ActionError)
        return combined(values) if values else self.neutral


@dataclass(frozen=True, slots=True)
class FunctionEffect:
    """An effect from a function of the event."""

    name: str
    summary: str
    schema: Schema
    function: Callable[[Event], object]
    on: frozenset[Edge] = frozenset({"start"})
    excludes: frozenset[str] = frozenset()
    works_on: frozenset[str] = frozenset()
    kind: ActionKind = field(default=ActionKind.EFFECT, init=False)

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Find nothing: the schema says it all."""
        return ()

    def start(self, event: Event) -> None:
        """Call the function."""
        self.function(event)

    def stop(self, event: Event) -> None:
        """Call the function."""
        self.function(event)


FunctionAction: TypeAlias = FunctionDirective | FunctionEffect

_DECORATED: dict[str, FunctionAction] = {}


def action(
    name: str,
    *,
    kind: Literal["effect", "directive"] = "effect",
    schema: Schema | None = None,
    **options: Unpack[ActionOptions],
) -> Callable[[Function], Function]:
    """Make an action of the decorated function, and let rules use it by *name*.

    The function of an effect takes an :class:`Event`. The function of a directive takes the parameters and returns its
    claim; the claims of all matching rules come together by ``combine`` (``min max sum or first``, or a function of
    the list of claims) in ``decision.directives[name]``. The linter finds conflicts by ``excludes``, the names of the
    actions that order the opposite, and feedback by ``works_on``, the names of the fields that the action changes.

    Raises:
        RegistrationError: the name is taken, or the options do not fit the kind.

    >>> @action("park", kind="directive", combine="max", schema={"type": "object"})
    ... def park(parameters):
    ...     return parameters.get("minutes", 5)
    >>> forget("park")
    """
    if name in _DECORATED or name in ACTIONS:
        raise RegistrationError(f"two actions are named {name!r}; rename one of them")
    own = {"on"} if kind == "effect" else {"combine", "target", "neutral"}
    strange = sorted(set(options) - own - {"summary", "excludes", "works_on"})
    if strange:
        raise RegistrationError(f"action {name!r} is of kind {kind!r}, which has no option {strange[0]!r}")

    def register(function: Function) -> Function:
        doc = (function.__doc__ or "").strip().partition("\n")[0]
        summary = options.get("summary") or doc or f"Runs {function.__name__}."
        made = _directive if kind == "directive" else _effect
        _DECORATED[name] = made(FunctionSource(name, summary, schema or ANY_PARAMETERS, function), options)
        return function

    return register


@dataclass(frozen=True, slots=True)
class FunctionSource:
    """What both kinds of decorated actions are made from."""

    name: str
    summary: str
    schema: Schema
    function: Callable[..., object]


def _effect(source: FunctionSource, options: ActionOptions) -> FunctionEffect:
    on = frozenset(options.get("on", ("start",)))
    return FunctionEffect(
        source.name,
        source.summary,
        source.schema,
        source.function,
        on,
        frozenset(options.get("excludes", ())),
        frozenset(options.get("works_on", ())),
    )


def _directive(source: FunctionSource, options: ActionOptions) -> FunctionDirective:
    given = options.get("combine")
    chosen = given or "first"
    if isinstance(chosen, str) and chosen not in _POLICIES:
        known = ", ".join(_POLICIES)
        raise RegistrationError(
            f"action {source.name!r} has the combination {chosen!r}; it must be {known}, or a function"
        )
    target = options.get("target", source.name)
    if any(is_directive(built_in) and target == built_in.target for built_in in ACTIONS):
        raise RegistrationError(f"action {source.name!r} targets {target!r}, which a built-in action sets; remove it")
    return FunctionDirective(
        source.name,
        source.summary,
        source.schema,
        source.function,
        _POLICIES[chosen] if isinstance(chosen, str) else chosen,
        target,
        options.get("neutral"),
        frozenset(options.get("excludes", ())),
        Combines.UNDECLARED if given is None else Combines(given) if isinstance(given, str) else Combines.OWN,
        frozenset(options.get("works_on", ())),
    )


def _numeric(values: Sequence[object]) -> list[float]:
    return [value for value in values if isinstance(value, int | float)]


_POLICIES: dict[str, Callable[[Sequence[object]], object]] = {
    "min": lambda values: min(_numeric(values), default=None),
    "max": lambda values: max(_numeric(values), default=None),
    "sum": lambda values: math.fsum(_numeric(values)),
    "or": any,
    "first": lambda values: values[0],
}


def forget(name: str) -> None:
    """Take a decorated action out of the default set again."""
    _DECORATED.pop(name, None)


def decorated_actions() -> tuple[FunctionAction, ...]:
    """Return every action that was made by the decorator."""
    return tuple(_DECORATED.values())


@cache
def plugin_actions() -> tuple[tuple[Action, ...], tuple[tuple[str, str], ...]]:
    """Return the actions of installed distributions, and why others cannot be used, by the name of the entry point."""
    usable, reasons = usable_plugins("gpurules.actions", PluggedAction, is_whole, WANTS, ACTIONS.names)
    return tuple(usable), tuple(reasons.items())
