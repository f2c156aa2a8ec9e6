"""From matching rules to events of effects, and to the counts of outcomes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from gpurules.actions import Edge as EventEdge
from gpurules.actions import Event, edges, is_effect, placeholders
from gpurules.actions.action import is_per_gpu
from gpurules.actions.decision import RuleAction
from gpurules.actions.effects.notification.templates import template_texts
from gpurules.backends import Facts, slot_key, value_of
from gpurules.backends.facts import NO_TRANSFER, NO_WORKLOAD, read
from gpurules.engine.effects.metrics import Metrics, RuleCounts
from gpurules.engine.engine import Engine
from gpurules.engine.state.episodes import Edge, Matching
from gpurules.fields import FIELDS, Field, Scope
from gpurules.fields.reasons import MISSING
from gpurules.language.terms import ir
from gpurules.model import Datatype, Dimension, GPUIndex, Kind, Transfer, Workload
from gpurules.rules import Ruleset
from gpurules.rules.rule import Rule

CONTEXTUAL = frozenset({Scope.TRANSFER, Scope.WORKLOAD})


def is_contextual(rule: Rule) -> bool:
    """Whether a rule looks at a transfer or its workload, so that it matches for each apart."""
    return rule.gpus == "workload" or any(f.scope in CONTEXTUAL for f in ir.fields(rule.term))


def contextual_rules(ruleset: Ruleset) -> frozenset[str]:
    """Return the names of the rules that match for each transfer apart."""
    return frozenset(rule.name for rule in ruleset.rules if rule.enabled and is_contextual(rule))


def matching_rules(
    engine: Engine, transfer: Transfer | None, workload: Workload | None, contextual: Collection[str]
) -> Matching:
    """Return the rules that match now, shadows too, each with a function that computes its devices.

    For a transfer only those in *contextual*: the others match for the node.
    """
    bound = engine.bound
    asked, of = transfer or NO_TRANSFER, workload or NO_WORKLOAD
    found = {}
    for position in bound.program.effective(bound.mask(asked, of)):
        name = bound.program.rules[position].name
        if (transfer is not None) == (name in contextual):
            found[name] = partial(bound.devices, position, asked, of)
    return found


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened to a rule, as an effect may hear it: an edge of its episode, or the repetition of one.

    Units: ``timestamp`` and ``started`` in seconds since 1970.
    Missing: ``device`` None: it is not for one GPU apart.
    """

    kind: EventEdge
    rule: Rule
    timestamp: float
    started: float
    devices: tuple[GPUIndex, ...] = ()
    joined: tuple[GPUIndex, ...] = ()
    left: tuple[GPUIndex, ...] = ()
    device: GPUIndex | None = None
    joined_at: Mapping[GPUIndex, float] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, edge: Edge) -> "Notice":
        """Return the notice of an edge."""
        started = edge.timestamp - edge.lasted
        made = cls(edge.kind, edge.rule, edge.timestamp, started, edge.devices, edge.joined, edge.left)
        return replace(made, joined_at=edge.joined_at)

    def for_each_gpu(self) -> tuple["Notice", ...]:
        """Return the notices of the GPUs apart: one that joins starts, one that leaves stops."""
        if self.kind != "change":
            return tuple(self._for(d, self.kind) for d in self.devices) or (self,)
        was_node, is_node = set(self.joined) == set(self.devices) and not self.left, not self.devices
        ends = [self._for(d, "stop") for d in self.left] or [
            replace(self, kind="stop", devices=(), joined=())
        ] * was_node
        starts = [self._for(d, "start") for d in self.joined] or [replace(self, kind="start", left=())] * is_node
        return (*ends, *starts)

    def _for(self, device: GPUIndex, kind: EventEdge) -> "Notice":
        is_new = self.kind == "change" and kind == "start"
        started = self.timestamp if is_new else self.joined_at.get(device, self.started)
        return replace(self, kind=kind, started=started, devices=(device,), joined=(), left=(), device=device)


def events_of(
    engine: Engine, notice: Notice, ordered: RuleAction, transfer: Transfer | None, workload: Workload | None = None
) -> tuple[Event, ...]:
    """Return the events that *notice* is for an effect: none where it does not answer that edge."""
    action = ordered.action
    if not is_effect(action):
        return ()
    parted = notice.for_each_gpu() if is_per_gpu(ordered.parameters) else (notice,)
    heard = edges(action, ordered.parameters) | {"repeat"}
    return tuple(_event(engine, part, ordered, transfer, workload) for part in parted if part.kind in heard)


def _event(
    engine: Engine, notice: Notice, ordered: RuleAction, transfer: Transfer | None, workload: Workload | None
) -> Event:
    facts = engine.bound.facts_of(transfer or NO_TRANSFER, workload or NO_WORKLOAD)
    wanted = {f.name: f for f in ir.fields(notice.rule.term)} | _named(ordered, engine)
    places = [i for i, gpu in enumerate(facts.gpus) if gpu.index in notice.devices]
    each = [_values(ordered, engine, facts, place, wanted) for place in places]
    first = each[0] if each else _values(ordered, engine, facts, 0 if facts.gpus else None, wanted)
    per_gpu = _per_gpu_names(ordered, engine, wanted)
    return Event(
        notice.kind,
        notice.rule.name,
        notice.timestamp,
        ordered.parameters,
        notice.devices,
        transfer,
        {**first, "host": facts.snapshot.host},
        notice.rule.annotations,
        dimensions={name: field.datatype.dimension for name, field in wanted.items()} | _dimensions(ordered, engine),
        joined=notice.joined,
        left=notice.left,
        device=notice.device,
        per_gpu={name: tuple(values.get(name) for values in each) for name in first if name in per_gpu} if each else {},
        started=notice.started,
    )


def _values(
    ordered: RuleAction, engine: Engine, facts: Facts, place: int | None, wanted: Mapping[str, Field]
) -> dict[str, object]:
    """Return what an event says of one GPU, and of the node."""
    values = {name: _value(field, facts, place) for name, field in wanted.items()}
    return values | _signal_values(ordered, engine, facts, place) | _defined_values(ordered, engine, facts, place)


def _per_gpu_names(ordered: RuleAction, engine: Engine, wanted: Mapping[str, Field]) -> set[str]:
    """Return the names whose values differ from GPU to GPU."""
    signals, terms = engine.ruleset.signals, engine.ruleset.mentioned
    found = {name for name, field in wanted.items() if field.is_per_gpu}
    found |= {name for name in _texts(ordered) if name in signals and signals[name].per_gpu}
    return found | {name for name in _texts(ordered) if name in terms and ir.is_per_gpu(terms[name])}


def _texts(ordered: RuleAction) -> list[str]:
    return [name for text in template_texts(ordered.parameters) for _, name in placeholders(text)]


def _named(ordered: RuleAction, engine: Engine) -> dict[str, Field]:
    known = {**FIELDS, **engine.ruleset.fields}
    return {name: known[name] for name in _texts(ordered) if name in known}


def _value(field: Field, facts: Facts, place: int | None) -> object:
    if field.is_per_gpu:
        return None if place is None else read(field, facts, facts.gpus[place])
    return read(field, facts, None)


def _signal_values(ordered: RuleAction, engine: Engine, facts: Facts, place: int | None) -> dict[str, object]:
    values: dict[str, object] = {}
    for name in _texts(ordered):
        signal = engine.ruleset.signals.get(name)
        if signal is None or facts.layout is None:
            continue
        key = slot_key(ir.Signal(name, signal.per_gpu))
        if not signal.per_gpu:
            values[name] = facts.node_row[facts.layout.node[key]]
        elif place is not None:
            values[name] = facts.rows[place][facts.layout.gpu[key]]
    return values


def _defined_values(ordered: RuleAction, engine: Engine, facts: Facts, place: int | None) -> dict[str, object]:
    """Return the values of definitions and inputs that messages name; of a condition that is UNKNOWN, that word."""
    found: dict[str, object] = {}
    for name in _texts(ordered):
        given, term = engine.ruleset.inputs.get(name), engine.ruleset.mentioned.get(name)
        if term is not None and not (place is None and ir.is_per_gpu(term)):
            found[name] = _shown(value_of(term, facts, place), term.datatype)
        elif given is not None and term is None and name not in engine.ruleset.signals:
            found[name] = _shown(given.value, given.datatype)
    return found


def _dimensions(ordered: RuleAction, engine: Engine) -> dict[str, Dimension]:
    """Return what the definitions and inputs that messages name measure."""
    inputs, terms = engine.ruleset.inputs, engine.ruleset.mentioned
    given = {name: inputs[name].datatype for name in _texts(ordered) if name in inputs}
    defined = {name: terms[name].datatype for name in _texts(ordered) if name in terms}
    return {name: datatype.dimension for name, datatype in (given | defined).items()}


def _shown(value: object, datatype: Datatype) -> object:
    if value is None and datatype.kind is Kind.BOOL:
        return "unknown"
    return value


def outcomes(engine: Engine, metrics: Metrics) -> None:
    """Count the outcome of each rule for the node at this poll, and which fields were missing."""
    bound = engine.bound
    facts, mask = bound.facts, bound.mask(NO_TRANSFER, NO_WORKLOAD)
    effective = set(bound.program.effective(mask))
    for position, rule in enumerate(bound.program.rules):
        counts = metrics.rules.setdefault(rule.name, RuleCounts())
        if mask >> position & 1:
            if position in effective and not rule.is_shadow:
                counts.true += 1
            else:
                counts.suppressed += 1
        elif None in bound.program.truths(position, facts):
            counts.unknown += 1
        else:
            counts.false += 1


def count_missing(engine: Engine, fields: Collection[Field], metrics: Metrics) -> None:
    """Count, for each of *fields* that are facts of GPUs, on how many of them it is missing."""
    facts = engine.bound.facts
    for one in fields:
        missing = sum(1 for gpu in facts.gpus if read(one, facts, gpu) is None)
        if missing:
            metrics.unknown_fields[one.name] = metrics.unknown_fields.get(one.name, 0) + missing


def feeds_read(ruleset: Ruleset) -> tuple[Field, ...]:
    """Return those of the fields read that sources of Prometheus text fill."""
    return tuple(field for field in fields_read(ruleset) if field.feed is not None)


def feed_source(source: object, *rulesets: Ruleset) -> tuple[str, ...]:
    """Have *source* fill the fields that *rulesets* declare with ``from``, where it can; return which it cannot fill.

    Those are fields that two rulesets feed differently: one snapshot cannot have both values.
    """
    fields: dict[str, Field] = {}
    differing: dict[str, str] = {}
    for field_read in (one for ruleset in rulesets for one in feeds_read(ruleset)):
        if fields.setdefault(field_read.name, field_read).feed != field_read.feed:
            differing[field_read.name] = MISSING.format(field_read.name, "the rulesets feed it from different series")
    feed = getattr(source, "feed", None)
    if callable(feed):
        feed(tuple(one for name, one in fields.items() if name not in differing))
    return tuple(differing.values()) if callable(feed) else ()


def readers_of(ruleset: Ruleset, wanted: Field) -> list[str]:
    """Return the names of the rules that read a field, and of the signals, as ``signal NAME``."""
    found = [rule.name for rule in ruleset.rules if wanted in ir.fields(rule.term)]
    for name, signal in ruleset.signals.items():
        terms = (signal.condition, signal.until) if signal.until is not None else (signal.condition,)
        if any(wanted in ir.fields(term) for term in terms):
            found.append(signal.rule or f"signal {name}")
    return list(dict.fromkeys(found))


def fields_read(ruleset: Ruleset) -> tuple[Field, ...]:
    """Return every field that rules and signals of *ruleset* read, each once."""
    terms = [rule.term for rule in ruleset.rules if rule.enabled]
    for signal in ruleset.signals.values():
        terms += [signal.condition] if signal.until is None else [signal.condition, signal.until]
    named = {**FIELDS, **ruleset.fields}
    terms += ruleset.mentioned.values()
    found = {f.name: f for term in terms for f in ir.fields(term)}
    for rule in ruleset.rules:
        for name in (name for ordered in rule.actions for name in _texts(ordered)):
            if name in named:
                found[name] = named[name]
    return tuple(found.values())
