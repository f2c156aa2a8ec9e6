"""The transition relation of signals: what they become at a snapshot, from their present state, for counterfactuals."""

from collections.abc import Iterator, Mapping

from gpurules.backends import Facts, value_of
from gpurules.language.terms import ir
from gpurules.language.terms.lowering import rebuilt
from gpurules.model import BOOL
from gpurules.proofs.formulas.axioms import SignalLike


def next_state(term: ir.Term, signals: Mapping[str, SignalLike]) -> ir.Term:
    """Return *term* with each signal replaced by what it would become, its timers left aside.

    One that is off goes on where its condition is TRUE; one that is on stays on unless it is ended, and both stay as
    they are where what decides is UNKNOWN.
    """
    if isinstance(term, ir.Signal) and term.name in signals:
        return _next(term, signals[term.name], signals)
    return rebuilt(term, lambda part: next_state(part, signals)) if ir.children(term) else term


def _next(now: ir.Signal, signal: SignalLike, signals: Mapping[str, SignalLike]) -> ir.Term:
    start = next_state(signal.condition, signals)
    stays = start if signal.until is None else ir.Or((start, ir.Not(next_state(signal.until, signals))))
    return ir.Or((
        ir.And((ir.Not(now), _known_or(start, ir.FALSE))),
        ir.And((now, _known_or(stays, ir.TRUE))),
    ))  # fmt: skip


def _known_or(term: ir.Term, otherwise: ir.Term) -> ir.Term:
    return ir.Apply("coalesce", (term, otherwise), BOOL)


def pending_timers(
    term: ir.Term, signals: Mapping[str, SignalLike], facts: Facts, place: int | None
) -> Iterator[float]:
    """Yield the timers of every signal behind *term* that would change with *facts*, those of its start or its end.

    Units: seconds.
    """
    for part in ir.walk(term):
        signal = signals.get(part.name) if isinstance(part, ir.Signal) else None
        if signal is None or not isinstance(part, ir.Signal) or (part.per_gpu and place is None):
            continue
        yield from pending_timers(signal.condition, signals, facts, place)
        before = value_of(part, facts, place)
        if value_of(next_state(part, signals), facts, place) is not before:
            yield _left(part, signal, facts, place) if before else signal.for_seconds


def _left(now: ir.Signal, signal: SignalLike, facts: Facts, place: int | None) -> float:
    """Return for how long a signal is still held on once it ends: what is left of a ``keep_for`` that runs, or all."""
    owner = facts.gpus[place].identity if now.per_gpu and place is not None else None
    end = facts.ends.get((now.name, owner))
    return signal.keep_for_seconds if end is None else max(0.0, end - facts.snapshot.timestamp)
