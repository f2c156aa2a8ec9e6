"""Outcomes of the rules and signals in one frame, whether from the kernel or the engine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from gpurules.backends.columnar import Groups, Mask, Numbers, Places, Truths
from gpurules.engine.state.signals import Transition
from gpurules.history.kernel.signals import Changes
from gpurules.rules import Rule


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of rows on which a mask is True, each of one owner and of consecutive snapshots, in order of rows.

    Shape: run *n* is the rows from ``starts[n]`` to ``ends[n]`` (excluded).
    """

    starts: Places
    ends: Places

    @classmethod
    def of(cls, mask: Mask, breaks: Places) -> "Runs":
        """Return the runs of *mask*; none goes over a row of *breaks*, which begins another owner or follows a gap."""
        edges = np.flatnonzero(mask[1:] != mask[:-1]) + 1
        if len(breaks):
            edges = np.sort(np.concatenate([edges, breaks]))  # np.unique hashes, which takes ten times as long
            edges = edges[np.append(True, edges[1:] != edges[:-1])]
        begins = np.append(0, edges) if len(mask) else edges
        is_on = mask[begins]
        return cls(begins[is_on], np.append(edges, len(mask))[: len(begins)][is_on])


@dataclass(frozen=True)
class Rows:
    """The rows that outcomes are about, in order of GPU and time.

    Units: ``times`` of the snapshots, in seconds since 1970.
    """

    times: Numbers
    groups: Groups
    owners: Sequence[str]
    owner: Places
    _runs: dict[tuple[int, bool], tuple[Mask, Runs]] = field(default_factory=dict)

    @cached_property
    def breaks(self) -> Places:
        """The rows, but for the first, that do not follow the one before: of another GPU, or after a gap."""
        number = self.groups.snapshot
        follows = (self.owner[1:] == self.owner[:-1]) & (number[1:] == number[:-1] + 1)
        return np.flatnonzero(~follows) + 1

    def runs(self, mask: Mask, per_gpu: bool) -> Runs:
        """Return where *mask* is True: of rows where it is *per_gpu*, else of snapshots; of a mask once."""
        found = self._runs.get((id(mask), per_gpu))
        if found is None:
            breaks = self.breaks if per_gpu else np.zeros(0, np.intp)
            found = self._runs[id(mask), per_gpu] = mask, Runs.of(mask, breaks)
        return found[1]


@dataclass(slots=True)
class KernelOutcome:
    """The outcomes of one frame.

    Shape: truths, and ``on``, have one entry per row if their rule is per GPU, else one per snapshot.
    ``changes`` are those of each signal, with the identities of the owners that their numbers stand for.
    ``refused`` lists the rules and signals that the kernel could not evaluate, and why.
    """

    rows: Rows
    rules: dict[str, Truths] = field(default_factory=dict)
    signals: dict[str, Truths] = field(default_factory=dict)
    on: dict[str, Mask] = field(default_factory=dict)
    changes: dict[str, tuple[Changes, Sequence[str]]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    causes: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def transitions(self) -> Iterator[Transition]:
        """The changes as the engine reports them, signal by signal, without the index of the GPU."""
        for name, (changes, owners) in self.changes.items():
            times = self.rows.times[changes.snapshot].tolist()
            listed = zip(
                changes.owner.tolist(), times, changes.on.tolist(), changes.lasted.tolist(), changes.is_stale.tolist(),
                strict=True,
            )  # fmt: skip
            for owner, at, on, lasted, is_stale in listed:
                yield Transition(name, owners[owner], None, on, at, lasted, "stale" if is_stale else None)


def changes_of(transitions: Sequence[Transition], times: Numbers) -> dict[str, tuple[Changes, Sequence[str]]]:
    """Return what the engine reports as changes of each signal, in order of owner and time."""
    by_signal: dict[str, list[Transition]] = {}
    for change in transitions:
        by_signal.setdefault(change.signal, []).append(change)
    found: dict[str, tuple[Changes, Sequence[str]]] = {}
    for name, given in by_signal.items():
        owners = {owner: n for n, owner in enumerate(dict.fromkeys(change.owner for change in given))}
        ordered = sorted(given, key=lambda change: (owners[change.owner], change.timestamp))
        found[name] = (
            Changes(
                np.array([owners[change.owner] for change in ordered], np.intp),
                np.searchsorted(times, [change.timestamp for change in ordered]),
                np.array([change.on for change in ordered], bool),
                np.array([change.lasted for change in ordered], np.float64),
                np.array([change.because is not None for change in ordered], bool),
            ),
            tuple(owners),
        )
    return found


def match_rules(rules: Sequence[Rule], truths: Mapping[str, Truths], groups: Groups) -> dict[str, Mask]:
    """Return where each rule matches: its condition is TRUE, and no rule of higher priority that stops does match.

    Shape: as the truths.
    """
    if not any(rule.stop and not rule.is_shadow for rule in rules):
        return {rule.name: truths[rule.name].true for rule in rules if rule.name in truths}
    found: dict[str, Mask] = {}
    limit = np.full(groups.count, -np.inf)
    for rule in rules:
        true = truths[rule.name].true
        is_open = rule.priority >= limit
        is_rows = rule.per_gpu and len(true) == len(groups.snapshot)
        found[rule.name] = true & (is_open[groups.snapshot] if is_rows else is_open)
        if rule.stop and not rule.is_shadow:
            hit = groups.counts(found[rule.name]) > 0 if is_rows else found[rule.name]
            limit = np.where(hit & np.isneginf(limit), rule.priority, limit)
    return found
