"""Signals that are moved on together are where they are when each is moved on alone."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from gpurules.backends.facts import EvaluationContext
from gpurules.engine.state.derived_state import DerivedState
from gpurules.engine.state.signals import HysteresisState, Transition
from gpurules.model import GPU, Snapshot
from gpurules.rules import Ruleset, loads
from tests.cases import examples

CONDITIONS = (
    "gpu_memory > 80",
    "gpu_memory > 50",
    "gpu_memory < 50 AND gpu_temperature > 60",
    "gpu_temperature >= 80 AND gpu_count > 1",
    "gpu_memory IS MISSING",
    "avg_over_time(gpu_temperature[20s]) > 60",
    "active_training",
    "gpu_count == 0",
    "max(gpu_memory) > 80",
    "gpu_memory > gpu_utilization OR gpu_memory > 85",
    "first",
    "NOT first",
)
UNTIL = ("gpu_memory < 50", "gpu_temperature IS MISSING", "gpu_count != 1", "first")
DURATIONS = st.sampled_from(["0s", "5s", "10s", "20s"])


@st.composite
def rulesets(draw: st.DrawFn) -> Ruleset:
    """Draw signals that are looked up, signals that are not, and signals that read others; some of them alike."""
    lines = [f"  first: {{condition: {draw(st.sampled_from(CONDITIONS[:9]))!r}, for: {draw(DURATIONS)}}}"]
    for number in range(draw(st.integers(1, 8))):
        parts = [f"condition: {draw(st.sampled_from(CONDITIONS))!r}"]
        parts += [f"{key}: {draw(DURATIONS)}" for key in ("for", "keep_for") if draw(st.booleans())]
        if draw(st.integers(0, 2)) == 0:
            parts.append(f"until: {draw(st.sampled_from(UNTIL))!r}")
        lines.append(f"  s{number}: {{{', '.join(parts)}}}")
    stale = draw(st.sampled_from(["release", "hold"]))
    head = f"version: 1\nname: drawn\nsettings: {{stale_after: 12s, on_stale: {stale}}}\nsignals:\n"
    return loads(head + "\n".join(lines))


VALUES = st.none() | st.sampled_from([10, 50, 55, 80, 85, 90])
STEPS = st.tuples(
    st.sampled_from([1, 4, 5, 10, 13]),
    st.dictionaries(st.integers(0, 2), st.tuples(VALUES, VALUES), max_size=3),
    st.booleans(),
    st.sampled_from(["", "", "", "settle", "restate", "shift", "adopt"]),
)


def in_order(transitions: tuple[Transition, ...], present: set[str]) -> list[object]:
    """Return transitions; those of GPUs that are gone by name, since nothing says in which order they went."""
    gone = [t for t in transitions if t.owner and t.owner not in present]
    return [[t for t in transitions if t not in gone], sorted(map(repr, gone))]


def states(derived: DerivedState) -> Mapping[str, Mapping[str, HysteresisState]]:
    """Return all states, settled."""
    return {name: dict(found) for name, found in derived.signals.states.items()}


class Pair:
    """One ruleset twice: together and one by one."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.both = [self.made(minimum) for minimum in (1, 10**9)]

    def made(self, minimum: int) -> DerivedState:
        class Chosen(DerivedState):
            min_together = minimum

        return Chosen(self.ruleset)

    def disturb(self, how: str) -> None:
        """Do what happens between snapshots."""
        for number, derived in enumerate(self.both):
            if how == "settle":
                states(derived)
            elif how == "shift":
                derived.shift(3.0)
            elif how == "adopt":
                self.both[number] = self.made(derived.min_together)
                self.both[number].adopt(derived)


@settings(max_examples=examples(250))
@given(rulesets(), st.lists(STEPS, min_size=2, max_size=12))
def test_signals_are_where_they_are_when_each_is_moved_on_alone(
    ruleset: Ruleset, steps: list[tuple[int, dict[int, tuple[float | None, float | None]], bool, str]]
) -> None:
    pair, now = Pair(ruleset), 1000.0
    for seconds, readings, is_training, between in steps:
        now += seconds
        gpus = tuple(
            GPU(index=index, uuid=f"GPU-{index}", memory=memory, temperature=temperature)
            for index, (memory, temperature) in readings.items()
        )
        snapshot, present = Snapshot(timestamp=now, gpus=gpus), {gpu.identity for gpu in gpus}
        node = {"active_training": is_training}
        for again in (False, True) if between == "restate" else (False,):
            found = [
                (derived.restate if again else derived.observe)(snapshot, node, EvaluationContext())
                for derived in pair.both
            ]
            (facts, changes), (wanted_facts, wanted_changes) = found
            assert facts.rows == wanted_facts.rows
            assert facts.node_row == wanted_facts.node_row
            assert in_order(changes, present) == in_order(wanted_changes, present)
        pair.disturb(between)
        if between == "shift":
            now += 3
    assert states(pair.both[0]) == states(pair.both[1])
