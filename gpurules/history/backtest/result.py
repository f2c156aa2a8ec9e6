"""The result of a back-test, over all nodes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gpurules.history.backtest.judge import NodeResult
from gpurules.history.backtest.statistics.compared import Parting
from gpurules.history.backtest.statistics.profile import Profile
from gpurules.history.backtest.statistics.tally import RuleTally
from gpurules.history.store.format.findings import Findings
from gpurules.language.terms import ir
from gpurules.rules import Ruleset

BY = ("node", "gpu", "hour", "weekday")
"""What shares can be reported by, besides a label."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(slots=True)
class Data:
    """The recorded data.

    Units: ``first`` and ``last`` in seconds since 1970; ``hours`` of nodes, without gaps.
    """

    nodes: int = 0
    gpus: int = 0
    snapshots: int = 0
    samples: int = 0
    first: float = float("inf")
    last: float = float("-inf")
    gaps: int = 0
    hours: float = 0.0
    findings: Findings = field(default_factory=Findings)

    def add(self, result: NodeResult) -> None:
        """Add the results of a node; one without readable telemetry is reported, and not counted."""
        self.findings.merge(result.findings)
        extent = result.extent
        self.nodes += bool(extent.snapshots)
        self.gpus += len(extent.gpus)
        self.snapshots += extent.snapshots
        self.samples += extent.samples
        self.first, self.last = min(self.first, extent.first), max(self.last, extent.last)
        self.gaps += extent.gaps
        self.hours += extent.hours

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON-ready data."""
        return {
            "nodes": self.nodes, "gpus": self.gpus, "snapshots": self.snapshots, "samples": self.samples,
            "from": self.first if self.snapshots else None, "to": self.last if self.snapshots else None,
            "gaps": self.gaps, "unread": self.findings.count, "findings": list(self.findings.texts),
        }  # fmt: skip


@dataclass(slots=True)
class RulesetResult:
    """The results of one ruleset: its rules and signals in order, and what the engine had to evaluate, and why.

    ``unknown_at_start`` has the signals that may be on since before what was read, and begin off, with how many seconds
    before the span that is.
    """

    ruleset: Ruleset
    rules: dict[str, RuleTally] = field(default_factory=dict)
    signals: dict[str, RuleTally] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    never_known: dict[str, list[str]] = field(default_factory=dict)
    transfers: Mapping[str, object] | None = None
    unknown_at_start: Mapping[str, float] = field(default_factory=dict)

    def add(self, rules: Mapping[str, RuleTally], signals: Mapping[str, RuleTally], refused: Mapping[str, str]) -> None:
        """Add the results of a node."""
        for mine, more in ((self.rules, rules), (self.signals, signals)):
            for name, tally in more.items():
                if name in mine:
                    mine[name].merge(tally)
                else:
                    mine[name] = tally
        self.refused = {**self.refused, **refused}

    @property
    def ordered_rules(self) -> list[RuleTally]:
        """The tallies of rules, in order of priority."""
        return [self.rules[rule.name] for rule in self.ruleset.rules if rule.name in self.rules]

    @property
    def ordered_signals(self) -> list[RuleTally]:
        """The tallies of signals, in the order of the file."""
        return [self.signals[name] for name in self.ruleset.signals if name in self.signals]

    def actions(self) -> list[dict[str, object]]:
        """Return, for each action, the number of snapshots that claimed it, rule by rule, and its delay."""
        found: dict[str, dict[str, object]] = {}
        for rule in self.ruleset.rules:
            tally = self.rules.get(rule.name)
            for action in rule.actions if tally is not None and not rule.is_shadow else ():
                one = found.setdefault(action.name, {"action": action.name, "claims": 0, "delay_seconds": None})
                one["claims"] = int(str(one["claims"])) + (tally.snapshots_on if tally else 0)
                delay = action.parameters.get("delay")
                if isinstance(delay, int | float) and tally and tally.snapshots_on:
                    asked = one["delay_seconds"]
                    one["delay_seconds"] = max(delay, asked if isinstance(asked, int | float) else delay)
        return list(found.values())

    def to_dict(self, by: Sequence[str] = ()) -> dict[str, object]:
        """Return it as JSON-ready data, with shares grouped *by* the given dimensions."""
        data: dict[str, object] = {"name": self.ruleset.name, "version": self.ruleset.version}
        data["rules"] = [_with_shares(tally.to_dict("rule"), tally, by) for tally in self.ordered_rules]
        data["signals"] = [_with_shares(tally.to_dict("signal"), tally, by) for tally in self.ordered_signals]
        data["actions"] = self.actions()
        data["by_engine"] = self.refused
        data["never_known"] = self.never_known
        if self.unknown_at_start:
            data["unknown_at_start"] = dict(self.unknown_at_start)
        if self.transfers is not None:
            data["transfers"] = self.transfers
        return data


def _with_shares(data: dict[str, object], tally: RuleTally, by: Sequence[str]) -> dict[str, object]:
    if by:
        data["by"] = {name: shares(tally, name) for name in by}
    return data


def shares(tally: RuleTally, by: str) -> dict[str, float | None]:
    """Return the share of samples on which a rule or signal was on, by node, gpu, hour, weekday, or label.

    Raises:
        ValueError: the back-test was not asked to count by it.
    """
    if by in ("node", "gpu") and by not in tally.by:
        raise ValueError(f"nothing was counted by {by}")
    found: Iterable[tuple[str, Sequence[int]]]
    match by:
        case "node":
            found = sorted(tally.by_node.items())
        case "gpu":
            found = sorted(tally.by_gpu.items())
        case "hour":
            week = tally.week.reshape(2, 7, 24).sum(axis=1)
            found = [(str(n), (int(week[0, n]), int(week[1, n]))) for n in range(24)]
        case "weekday":
            week = tally.week.reshape(2, 7, 24).sum(axis=2)
            found = [(day, (int(week[0, n]), int(week[1, n]))) for n, day in enumerate(DAYS)]
        case _:
            found = sorted(tally.by_label.items())
    return {name: on / samples if samples else None for name, (samples, on) in found if samples or by != "label"}


@dataclass(slots=True)
class BacktestResult:
    """The result of a back-test."""

    data: Data
    rulesets: list[RulesetResult]
    partings: dict[str, Parting] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    bucket_seconds: float = 3600.0

    @classmethod
    def of(cls, rulesets: Sequence[Ruleset]) -> "BacktestResult":
        """Return an empty result."""
        return cls(Data(), [RulesetResult(ruleset) for ruleset in rulesets])

    def add(self, result: NodeResult) -> None:
        """Add the result of a node."""
        self.data.add(result)
        for mine, judged in zip(self.rulesets, result.judged, strict=True):
            mine.add(judged.rules, judged.signals, judged.refused)
        for name, profile in result.profiles.items():
            if name in self.profiles:
                self.profiles[name].merge(profile)
            else:
                self.profiles[name] = profile
        for parting in result.partings:
            if parting.rule in self.partings:
                self.partings[parting.rule].merge(parting)
            else:
                self.partings[parting.rule] = parting

    def to_dict(self, by: Sequence[str] = ()) -> dict[str, object]:
        """Return it as JSON-ready data."""
        data: dict[str, object] = {"data": self.data.to_dict()}
        data["rulesets"] = [ruleset.to_dict(by) for ruleset in self.rulesets]
        if len(self.rulesets) == 2:
            data["differences"] = [self.partings[name].to_dict() for name in sorted(self.partings)]
        return data


def never_known(ruleset: Ruleset, recorded: frozenset[str]) -> dict[str, list[str]]:
    """Return the rules and signals that read GPU fields without recorded values, with these fields.

    *recorded* are the columns that have a value somewhere. A rule that asks whether such a field is missing is known
    all the same, so these are candidates: what the back-test finds UNKNOWN on every sample is never known.
    """
    signals = {name: signal.condition for name, signal in ruleset.signals.items()}
    found: dict[str, list[str]] = {}
    for name, term in [*((rule.name, rule.term) for rule in ruleset.rules if rule.enabled), *signals.items()]:
        absent = {
            f.name for f in ir.fields(term) if f.is_per_gpu and not f.declared and _column(f.attribute) not in recorded
        }
        if absent:
            found[name] = sorted(absent)
    return found


def _column(attribute: str) -> str:
    return "index" if attribute == "index_number" else attribute
