"""Two rulesets, rule by rule: what the prover and a plain look at the rest say of each pair."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from gpurules.diff.change import ChangeKind, Difference, RuleChange
from gpurules.diff.notes import action_notes, change, option_notes, settings_notes
from gpurules.diff.signals import Side, SignalUniverse
from gpurules.language.terms import ir
from gpurules.model import Dimension
from gpurules.proofs import (
    Answer,
    ExpectedTruth,
    Prover,
    Sat,
    ScopedCondition,
    TruthClaim,
    Unknown,
    Witness,
    is_not_true,
    is_true,
    minimize_witness,
)
from gpurules.rules import Rule, Ruleset


def compare(old: Ruleset, new: Ruleset) -> Difference:
    """Return what *new* changes of *old*, in the order of the new rules; those that are gone stand last."""
    pairing = _paired(old, new)
    signals = SignalUniverse(old.signals, new.signals, (old.settings, new.settings))
    moved = _moved(old, new, pairing)
    conflicts = frozenset(n for n, f in old.fields.items() if n in new.fields and new.fields[n] != f)
    comparison = _Comparison(signals, conflicts)
    changes = []
    for rule in new.rules:
        before = pairing.get(rule.name)
        change = (
            RuleChange(rule.name, (ChangeKind.ADDED,), None, rule)
            if before is None
            else comparison.of(before, rule, moved)
        )
        if change is not None:
            changes.append(change)
    kept = {rule.name for rule in pairing.values()}
    changes += [RuleChange(rule.name, (ChangeKind.REMOVED,), rule, None) for rule in old.rules if rule.name not in kept]
    return Difference(old, new, tuple(changes), tuple(settings_notes(old, new)))


def _paired(old: Ruleset, new: Ruleset) -> dict[str, Rule]:
    """Return the old rule of each new one that has one: of the same name, or else the same but for the name."""
    before = {rule.name: rule for rule in old.rules}
    pairs = {rule.name: before[rule.name] for rule in new.rules if rule.name in before}
    gone = [rule for rule in old.rules if rule.name not in pairs]
    for rule in new.rules:
        twin = next((r for r in gone if rule.name not in pairs and _is_alike(r, rule)), None)
        if twin is not None:
            pairs[rule.name] = twin
            gone.remove(twin)
    return pairs


def _is_alike(old: Rule, new: Rule) -> bool:
    ignored = {"name", "text", "term", "description", "tags", "annotations", "signal", "path", "line", "column"}
    same = all(getattr(old, f.name) == getattr(new, f.name) for f in fields(Rule) if f.name not in ignored)
    return same and old.signal is None and new.signal is None and old.term == new.term


def _moved(old: Ruleset, new: Ruleset, pairing: Mapping[str, Rule]) -> dict[str, str]:
    """Return a note for each rule of another priority, or of another place among the others: as few as explain it."""
    place = {rule.name: n for n, rule in enumerate(old.rules)}
    common = [rule for rule in new.rules if rule.name in pairing]
    stay = _longest_rising([place[pairing[rule.name].name] for rule in common])
    notes = {}
    for n, rule in enumerate(common):
        before = pairing[rule.name]
        if before.priority != rule.priority:
            notes[rule.name] = f"priority {before.priority} → {rule.priority}"
        elif n not in stay:
            notes[rule.name] = f"now before {common[n + 1].name}" if n + 1 < len(common) else "now last"
    return notes


def _longest_rising(numbers: list[int]) -> frozenset[int]:
    """Return the positions of a longest rising subsequence of *numbers*."""
    best: list[tuple[int, int | None]] = []  # its length up to here, and the position before
    for n, number in enumerate(numbers):
        before = max((m for m in range(n) if numbers[m] < number), key=lambda m: best[m][0], default=None)
        best.append((1 if before is None else best[before][0] + 1, before))
    place = max(range(len(best)), key=lambda n: best[n][0], default=None)
    kept = set()
    while place is not None:
        kept.add(place)
        place = best[place][1]
    return frozenset(kept)


@dataclass(frozen=True)
class _Meaning:
    """How the conditions of two rules stand to each other."""

    kinds: tuple[ChangeKind, ...] = ()
    gained: Witness | None = None
    lost: Witness | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Comparison:
    """Compares rules of two rulesets; of ``conflicts``, fields that are declared otherwise, nothing is proved."""

    signals: SignalUniverse
    conflicts: frozenset[str]

    def of(self, old: Rule, new: Rule, moved: Mapping[str, str]) -> RuleChange | None:
        """Return what changed from *old* to *new*, None where nothing did."""
        is_asked = old.enabled and new.enabled
        meaning = self._meaning(old, new) if is_asked else _Meaning()
        kinds, notes = [*meaning.kinds], [*meaning.notes]
        if old.name != new.name:
            kinds.append(ChangeKind.RENAMED)
            notes.append(f"it was named {old.name}")
        for kind, found in (
            (ChangeKind.MOVED, [moved[new.name]] if new.name in moved else []),
            (ChangeKind.ACTION, [*action_notes(old, new)]),
            (ChangeKind.OPTIONS, [*option_notes(old, new)]),
        ):
            kinds += [kind] if found else []
            notes += found
        if not kinds:
            return None
        timers = [*self._timer_notes(old, new)] if meaning.kinds else []
        return RuleChange(new.name, tuple(kinds), old, new, meaning.gained, meaning.lost, (*timers, *notes))

    def _meaning(self, old: Rule, new: Rule) -> _Meaning:
        first, second = self.signals.rename(old.term, Side.OLD), self.signals.rename(new.term, Side.NEW)
        if first == second and old.gpus == new.gpus:
            return _Meaning()
        conflict = next((f.name for t in (first, second) for f in ir.fields(t) if f.name in self.conflicts), None)
        if conflict is not None:
            return _Meaning(
                (ChangeKind.UNPROVEN,), notes=(f"not compared: the field {conflict} is declared differently",)
            )
        before, after = ScopedCondition(first, old.gpus), ScopedCondition(second, new.gpus)
        known = self.signals.claims(first, second)
        prover = Prover([before, after, *(claim.condition for claim in known)], self.signals.named)
        gained = self._asked(prover, [is_true(after), is_not_true(before), *known])
        lost = self._asked(prover, [is_true(before), is_not_true(after), *known])
        found = _describe(gained, lost)
        if not found.kinds and old.per_gpu and new.per_gpu:
            return self._on_one_gpu(prover, before, after, known)
        return found

    def _on_one_gpu(
        self, prover: Prover, old: ScopedCondition, new: ScopedCondition, known: list[TruthClaim]
    ) -> _Meaning:
        """Compare on which GPUs two rules match that always match together."""
        gained = self._asked(
            prover, [TruthClaim(new, ExpectedTruth.TRUE, True), TruthClaim(old, ExpectedTruth.NOT_TRUE, True), *known]
        )
        lost = self._asked(
            prover, [TruthClaim(old, ExpectedTruth.TRUE, True), TruthClaim(new, ExpectedTruth.NOT_TRUE, True), *known]
        )
        found = _describe(gained, lost)
        notes = (*found.notes, "it matches in the same situations, but on different GPUs") if found.kinds else ()
        return _Meaning(found.kinds, found.gained, found.lost, notes)

    def _asked(self, prover: Prover, claims: list[TruthClaim]) -> Answer:
        """Return whether *claims* can hold together, with a witness of only the facts that matter, near the change."""
        answer = prover.ask(claims)
        return Sat(minimize_witness(answer.witness, claims, self.signals.named)) if isinstance(answer, Sat) else answer

    def _timer_notes(self, old: Rule, new: Rule) -> Iterator[str]:
        """Yield what changed of the signals that both rules read."""
        read = [{p.name for p in ir.walk(rule.term) if isinstance(p, ir.Signal)} for rule in (old, new)]
        for name in sorted(read[0] & read[1]):
            relation = self.signals.relation(name)
            if relation is not None and not relation.is_same:
                shown = f"signal {name}" if self.signals.new[name].rule is None else "its signal"
                yield from (f"{shown}: {text}" for text in _signal_notes(self.signals, name))


def _signal_notes(signals: SignalUniverse, name: str) -> Iterator[str]:
    old, new = signals.old[name], signals.new[name]
    texts = (("condition", old.text.strip(), new.text.strip()), ("until", old.until_text, new.until_text))
    yield from (f"{what} {before or 'none'} → {after or 'none'}" for what, before, after in texts if before != after)
    times = (("for", old.for_seconds, new.for_seconds), ("keep_for", old.keep_for_seconds, new.keep_for_seconds))
    for what, before, after in times:
        if before != after:
            yield f"{what} {change(before, after, Dimension.SECONDS)}"


def _describe(gained: Answer, lost: Answer) -> _Meaning:
    unsure = [answer.reason for answer in (gained, lost) if isinstance(answer, Unknown)]
    more = gained.witness if isinstance(gained, Sat) else None
    less = lost.witness if isinstance(lost, Sat) else None
    if unsure:
        return _Meaning((ChangeKind.UNPROVEN,), more, less, (f"not proved: {unsure[0]}",))
    if more is not None and less is not None:
        return _Meaning((ChangeKind.DIFFERENT,), more, less)
    if more is not None:
        return _Meaning((ChangeKind.LOOSER,), more)
    return _Meaning((ChangeKind.STRICTER,), None, less) if less is not None else _Meaning()
