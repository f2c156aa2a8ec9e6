"""Whether a signal damps what it is about: proved of its condition and its ``until``, in whatever spelling."""

from collections.abc import Iterator

from gpurules.actions import is_effect
from gpurules.fields import Field, Scope
from gpurules.language.syntax.nodes import Comparator
from gpurules.language.terms import ir
from gpurules.linter.conditions.links import single_link
from gpurules.linter.meaning.analysis import Analysis
from gpurules.model import Kind
from gpurules.proofs import ExpectedTruth, ScopedCondition, TruthClaim
from gpurules.records import Record, record
from gpurules.rules import Rule
from gpurules.rules.rule import Signal

_CHEAP = frozenset({"log"})


@record
class Flap(Record):
    """A rule whose effect follows a gauge. Missing: ``signal`` is None where the rule reads the gauge itself."""

    rule: Rule
    effect: str
    gauge: str
    signal: Signal | None = None


def flaps(analysis: Analysis) -> Iterator[Flap]:
    """Yield every rule with an effect, other than a log, that nothing damps."""
    for rule in analysis.ruleset.rules:
        effects = [a.name for a in rule.actions if is_effect(a.action) and a.name not in _CHEAP]
        if not effects or rule.is_shadow or not rule.enabled or rule.cooldown is not None:
            continue
        noisy = sorted(_noisy(rule.term, None, analysis), key=lambda found: (found[1] is not None, found[0].name))
        for gauge, signal in noisy[:1]:
            yield Flap(rule, effects[0], gauge.name, signal)


def _noisy(term: ir.Term, through: Signal | None, analysis: Analysis) -> Iterator[tuple[Field, Signal | None]]:
    """Yield the gauges that *term* follows, with the outermost signal through which it does.

    A named signal with an ``until`` that leaves no gap is given where it stands (GPR603).
    """
    yield from ((gauge, through) for gauge in gauges(term))
    for part in ir.walk(term):
        signal = analysis.ruleset.signals.get(part.name) if isinstance(part, ir.Signal) else None
        if signal is None or is_held(signal):
            continue
        if signal.until is None or (signal.rule is not None and has_no_gap(signal, analysis)):
            yield from _noisy(signal.condition, through or signal, analysis)


def is_held(signal: Signal) -> bool:
    """Return whether *signal* has a timer that damps it."""
    return bool(signal.for_seconds or signal.keep_for_seconds)


def has_no_gap(signal: Signal, analysis: Analysis) -> bool:
    """Return whether it is proved that the ``until`` of *signal* holds as soon as its condition is FALSE.

    The two may share one number of a sampled real, which is hardly ever met; an ``until`` that can hold together with
    the condition is another mistake, and has no gap either way.
    """
    if signal.until is None:
        return False
    known = analysis.gapless.get(signal.name)
    if known is None:
        known = analysis.gapless[signal.name] = _has_no_gap(signal.condition, signal.until, signal, analysis)
    return known


def _has_no_gap(start: ir.Term, until: ir.Term, signal: Signal, analysis: Analysis) -> bool:
    who = [signal.rule or signal.name]
    between = [_claim(start, ExpectedTruth.FALSE), _claim(until, ExpectedTruth.NOT_TRUE)]
    edge = _shared_edge(start, until)
    is_gapless = analysis.is_impossible(between, who) or (
        edge is not None and analysis.is_impossible([*between, edge], who)
    )
    return is_gapless and analysis.is_impossible(
        [_claim(start, ExpectedTruth.TRUE), _claim(until, ExpectedTruth.TRUE)], who
    )


def _claim(term: ir.Term, want: ExpectedTruth) -> TruthClaim:
    return TruthClaim(ScopedCondition(term), want, on_one=True)


def _shared_edge(start: ir.Term, until: ir.Term) -> TruthClaim | None:
    """Return the claim that a sampled real is not just at the number with which both conditions compare it."""
    one, other = single_link(start), single_link(until)
    if one is None or other is None or one.term != other.term or one.constant.value != other.constant.value:
        return None
    if not isinstance(one.term, ir.Read) or not one.term.field.is_sampled_real:
        return None
    return _claim(ir.Compare((Comparator.NE,), (one.term, one.constant)), ExpectedTruth.TRUE)


_STEADY = frozenset({"gpu_index", "gpu_memory_total", "gpu_memory_reserved", "gpu_power_limit", "gpu_xid"})
_GAUGES_OF_NODE = frozenset({"pending_transfers", "pending_bytes"})


def is_gauge(field: Field) -> bool:
    """Return whether readings of *field* go up and down from one poll to the next."""
    if field.datatype.kind is not Kind.NUMBER or field.counter or field.name in _STEADY:
        return False
    return field.scope is Scope.GPU or field.name in _GAUGES_OF_NODE


def gauges(term: ir.Term) -> frozenset[Field]:
    """Return the gauges that *term* compares as they are: neither through a signal nor over a window."""
    return frozenset(t.field for t in ir.walk(term) if isinstance(t, ir.Read) and is_gauge(t.field))


def is_damped(rule: Rule) -> bool:
    """Return whether *rule* has timers of its own or a cooldown, or does nothing anyway."""
    return rule.signal is not None or rule.cooldown is not None or rule.is_shadow or not rule.enabled
