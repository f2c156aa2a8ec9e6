"""What a rule may do: the interface of every action, and the information passed to it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol, TypeAlias, TypeGuard

from gpurules.errors import GpurulesError
from gpurules.model import Dimension, GPUIndex, QuantityError, Transfer, parse_amount
from gpurules.strict_json import dumps

Parameters: TypeAlias = Mapping[str, object]
"""Parameters by name, checked against the action's schema, quantities in canonical units, defaults filled in."""

Schema: TypeAlias = Mapping[str, object]
"""A JSON Schema (draft 7)."""

Edge: TypeAlias = Literal["start", "change", "repeat", "stop"]
"""What an effect hears of its rule: it starts to match, matches other GPUs, still matches, or stops."""

ON: tuple[Edge, ...] = ("start", "change", "stop")
"""The edges that the parameter ``on`` of an effect may name."""


def notifications(on: Sequence[Edge], repeat_every: float | None = None) -> dict[str, object]:
    """Return the schemas of the parameters that choose what an effect hears, with its defaults.

    Units: *repeat_every* in seconds.
    """
    repeats = {} if repeat_every is None else {"default": repeat_every}
    return {
        "on": {
            "type": "array",
            "items": {"type": "string", "enum": list(ON)},
            "minItems": 1,
            "uniqueItems": True,
            "default": list(on),
            "examples": [["start", "change", "stop"]],
            "description": "Events to react to: the rule starts to match, the set of matching GPUs changes, the rule "
            "stops matching.",
        },
        "repeat_every": {
            "type": "number",
            "minimum": 1,
            "maximum": 7 * 86400,
            "x-dimension": "seconds",
            "examples": ["4h"],
            "description": "Interval at which to repeat the notification while the rule matches; by default never."
            if repeat_every is None
            else "Interval at which to repeat the notification while the rule matches.",
            **repeats,
        },
        "grouping": {
            "type": "string",
            "enum": ["node", "gpu"],
            "default": "node",
            "examples": ["gpu"],
            "description": "One notification for all matching GPUs, or one for each: a GPU that joins starts, and one "
            "that leaves stops.",
        },
    }


TRAFFIC = frozenset(
    {"pending_transfers", "pending_bytes", "gpu_pcie_rx", "gpu_pcie_tx", "gpu_nvlink_rx", "gpu_nvlink_tx"}
)
"""The fields that change by themselves when fewer bytes are admitted."""


class ActionError(GpurulesError):
    """A handler failed; the caller logs and counts it, and nothing else stops."""


class ActionKind(StrEnum):
    """A directive shapes the decision while its rule matches; an effect calls out when the rule starts or stops."""

    DIRECTIVE = "directive"
    EFFECT = "effect"


class Combines(StrEnum):
    """How the claims of several rules on one directive come together.

    LEAST, MOST and ANY look at the strongest claim alone; SUM adds them up; FIRST takes that of the weightiest rule, of
    equals the first. OWN is specific to the action. UNDECLARED: not specified, and the first is taken.
    """

    LEAST = "min"
    MOST = "max"
    SUM = "sum"
    ANY = "or"
    FIRST = "first"
    OWN = "own"
    UNDECLARED = "undeclared"


class Complaint(NamedTuple):
    """What is wrong with parameters that each fit the schema: at which one, the diagnostic code, and the message."""

    parameter: str
    code: str
    message: str


class Action(Protocol):
    """What every action has.

    ``schema`` is the JSON Schema of the parameters. A quantity in it is a number with an ``x-dimension``: the loader
    turns ``30s`` into 30 first. A text with ``"x-template": True`` has ``{field}`` placeholders.
    """

    @property
    def name(self) -> str:
        """The name that rules use."""
        ...

    @property
    def kind(self) -> ActionKind:
        """Whether it is a directive or an effect."""
        ...

    @property
    def summary(self) -> str:
        """One sentence that says what it does."""
        ...

    @property
    def schema(self) -> Schema:
        """The JSON Schema of its parameters."""
        ...

    def check(self, parameters: Parameters) -> Iterable[Complaint]:
        """Return what is wrong across *parameters* (GPR503, GPR505) or makes them do nothing (GPR506)."""
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """What one matching rule asks of a directive."""

    rule: str
    priority: int
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class CombineContext:
    """What claims are combined for.

    Units: ``timestamp`` in seconds since 1970, ``max_delay`` in seconds.
    """

    transfer: Transfer
    timestamp: float
    max_delay: float = 300.0
    max_priority: float = 100.0

    @property
    def age_seconds(self) -> float:
        """How old the transfer is: never negative, and 0 where it does not say when it was created."""
        created = self.transfer.created
        return 0.0 if created is None else max(0.0, self.timestamp - created)

    @property
    def patience_seconds(self) -> float:
        """How much longer the transfer may be put off, so that it is never put off for ever."""
        return max(0.0, self.max_delay - self.age_seconds)


class Directive(Action, Protocol):
    """An action that shapes the decision as long as its rule matches."""

    @property
    def target(self) -> str:
        """The attribute of the decision that it sets."""
        ...

    @property
    def neutral(self) -> object:
        """The value of the target when no rule claims it."""
        ...

    @property
    def excludes(self) -> frozenset[str]:
        """Names of the actions that order the opposite."""
        ...

    @property
    def combines(self) -> Combines:
        """How claims come together; a plug-in that does not say combines in a way of its own."""
        ...

    @property
    def works_on(self) -> frozenset[str]:
        """Names of the fields that it changes itself, so that a condition on them feeds back."""
        ...

    @property
    def is_static(self) -> bool:
        """Whether ``combine`` looks at the claims and settings alone, so that its result holds for every transfer."""
        ...

    def combine(self, claims: Sequence[Claim], situation: CombineContext) -> object:
        """Combine all *claims* (in order of matching) into one value. Pure."""
        ...


@dataclass(frozen=True, slots=True)
class Event:
    """A rule with an effect starts to match, matches other GPUs, still matches, or stops.

    ``values`` has those of the first GPU that matches, ``per_gpu`` those of each of ``devices``, in their order.
    ``allowed_programs`` are those that the agent's configuration lets rules run.

    ``devices`` are the GPUs that match now (at a stop: that matched last), ``joined`` and ``left`` those that a change
    brought and took. ``values`` has what placeholders may name: fields and signals, and ``rule``, ``devices`` and
    ``edge``; ``dimensions`` says what those that are numbers measure.
    Units: ``timestamp`` and ``started`` (when the rule started to match) in seconds since 1970.
    Missing: ``transfer`` is None where the rule matched for the node alone, ``device`` where the event is not for one
    GPU apart, ``started`` where that is not known.
    """

    edge: Edge
    rule: str
    timestamp: float
    parameters: Parameters
    devices: tuple[GPUIndex, ...] = ()
    transfer: Transfer | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    dimensions: Mapping[str, Dimension] = field(default_factory=dict, kw_only=True)
    annotations: Mapping[str, str] = field(default_factory=dict)
    joined: tuple[GPUIndex, ...] = field(default=(), kw_only=True)
    left: tuple[GPUIndex, ...] = field(default=(), kw_only=True)
    device: GPUIndex | None = field(default=None, kw_only=True)
    per_gpu: Mapping[str, tuple[object, ...]] = field(default_factory=dict, kw_only=True)
    allowed_programs: frozenset[str] = field(default=frozenset(), kw_only=True)
    started: float | None = field(default=None, kw_only=True)


class Effect(Action, Protocol):
    """An action that calls out. Its handlers run in a worker, never where rules are evaluated.

    An effect that hears changes or repeats may have a method ``change`` for both; without it they go to ``start``.
    """

    @property
    def on(self) -> frozenset[Edge]:
        """The edges that it answers unless its parameter ``on`` says otherwise."""
        ...

    def start(self, event: Event) -> None:
        """Do what is to be done when the rule starts to match.

        Raises:
            ActionError: it could not be done.
        """
        ...

    def stop(self, event: Event) -> None:
        """Do what is to be done when the rule stops matching.

        Raises:
            ActionError: it could not be done.
        """
        ...


def usual_value(directive: Directive, claims: Sequence[Claim]) -> tuple[object, float] | None:
    """Return the value that *claims* give every transfer with enough patience, and how much patience that is.

    A directive says so by a method ``usual(claims)``, which a plug-in may have too.
    Units: the patience in seconds.
    Missing: None where the value depends on more of the transfer, or the directive does not say.
    """
    usual = getattr(directive, "usual", None)
    return usual(claims) if callable(usual) else None


def is_directive(action: Action) -> TypeGuard[Directive]:
    """Return whether *action* shapes the decision."""
    return action.kind == ActionKind.DIRECTIVE


def is_effect(action: Action) -> TypeGuard[Effect]:
    """Return whether *action* calls out."""
    return action.kind == ActionKind.EFFECT


def edges(action: Effect, parameters: Parameters) -> frozenset[Edge]:
    """Return the edges that *action* answers with these *parameters*."""
    asked = parameters.get("on")
    if not isinstance(asked, list | tuple):
        return action.on
    return frozenset(edge for edge in ON if edge in asked)


def repeat_seconds(parameters: Parameters) -> float | None:
    """Return how often an effect with these *parameters* is repeated, None where it is not.

    An action without a schema has the quantity as it was written.
    """
    given = parameters.get("repeat_every")
    if isinstance(given, str):
        try:
            amount = parse_amount(given)
        except QuantityError:
            return None
        given = amount.value if amount.dimension in (Dimension.SECONDS, Dimension.NONE) else None
    if not isinstance(given, int | float) or isinstance(given, bool):
        return None
    return float(given) if given >= 1 else None


def is_per_gpu(parameters: Parameters) -> bool:
    """Return whether an effect with these *parameters* is called for each GPU apart."""
    return parameters.get("grouping") == "gpu"


def numbers(claims: Iterable[Claim], parameter: str) -> list[float]:
    """Return the value of a numeric *parameter* in each of *claims* that has one."""
    return [number for claim in claims if (number := numeric(claim.parameters, parameter)) is not None]


def numeric(parameters: Parameters, name: str) -> float | None:
    """Return a numeric parameter, None where it is absent."""
    value = parameters.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def only_parameter(name: str, schema: Schema) -> Schema:
    """Return the schema of parameters that are just *name*, which is required."""
    return {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}


def parameter_rows(action: Action) -> list[tuple[str, str, str, str]]:
    """Return name, type, default and description of each parameter."""
    properties = action.schema.get("properties", {})
    required = action.schema.get("required", ())
    assert isinstance(properties, Mapping) and isinstance(required, Sequence)
    rows = []
    for name, schema in properties.items():
        kind = schema.get("x-dimension") or " or ".join(map(str, schema.get("enum", ()))) or schema.get("type", "any")
        default = "required" if name in required else _default(schema.get("default", ""))
        rows.append((str(name), str(kind), default, str(schema.get("description", ""))))
    return rows


def _default(default: object) -> str:
    return default if isinstance(default, str) else dumps(default)
