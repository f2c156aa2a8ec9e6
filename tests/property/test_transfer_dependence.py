"""Where what transfers depend on is equal, so is every decision on a transfer, whatever else a snapshot says."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gpurules.backends import Facts, RuleTerm
from gpurules.backends.python import arguments
from gpurules.backends.straight import mask_functions
from gpurules.language import Environment, parse
from gpurules.language.terms import ir
from gpurules.model import GPU, Snapshot, Transfer, Workload
from gpurules.rules.transfer_dependence import TransferDependence
from tests.cases import examples
from tests.factories import NEW_YEAR

ENVIRONMENT = Environment()


PARTS = (
    "gpu_temperature > 40C",
    "any(gpu_temperature > 40C)",
    "count(gpu_temperature > 40C) >= 2",
    "transfer_size > 10",
    "transfer_size > gpu_memory_used",
    "transfer_size IS MISSING",
    "transfer_age > 2s",
    "(transfer_size > 10 OR gpu_temperature > 40C)",
    "NOT (transfer_size > 10 AND gpu_temperature > 40C)",
    "workload_type == 'training'",
    "gpu_count > 1",
    "all(gpu_temperature < 40C)",
)
GPUS = st.builds(
    GPU,
    index=st.integers(0, 1),
    temperature=st.sampled_from([None, 30.0, 50.0]),
    memory_used=st.sampled_from([None, 5, 50]),
    memory_total=st.just(100),
)
SNAPSHOTS = st.builds(
    Snapshot,
    timestamp=st.sampled_from([NEW_YEAR, NEW_YEAR + 2]),
    gpus=st.lists(GPUS, max_size=2, unique_by=lambda gpu: gpu.index).map(tuple),
)
TRANSFERS = st.builds(
    Transfer, size=st.sampled_from([None, 1, 20, 60]), created=st.sampled_from([None, NEW_YEAR - 1.0, NEW_YEAR - 9.0])
)
WORKLOADS = st.builds(Workload, type=st.sampled_from([None, "training"]), gpu_devices=st.sampled_from([(), (0,), (1,)]))


@st.composite
def rules(draw: st.DrawFn) -> RuleTerm:
    """Draw a rule of one to three parts."""
    parts = draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=3))
    term = ENVIRONMENT.condition(parse(" AND ".join(parts))).term
    return RuleTerm(term, ir.is_per_gpu(term), draw(st.sampled_from([False, False, True])))


@settings(max_examples=examples(300))
@given(
    st.lists(rules(), min_size=1, max_size=2), SNAPSHOTS, SNAPSHOTS,
    st.lists(st.tuples(TRANSFERS, WORKLOADS), min_size=1, max_size=8),
)  # fmt: skip
def test_transfers_are_decided_on_alike_where_what_they_depend_on_is_equal(
    drawn: list[RuleTerm], first: Snapshot, second: Snapshot, asked: list[tuple[Transfer, Workload]]
) -> None:
    dependence, functions = TransferDependence(drawn, None), mask_functions(drawn, None)
    nodes = [Facts(snapshot, snapshot.gpus) for snapshot in (first, second)]

    def mask(facts: Facts) -> int:
        return sum(function(*arguments(facts)) << place for place, function in functions)

    opened, is_like_no_other = dependence.of(nodes[0])
    if mask(nodes[0]) != mask(nodes[1]) or dependence.of(nodes[1]) != (opened, False) or is_like_no_other:
        return
    for transfer, workload in asked:
        about = [replace(node, transfer=transfer, workload=workload) for node in nodes]
        assert mask(about[0]) == mask(about[1])


def _dependence(condition: str) -> TransferDependence:
    found = ENVIRONMENT.condition(parse(condition))
    return TransferDependence([RuleTerm(found.term, ir.is_per_gpu(found.term))], None)


def _facts(temperature: float, at: float) -> Facts:
    snapshot = Snapshot(timestamp=NEW_YEAR + at, gpus=(GPU(index=0, temperature=temperature),))
    return Facts(snapshot, snapshot.gpus, Transfer(size=1))


def test_a_threshold_that_is_crossed_makes_a_difference_and_other_changes_do_not() -> None:
    dependence = _dependence("gpu_temperature > 80C AND transfer_size > 1GiB")
    assert dependence.of(_facts(70, 0)) == dependence.of(_facts(75, 1)) == (0, False)
    assert dependence.of(_facts(85, 2)) == dependence.of(_facts(90, 3)) == (1, False)


def test_a_part_that_reads_the_snapshot_and_the_transfer_makes_each_snapshot_another_while_its_rule_is_open() -> None:
    dependence = _dependence("gpu_temperature > 80C AND transfer_size > gpu_memory_free")
    assert dependence.of(_facts(85, 0)) == (1, True)
    assert dependence.of(_facts(70, 0)) == (0, False)


def test_the_age_of_a_transfer_makes_each_snapshot_another() -> None:
    dependence = _dependence("transfer_age > 10s")
    assert dependence.of(_facts(20, 0)) == (1, True)
