"""Tunes a ruleset with the options of the command line, and renders the result."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gpurules.cli.history.drawn import percent
from gpurules.cli.inputs.files import read_at_most
from gpurules.cli.inputs.rulesets import PREFIX
from gpurules.cli.terminal.output import difference, table
from gpurules.history.store.format.findings import Findings
from gpurules.history.tuning.goals import Goal, goals_of
from gpurules.history.tuning.knobs import Draft, Knob, candidates, chosen_knobs, draft_of
from gpurules.history.tuning.recordings import Recordings
from gpurules.history.tuning.search import Trial, TuningResult, Watch, find_proposal
from gpurules.output_files import replace_file
from gpurules.rules import Ruleset

SHOWN = 12


@dataclass(slots=True)
class TuningWish:
    """The options of tuning on the command line."""

    argument: str
    ruleset: Ruleset
    places: Sequence[str]
    goals: Sequence[str]
    keeps: Sequence[str]
    lead: float = 60.0
    names: Sequence[str] = ()
    candidates: int = 200
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Tuned:
    """The result of tuning.

    Missing: ``patched`` None: nothing is proposed, or the ruleset meets the goals as it is.
    """

    argument: str
    draft: Draft
    knobs: list[Knob]
    goals: list[Goal]
    found: TuningResult
    findings: Findings

    @property
    def patched(self) -> str | None:
        """The text of the file with the proposal in it."""
        proposal = self.found.proposal
        if proposal is None:
            return None
        text = self.draft.with_values(proposal.values)
        return text if text != self.draft.text or self.draft.path is None else None

    def apply(self) -> str:
        """Change the file, and return a message about it."""
        if self.draft.path is None or self.patched is None:
            return "a shipped ruleset cannot be changed; put the proposal in a file of your own"
        replace_file(Path(self.draft.path).resolve(), self.patched.encode(), mode=None)
        return f"{self.draft.path} changed"

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON-ready data."""
        proposal = self.found.proposal
        return {
            "ruleset": self.argument, "tried": len(self.found.trials),
            "present": self._trial(self.found.present) if self.found.trials else None,
            "front": [self._trial(trial) for trial in self.found.front],
            "proposal": None if proposal is None else self._trial(proposal),
            "reasons": self.found.reasons, "notes": self.found.notes, "patch": self.patch(),
        }  # fmt: skip

    def _trial(self, trial: Trial) -> dict[str, object]:
        measures = [
            {
                "goal": goal.text, "signal": goal.signal, "measure": goal.measure,
                "searched": trial.scores[goal.signal, False].measure(goal.measure),
                "left_out": trial.scores[goal.signal, True].measure(goal.measure),
            }
            for goal in self.goals
        ]  # fmt: skip
        return {"values": dict(trial.values), "measures": measures, "meets": trial.meets, "holds": trial.holds}

    def patch(self) -> str | None:
        """Return the change as a patch (for a shipped ruleset: a new file), headed by the measures before and after."""
        text = self.patched
        if text is None:
            return None
        message = [f"# {line}" for line in self._before_and_after()]
        body = text if self.draft.path is None else difference(self.draft.text, text, self.draft.path)
        return "\n".join(message) + "\n" + body

    def _before_and_after(self) -> Iterator[str]:
        assert self.found.proposal is not None
        for word, trial in (("before", self.found.present), ("after", self.found.proposal)):
            yield f"{word}: " + "; ".join(self._measured(goal, trial) for goal in self.goals)

    @staticmethod
    def _measured(goal: Goal, trial: Trial) -> str:
        inside, outside = (
            _shown(goal, trial.scores[goal.signal, left].measure(goal.measure)) for left in (False, True)
        )
        return f"{goal.signal}.{goal.measure} {inside} ({outside} on held-out days)"

    def text(self) -> str:
        """Return it for a terminal."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        found = self.found
        yield f"{len(found.trials):,} candidates tried, {sum(t.meets for t in found.trials):,} meet the goals"
        yield from found.notes
        if found.trials:
            yield ""
            yield self._table([("as it is", found.present), *(("", trial) for trial in found.front[:SHOWN])])
        if found.reasons:
            yield "nothing is proposed:"
            yield from (f"  {reason}" for reason in found.reasons)
        elif self.patched is None:
            yield "no change is proposed"
        else:
            yield "proposed, the smallest change that also holds on the held-out days:"
            yield ""
            yield (self.patch() or "").rstrip("\n")

    def _table(self, listed: Sequence[tuple[str, Trial]]) -> str:
        head = (
            "",
            *(knob.name for knob in self.knobs),
            *(f"{goal.signal}.{goal.measure}" for goal in self.goals),
            "holds",
        )
        rows = []
        for word, trial in listed:
            measures = []
            for goal in self.goals:
                inside, outside = (
                    _shown(goal, trial.scores[goal.signal, left].measure(goal.measure)) for left in (False, True)
                )
                measures.append(f"{inside} / {outside}")
            values = [knob.text_of(trial.values[knob.name]) for knob in self.knobs]
            rows.append([word or "front", *values, *measures, "yes" if trial.holds else "no"])
        return table(head, rows)


def _shown(goal: Goal, value: float | None) -> str:
    if value is None:
        return "-"
    return percent(value) if goal.measure.endswith("share") else f"{value:.3g}"


def tune(wish: TuningWish, watch: Watch) -> Tuned:
    """Search for a proposal and return the result.

    Raises:
        TuningError: there is nothing to tune, or a goal names no signal.
        LimitError: a goal cannot be parsed.
        StoreError: nothing is recorded.
    """
    goals = goals_of(wish.ruleset, wish.goals, wish.keeps)
    signals = list(dict.fromkeys(goal.signal for goal in goals))
    text = "" if wish.argument.startswith(PREFIX) else read_at_most(Path(wish.argument)).decode("utf-8-sig")
    draft = draft_of(text, wish.argument, wish.ruleset)
    knobs = chosen_knobs(draft, wish.names, signals)
    findings = Findings()
    recordings = Recordings.of(wish.ruleset, wish.places, wish.options, (goals, findings))
    found = find_proposal(draft, knobs, goals, candidates(knobs, wish.candidates), (recordings, wish.lead, watch))
    return Tuned(wish.argument, draft, knobs, goals, found, findings)
