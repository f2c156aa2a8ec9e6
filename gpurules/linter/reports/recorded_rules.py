"""What checks of recordings share: the rules that they judge, the places of findings, and how counts are formatted."""

from collections.abc import Iterator

from gpurules.diagnostics import Diagnostic
from gpurules.language.terms import ir
from gpurules.linter.check import Subject, at_part, whole
from gpurules.linter.history import Track
from gpurules.linter.meaning.analysis import Contingency, Examined

_SETTLED = (Contingency.NEVER, Contingency.ALWAYS)


def judged_rules(subject: Subject) -> Iterator[tuple[Examined, Track]]:
    """Yield the rules that were judged, except those that say TRUE, or that the analysis has already decided."""
    analysis = subject.analysis
    if analysis is None or subject.replayed is None:
        return
    for one in analysis.examined:
        track = subject.replayed.tracks.get(one.rule.name) if one.rule else None
        if track is None or isinstance(one.condition.term, ir.Constant) or analysis.is_odd(one.placed):
            continue
        if analysis.state(one) not in _SETTLED and not analysis.uses(one, _SETTLED):
            yield one, track


def at_condition(code: str, one: Examined, message: str, hint: str) -> Diagnostic:
    """Return a finding at the condition of a rule."""
    return at_part(code, one.placed, whole(one.placed), message, hint=hint)


def describe_judged(one: Examined, track: Track) -> str:
    """Return what was judged, in words."""
    if track.is_part:
        return f"the part of `{one.title}` about the GPUs and the node"
    timers = one.rule is not None and one.rule.signal is not None
    return f"`{one.title}`, with its timers," if timers else f"`{one.title}`"


def format_samples(track: Track) -> str:
    """Return how often it was TRUE, in words."""
    unknown = track.snapshots - track.known
    count = f"{track.true:,} of {track.known:,} recorded snapshots"
    return f"{count} ({unknown:,} more are unknown)" if unknown else count
