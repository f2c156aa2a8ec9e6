"""Signals of two rulesets, distinguished where they differ, and implications between them.

A signal that starts wherever another one starts, and ends only where that ends, is on wherever the other is on, from
the first snapshot on: that is proved by induction over the snapshots, and given to the prover as a claim.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gpurules.language.terms import ir
from gpurules.language.terms.lowering import rebuilt
from gpurules.proofs import ExpectedTruth, Prover, ScopedCondition, SignalLike, TruthClaim, Unsat
from gpurules.rules.rule import Settings, Signal


class Side(StrEnum):
    """Which of the two rulesets something belongs to."""

    OLD = "old"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Relation:
    """What is proved: ``forward``: the new signal is on wherever the old is; ``backward``: the other way round."""

    forward: bool
    backward: bool

    @property
    def is_same(self) -> bool:
        """Whether both are always on together."""
        return self.forward and self.backward


@dataclass
class SignalUniverse:
    """The signals of two rulesets in one universe; where two of one name differ, each bears the side in its name."""

    old: Mapping[str, Signal]
    new: Mapping[str, Signal]
    settings: tuple[Settings, Settings]
    named: dict[str, SignalLike] = field(default_factory=dict)
    _relations: dict[str, Relation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Relate all signals, those that others use first."""
        for name in [*self.old, *self.new]:
            self._relate(name)

    def relation(self, name: str) -> Relation | None:
        """Return what is proved of the two signals called *name*, None where only one ruleset has one."""
        return self._relations.get(name)

    def rename(self, term: ir.Term, side: Side) -> ir.Term:
        """Return *term* of one ruleset with its signals called as they are in this universe."""
        if isinstance(term, ir.Signal):
            return replace(term, name=self.name(term.name, side))
        return rebuilt(term, lambda part: self.rename(part, side)) if ir.children(term) else term

    def name(self, name: str, side: Side) -> str:
        """Return how a signal of one ruleset is called in this universe."""
        relation = self._relations.get(name)
        if relation is None or relation.is_same:
            return name
        rule = self.old[name].rule
        return f"{name if rule is None else f'timer of {rule}'} ({side})"

    def claims(self, *terms: ir.Term) -> list[TruthClaim]:
        """Return what is proved of the signals that *terms*, already renamed, read."""
        read = {part.name for term in terms for part in ir.walk(term) if isinstance(part, ir.Signal)}
        found = []
        for name, relation in self._relations.items():
            if relation.is_same or not {self.name(name, side) for side in Side} <= read:
                continue
            old, new = (ir.Signal(self.name(name, side), self.old[name].per_gpu) for side in Side)
            found += [_implied(old, new)] if relation.forward else []
            found += [_implied(new, old)] if relation.backward else []
        return found

    def _relate(self, name: str) -> None:
        sides = [(Side.OLD, self.old.get(name)), (Side.NEW, self.new.get(name))]
        if name in self._relations or any(self.name(name, side) in self.named for side, signal in sides if signal):
            return
        for _, signal in sides:
            for inner in _used(signal):
                self._relate(inner)
        old, new = (None if signal is None else self._placed(signal, side) for side, signal in sides)
        if old is not None and new is not None:
            self._relations[name] = self._related(old, new)
        for side, placed in ((Side.OLD, old), (Side.NEW, new)):
            if placed is not None:
                own = self.name(name, side)
                self.named[own] = replace(placed, name=own)

    def _placed(self, signal: Signal, side: Side) -> Signal:
        until = None if signal.until is None else self.rename(signal.until, side)
        return replace(signal, condition=self.rename(signal.condition, side), until=until)

    def _related(self, old: Signal, new: Signal) -> Relation:
        first, second = self.settings
        if old.per_gpu is not new.per_gpu or _stale(first) != _stale(second):
            return Relation(False, False)
        if old.fingerprint == new.fingerprint:
            return Relation(True, True)
        terms = [term for signal in (old, new) for term in (signal.condition, signal.until) if term is not None]
        prover = Prover([ScopedCondition(t) for t in terms], {**self.named})
        known = self.claims(*terms)
        holds = first.on_stale == "hold"
        return Relation(_is_implied(prover, (old, new), known, holds), _is_implied(prover, (new, old), known, holds))


def _stale(settings: Settings) -> tuple[float, str]:
    return settings.stale_after, settings.on_stale


def _used(signal: Signal | None) -> list[str]:
    terms = [] if signal is None else [t for t in (signal.condition, signal.until) if t is not None]
    return [part.name for term in terms for part in ir.walk(term) if isinstance(part, ir.Signal)]


def _implied(low: ir.Signal, high: ir.Signal) -> TruthClaim:
    """Return the claim that *high* is on wherever *low* is."""
    term: ir.Term = ir.Or((ir.Not(low), high))
    return TruthClaim(
        ScopedCondition(ir.Aggregate("all", term, term.datatype) if low.per_gpu else term), ExpectedTruth.NOT_FALSE
    )


def _is_implied(prover: Prover, pair: tuple[Signal, Signal], known: list[TruthClaim], holds: bool) -> bool:
    """Return whether it is proved that the second of *pair* is on wherever the first is."""
    low, high = pair
    if high.for_seconds > low.for_seconds or high.keep_for_seconds < low.keep_for_seconds:
        return False

    def never(*claims: TruthClaim) -> bool:
        return isinstance(prover.ask([*claims, *known]), Unsat)

    def of(signal: Signal, want: ExpectedTruth) -> TruthClaim:
        return TruthClaim(ScopedCondition(signal.condition), want, signal.per_gpu)

    def ends(signal: Signal, want: ExpectedTruth) -> TruthClaim:
        """Claim something of the end of a signal; without ``until`` it ends where its condition is FALSE."""
        if signal.until is not None:
            return TruthClaim(ScopedCondition(signal.until), want, signal.per_gpu)
        turned = {
            ExpectedTruth.TRUE: ExpectedTruth.FALSE,
            ExpectedTruth.FALSE: ExpectedTruth.TRUE,
            ExpectedTruth.NOT_TRUE: ExpectedTruth.NOT_FALSE,
        }
        return of(signal, turned.get(want, want))

    off = of(high, ExpectedTruth.NOT_TRUE)
    lasting = (
        (ExpectedTruth.FALSE, ExpectedTruth.TRUE) if low.keep_for_seconds else (ExpectedTruth.FALSE,)
    )  # ends in which the low one stays on
    return (
        never(of(low, ExpectedTruth.TRUE), off)
        and never(ends(high, ExpectedTruth.TRUE), off, ends(low, ExpectedTruth.NOT_TRUE))
        and (holds or all(never(ends(high, ExpectedTruth.UNKNOWN), off, ends(low, want)) for want in lasting))
    )
