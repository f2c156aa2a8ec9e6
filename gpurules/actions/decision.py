"""What all matching rules together ask of the node, or of one transfer."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from gpurules.actions.action import Action, Claim, CombineContext, Directive, Parameters, is_directive
from gpurules.actions.explained import ExplainedDecision
from gpurules.actions.targets import (
    BANDWIDTH,
    CONCURRENCY,
    DELAY,
    NEUTRAL,
    PAUSED,
    PREFETCH,
    PRIORITY,
    STAGE,
    TARGETS,
    Stage,
    Target,
)
from gpurules.model import GPUIndex, Transfer, Workload


@dataclass(frozen=True, slots=True)
class RuleAction:
    """An action as one rule orders it: with its parameters."""

    action: Action
    parameters: Parameters

    @property
    def name(self) -> str:
        """The name of the action."""
        return self.action.name

    def to_dict(self) -> dict[str, object]:
        """Return the action as JSON-ready data."""
        return {"action": self.action.name, "parameters": dict(self.parameters)}


class Match(NamedTuple):
    """A rule that matched: its name, the GPUs on which its condition is TRUE, and what it orders."""

    rule: str
    devices: tuple[GPUIndex, ...]
    actions: tuple[RuleAction, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the match as JSON-ready data."""
        return {"rule": self.rule, "devices": list(self.devices), "actions": [a.to_dict() for a in self.actions]}


class RuleLike(Protocol):
    """What this module needs to know of a rule."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def priority(self) -> int:
        """Its priority."""
        ...

    @property
    def actions(self) -> tuple[RuleAction, ...]:
        """What it orders."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from one set of matching rules, for every transfer alike; shared by all decisions that match them.

    ``rules`` are in order of matching, with their positions in the ruleset; ``settled`` has the directives that look at
    no transfer, ``claims`` those that do.
    """

    rules: tuple[tuple[int, RuleLike], ...]
    settled: Mapping[str, object]
    claims: tuple[tuple[Directive, tuple[Claim, ...]], ...]
    names: tuple[str, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Have the names of the rules at hand."""
        object.__setattr__(self, "names", tuple([rule.name for _, rule in self.rules]))


class DirectiveLimits(Protocol):
    """The settings that bound directives."""

    @property
    def max_delay(self) -> float:
        """The longest time that a transfer may be put off, in seconds."""
        ...

    @property
    def max_priority(self) -> float:
        """The largest boost."""
        ...


def outcome_of(rules: Sequence[tuple[int, RuleLike]], limits: DirectiveLimits) -> Outcome:
    """Return what follows from *rules*, which match, in order."""
    claimed: dict[str, tuple[Directive, list[Claim]]] = {}
    for _, rule in rules:
        for ordered in rule.actions:
            if is_directive(ordered.action):
                _, claims = claimed.setdefault(ordered.action.name, (ordered.action, []))
                claims.append(Claim(rule.name, rule.priority, ordered.parameters))
    no_transfer = CombineContext(Transfer(), 0.0, limits.max_delay, limits.max_priority)
    settled = {
        directive.target: directive.combine(tuple(claims), no_transfer)
        for directive, claims in claimed.values()
        if directive.is_static
    }
    open_claims = tuple((d, tuple(claims)) for d, claims in claimed.values() if not d.is_static)
    return Outcome(tuple(rules), MappingProxyType(settled), open_claims)


class DecisionSource(Protocol):
    """The bound ruleset that a decision came from; it can still compute devices and reasons."""

    @property
    def limits(self) -> DirectiveLimits:
        """The settings that bound directives."""
        ...

    @property
    def version(self) -> str:
        """The content hash of the ruleset."""
        ...

    @property
    def source(self) -> str:
        """Who decided: ``engine``, or of an agent ``agent``, ``directives`` or ``fallback``."""
        ...

    @property
    def timestamp(self) -> float:
        """The time of the snapshot."""
        ...

    def devices(self, position: int, transfer: Transfer, workload: Workload) -> tuple[GPUIndex, ...]:
        """Return the GPUs on which the rule at *position* is TRUE."""
        ...

    def explain(self, transfer: Transfer, workload: Workload) -> ExplainedDecision:
        """Return why each rule did or did not match."""
        ...


class Basis:
    """What all decisions on one snapshot with the same matching rules share."""

    __slots__ = ("origin", "outcome", "stale")

    def __init__(self, outcome: Outcome, origin: DecisionSource, stale: bool) -> None:
        self.outcome = outcome
        self.origin = origin
        self.stale = stale


class Decision:
    """What the rules decided, for the node or for one transfer. Immutable; details are worked out when asked for.

    Units: ``delay`` in seconds, ``max_bandwidth`` in bytes/second, ``snapshot_time`` in seconds since 1970.
    Missing: ``stage``, ``max_bandwidth`` and ``max_concurrency`` are None where no rule claims them.
    """

    # made without a constructor, which would take longer than everything else: see decided() and docs/adr/0009
    __slots__ = ("_basis", "_transfer", "_workload")

    _basis: Basis
    _transfer: Transfer
    _workload: Workload

    @property
    def matched(self) -> tuple[Match, ...]:
        """The rules that matched, by priority, then by their order in the file."""
        origin, transfer, workload = self._basis.origin, self._transfer, self._workload
        return tuple(
            Match(rule.name, origin.devices(position, transfer, workload), rule.actions)
            for position, rule in self._basis.outcome.rules
        )

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of the rules that matched, in order; cheaper than ``matched``."""
        return self._basis.outcome.names

    @property
    def orders(self) -> tuple[tuple[str, RuleAction], ...]:
        """What each rule that matched orders, by its name, in order; cheaper than ``matched``."""
        return tuple((rule.name, ordered) for _, rule in self._basis.outcome.rules for ordered in rule.actions)

    @property
    def outcome(self) -> Outcome:
        """What follows for every transfer on which the same rules match; shared by their decisions."""
        return self._basis.outcome

    def value(self, target: str) -> object:
        """Return what is decided for *target*: one of ``actions.targets``, or one that a plug-in claims.

        Missing: the target's neutral value where no rule claims it; None of a target that is not known.
        """
        known = TARGETS.get(target)
        return self._claimed(target, None) if known is None else self._of(known)

    def _of(self, target: Target) -> Any:
        found = self._claimed(target.name, target)
        return target.neutral if found is target else target.read(found)

    def _claimed(self, name: str, unclaimed: object) -> object:
        """Return what claims on the target *name* are combined to; *unclaimed* where there are none."""
        outcome = self._basis.outcome
        if name in outcome.settled:
            return outcome.settled[name]
        for directive, claims in outcome.claims:
            if directive.target == name:
                return directive.combine(claims, self._situation())
        return unclaimed

    def _situation(self) -> CombineContext:
        limits = self._basis.origin.limits
        return CombineContext(self._transfer, self._basis.origin.timestamp, limits.max_delay, limits.max_priority)

    @property
    def prefetch_factor(self) -> float:
        """What is left of the prefetch: 1.0 all of it, 0.5 half, 0 none."""
        return self._of(PREFETCH)  # type: ignore[no-any-return]

    @property
    def delay(self) -> float:
        """How long the transfer is to wait; 0 when none."""
        return self._of(DELAY)  # type: ignore[no-any-return]

    @property
    def priority_boost(self) -> float:
        """What is added to the transfer's priority."""
        return self._of(PRIORITY)  # type: ignore[no-any-return]

    @property
    def stage(self) -> Stage | None:
        """Where the transfer is staged."""
        return self._of(STAGE)  # type: ignore[no-any-return]

    @property
    def max_bandwidth(self) -> float | None:
        """The bandwidth that the transfer may use."""
        return self._of(BANDWIDTH)  # type: ignore[no-any-return]

    @property
    def max_concurrency(self) -> int | None:
        """How many parts may move at once."""
        return self._of(CONCURRENCY)  # type: ignore[no-any-return]

    @property
    def paused(self) -> bool:
        """Whether the transfer is to pause."""
        return self._of(PAUSED)  # type: ignore[no-any-return]

    @property
    def directives(self) -> Mapping[str, object]:
        """Every target that some matching rule claims, third parties' too."""
        situation = self._situation()
        claimed = {d.target: d.combine(claims, situation) for d, claims in self._basis.outcome.claims}
        return MappingProxyType({**self._basis.outcome.settled, **claimed})

    @property
    def snapshot_time(self) -> float:
        """The timestamp of the snapshot that was decided on."""
        return self._basis.origin.timestamp

    @property
    def stale(self) -> bool:
        """Whether that snapshot was older than ``settings.stale_after`` when it was decided."""
        return self._basis.stale

    @property
    def ruleset_version(self) -> str:
        """The content hash of the ruleset."""
        return self._basis.origin.version

    @property
    def source(self) -> str:
        """Who decided: the ``engine`` of this process, or the ``agent`` of the node.

        While the agent does not answer its last ``directives`` for the node hold, and then nothing (``fallback``).
        """
        return self._basis.origin.source

    def prefetch(self, count: int, minimum: int = 0) -> int:
        """Return how much of a prefetch of *count* (parts, blocks, batches) is left, at least *minimum*."""
        return max(minimum, round(count * self.prefetch_factor))

    def explain(self) -> ExplainedDecision:
        """Return, for each rule, whether it matched and why, with every part of its condition per GPU.

        As a text it is what ``gpurules explain`` prints.
        """
        return self._basis.origin.explain(self._transfer, self._workload)

    def to_dict(self) -> dict[str, object]:
        """Return the decision as JSON-ready data."""
        said = {name: self.value(name) for name in TARGETS}
        data: dict[str, object] = {
            "matched": [match.to_dict() for match in self.matched],
            **{name: asdict(value) if isinstance(value, Stage) else value for name, value in said.items()},
            "snapshot_time": self.snapshot_time,
            "stale": self.stale,
            "ruleset_version": self.ruleset_version,
        }
        extra = {key: value for key, value in self.directives.items() if key not in data}
        return data | {"directives": extra} if extra else data

    def __eq__(self, other: object) -> bool:
        """Compare what was decided, not how."""
        return isinstance(other, Decision) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        """Hash the names of the matching rules."""
        return hash((self.rules, self.snapshot_time))

    def __repr__(self) -> str:
        """Show the rules that matched and what differs from neutral."""
        parts = [f"matched={list(self.rules)}"]
        parts += [f"{name}={value!r}" for name, usual in NEUTRAL.items() if (value := self.value(name)) != usual]
        parts += ["stale=True"] if self.stale else []
        return f"Decision({', '.join(parts)})"


def decision_of(basis: Basis, transfer: Transfer, workload: Workload) -> Decision:
    """Return the decision for *transfer* that has this *basis*."""
    decision = Decision()
    decision._basis, decision._transfer, decision._workload = basis, transfer, workload
    return decision
