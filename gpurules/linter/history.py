"""What each rule of a ruleset did over recordings: how often its condition was TRUE, and how often it changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from gpurules.backends.python import RuleTerm, Truths, arguments, truths_function
from gpurules.diagnostics import Need, codes_needing
from gpurules.language.terms import ir
from gpurules.language.terms.lowering import inline_signals
from gpurules.model import Snapshot, Truth
from gpurules.rules import Rule, Ruleset

RecordedSnapshots: TypeAlias = Iterable[Snapshot]
"""The snapshots of a recording, as often as they are asked for."""

FROM_HISTORY = codes_needing(Need.HISTORY)
"""The codes of what recordings show; they are reported only where there are some."""
_SHOWN = 6
LEAST_SAMPLES = 20
"""Fewer snapshots than this say nothing about a rule."""


@dataclass(slots=True)
class Track:
    """What one rule did.

    ``known`` counts the snapshots in which its condition was TRUE or FALSE, ``true`` those in which it was TRUE, and
    ``transitions`` how often it went from one to the other. ``is_part`` says that only the part about the GPUs and the
    node was judged, since the rest asks about transfers or workloads.

    Units: ``seconds`` is the length of the recordings.
    Missing: a snapshot in which the condition is UNKNOWN is in ``snapshots`` only, and is not a transition.
    """

    is_part: bool = False
    snapshots: int = 0
    known: int = 0
    true: int = 0
    transitions: int = 0
    seconds: float = 0.0

    def add(self, truth: Truth, before: Truth) -> Truth:
        """Count one snapshot in, and return what is known after it; *before* is what was known."""
        self.snapshots += 1
        if truth is None:
            return before
        self.known += 1
        self.true += truth
        self.transitions += before is not None and truth is not before
        return truth


@dataclass(slots=True)
class ReplayedRules:
    """The tracks of the rules that could be judged, and why the others could not, both by the name of the rule."""

    tracks: dict[str, Track] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Judged:
    """A rule that is judged: its condition, or the part of it that a snapshot decides."""

    term: ir.Term
    per_gpu: bool
    track: Track


def replay_rules(ruleset: Ruleset, recordings: Sequence[RecordedSnapshots]) -> ReplayedRules:
    """Return what the rules of *ruleset* did over all *recordings*; each starts without memory.

    Raises:
        TelemetryError: a recording cannot be read.
    """
    found = ReplayedRules()
    conditions = {name: signal.condition for name, signal in ruleset.signals.items()}
    judged: dict[str, _Judged] = {}
    for rule in (rule for rule in ruleset.rules if rule.enabled):
        one = _judged(rule, conditions)
        if isinstance(one, str):
            found.left_out[rule.name] = one
        else:
            judged[rule.name] = one
    for recording in recordings:
        _play(ruleset, recording, [*judged.values()])
        if callable(note := getattr(recording, "note_readers", None)):
            note(_readers(ruleset))
    for name, one in judged.items():
        if one.track.known < LEAST_SAMPLES:
            found.left_out[name] = f"it is known in only {one.track.known} of {one.track.snapshots} snapshots"
        else:
            found.tracks[name] = one.track
    return found


def _readers(ruleset: Ruleset) -> dict[str, tuple[str, str]]:
    """Return each field of GPUs that enabled rules read, with their names, by its attribute."""
    conditions = {name: signal.condition for name, signal in ruleset.signals.items()}
    names: dict[str, list[str]] = {}
    fields: dict[str, str] = {}
    for rule in (rule for rule in ruleset.rules if rule.enabled):
        for read in ir.fields(inline_signals(rule.term, conditions)):
            if read.is_per_gpu and not read.declared:
                fields[read.attribute] = read.name
                names.setdefault(read.attribute, []).append(rule.name)
    return {attribute: (field, ", ".join(names[attribute][:_SHOWN])) for attribute, field in fields.items()}


def _judged(rule: Rule, conditions: Mapping[str, ir.Term]) -> _Judged | str:
    """Return what of *rule* is judged, or why nothing is."""
    if rule.gpus == "workload":
        return "it depends on the GPUs of a workload"
    if any(read.name == "telemetry_age" for read in ir.fields(inline_signals(rule.term, conditions))):
        return "it reads the age of telemetry, which a recording does not contain"
    if not ir.is_contextual(rule.term):
        return _Judged(rule.term, rule.per_gpu, Track())
    parts = RuleTerm(rule.term, rule.per_gpu).ambient
    if not parts:
        return "no part of it is about the GPUs or the node alone"
    term = parts[0] if len(parts) == 1 else ir.And(parts)
    return _Judged(term, ir.is_per_gpu(term), Track(is_part=True))


def _play(ruleset: Ruleset, recording: RecordedSnapshots, judged: Sequence[_Judged]) -> None:
    from gpurules.engine.recordings import (
        play_recording as turns,  # with all sources, which a linter does not start with
    )

    running: list[tuple[Track, Truths]] = []
    states: list[Truth] = [None] * len(judged)
    times: list[float] = []
    for turn in turns([ruleset], recording):
        (engine,) = turn.engines
        if not turn.is_new:
            continue
        layout = engine.bound.program.layout
        running = running or [(one.track, truths_function(one.term, one.per_gpu, layout)) for one in judged]
        times = [*times[:1], turn.at]
        given = arguments(engine.bound.facts)
        for i, (track, truths) in enumerate(running):
            states[i] = track.add(_some(truths(*given)), states[i])
    for track, _ in running:
        track.seconds += times[-1] - times[0]


def _some(truths: Sequence[Truth]) -> Truth:
    """Return whether a condition is TRUE of some GPU; of none at all nothing is known."""
    if True in truths:
        return True
    return None if None in truths or not truths else False
