"""Windows against values worked out by hand."""

import math

import pytest

from gpurules.engine.state.history import _FUNCTIONS as WINDOWED
from gpurules.engine.state.history import MAX_SAMPLES, History, Series, over_time, predict, quantile
from gpurules.fields import FIELDS
from gpurules.language.terms import ir
from gpurules.model import NUMBER
from tests.factories import engine, gpu, one_gpu, ruleset, snapshot

TIMES = [0.0, 10.0, 20.0, 30.0]
VALUES = [2.0, 4.0, 4.0, 6.0]


def window(function: str, seconds: float = 60.0, parameter: float | None = None) -> ir.Window:
    return ir.Window(function, FIELDS["gpu_power"], seconds, parameter, NUMBER)


def over(function: str, parameter: float | None = None, samples: object = None, now: float = 30.0) -> object:
    return over_time(window(function, parameter=parameter), samples or (TIMES, VALUES), now)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("avg_over_time", 4.0),
        ("max_over_time", 6.0),
        ("min_over_time", 2.0),
        ("sum_over_time", 16.0),
        ("count_over_time", 4),
        ("stddev_over_time", math.sqrt(2)),
        ("last_over_time", 6.0),
        ("delta", 4.0),
        ("rate", 4 / 30),
        ("increase", 4.0),
        ("deriv", 0.12),  # least squares by hand: sum of (t - 15)(v - 4) over sum of (t - 15)^2 is 60 / 500
        ("changes", 2),
    ],
)
def test_a_function_of_the_samples(function: str, value: float) -> None:
    assert over(function) == pytest.approx(value)


@pytest.mark.parametrize(("share", "value"), [(0, 1), (0.25, 1.75), (0.5, 2.5), (0.9, 3.7), (1, 4)])
def test_a_quantile_lies_between_the_nearest_ranks(share: float, value: float) -> None:
    assert quantile([4, 1, 3, 2], share) == pytest.approx(value)
    assert quantile([7.0], share) == 7.0


def test_a_fall_is_a_reset_after_which_the_counter_counts_from_zero() -> None:
    assert over("rate", samples=([0, 10, 20, 30], [100, 110, 5, 15])) == pytest.approx((10 + 5 + 10) / 30)
    assert over("rate", samples=([0, 10, 20], [10, 0, 0])) == 0.0
    assert over("rate", samples=([0, 10], [5, 3])) == pytest.approx(3 / 10)


def test_after_a_fall_an_increase_counts_the_new_value() -> None:
    assert over("increase", samples=([0, 10, 20, 30], [100, 110, 5, 15])) == 10 + 5 + 10
    assert over("increase", samples=([0, 10, 20], [10, 0, 0])) == 0
    assert over("increase", samples=([0, 10, 20], [2**53, 2**53 + 1, 2**53 + 3])) == 3


def test_the_slope_of_equal_samples_is_zero_and_not_what_rounding_leaves() -> None:
    times = [0.1 * n for n in range(10)]
    assert over("deriv", samples=(times, [0.1] * 10)) == 0
    assert over("predict_linear", 60.0, (times, [0.1] * 10), 1.0) == 0.1
    assert over("deriv", samples=([5.0, 5.0], [1.0, 2.0])) is None, "there is no slope within one instant"


def test_changes_are_counted_between_neighbors() -> None:
    assert [over("changes", samples=(list(range(len(v))), v)) for v in ([4], [4, 4], [4, 1, 4], [1, 2, 2, 3])] == [
        0, 0, 2, 2,
    ]  # fmt: skip


def test_delta_knows_no_resets() -> None:
    assert over("delta", samples=([0, 10], [5, 3])) == -2


def test_least_squares_lead_on() -> None:
    assert over("predict_linear", 60.0, ([0, 10, 20], [0.0, 1.0, 2.0]), 20.0) == pytest.approx(8.0)
    assert over("predict_linear", 60.0, ([0, 10, 20], [1.0, 1.0, 1.0]), 20.0) == pytest.approx(1.0)
    assert over("predict_linear", -20.0, ([0, 10, 20], [0.0, 1.0, 2.0]), 20.0) == pytest.approx(0.0)
    # slope of (0, 0), (10, 3), (20, 3): 0.15; mean 2 at 10 s
    assert predict(([0, 10, 20], [0.0, 3.0, 3.0]), 20.0, 10.0) == pytest.approx(2 + 0.15 * 20)


def test_a_line_in_the_year_2026_is_not_lost_in_rounding() -> None:
    start = 1767225600.0
    times = [start + 5 * n for n in range(100)]
    values = [50 + 0.01 * n for n in range(100)]
    assert predict((times, values), times[-1], 60.0) == pytest.approx(50 + 0.01 * (99 + 12), abs=1e-6)


@pytest.mark.parametrize("function", ["delta", "rate", "increase", "deriv", "predict_linear"])
def test_growth_needs_two_samples(function: str) -> None:
    assert over(function, 60.0, ([0], [1.0])) is None


@pytest.mark.parametrize("function", ["avg_over_time", "count_over_time", "quantile_over_time", "delta"])
def test_without_samples_it_is_missing(function: str) -> None:
    assert over_time(window(function, parameter=0.5), ([], []), 0.0) is None


@pytest.mark.parametrize(
    ("function", "values"),
    [
        ("sum_over_time", [1.7e308, 1.7e308]),
        ("avg_over_time", [1.7e308, 1.7e308]),
        ("stddev_over_time", [-1.7e308, 1.7e308]),
        ("delta", [-1.7e308, 1.7e308]),
        ("rate", [1.7e308, 0.0, 1.7e308, 0.0, 1.7e308]),
        ("increase", [0.0, 1.7e308, 0.0, 1.7e308]),
        ("deriv", [-1.7e308, 1.7e308]),
    ],
)
def test_what_leaves_the_doubles_is_missing(function: str, values: list[float]) -> None:
    times = [0.5 * place for place in range(len(values))]
    assert over(function, samples=(times, values)) is None


def test_a_window_is_open_at_its_start_and_closed_at_its_end() -> None:
    series = Series()
    for time in (0.0, 10.0, 20.0):
        series.add(time, time, 100.0)
    assert series.window(20.0, 20.0) == ([10.0, 20.0], [10.0, 20.0])
    assert series.window(20.0, 20.1) == ([0.0, 10.0, 20.0], [0.0, 10.0, 20.0])
    assert series.window(35.0, 15.0) == ([], [])


def test_samples_are_kept_as_long_as_the_longest_window_and_bounded() -> None:
    history = History([window("avg_over_time", 10.0), window("max_over_time", 100.0)])
    for second in range(1000):
        history.add("GPU-a", "gpu_power", float(second), float(second))
    assert history.sample_count < 150
    assert history.value(window("count_over_time", 100.0), "GPU-a", 999.0) == 100
    assert history.value(window("min_over_time", 10.0), "GPU-a", 999.0) == 990.0


def test_a_series_never_grows_beyond_its_bound() -> None:
    series = Series()
    for number in range(MAX_SAMPLES + 1000):
        series.add(number / 1000, 1.0, 1e9)
    assert len(series.times) <= MAX_SAMPLES + 64


def test_owners_that_are_gone_are_forgotten() -> None:
    history = History([window("avg_over_time", 60.0)])
    history.add("GPU-a", "gpu_power", 0.0, 1.0)
    history.forget(59.0)
    assert history.sample_count == 1
    history.forget(60.0)
    assert history.sample_count == 0


def test_missing_samples_are_skipped() -> None:
    history = History([window("avg_over_time")])
    for time, value in ((0.0, 1.0), (5.0, None), (10.0, 3.0)):
        history.add("GPU-a", "gpu_power", time, value)
    assert history.value(window("avg_over_time"), "GPU-a", 10.0) == 2.0
    assert history.value(window("avg_over_time"), "GPU-b", 10.0) is None


# in the engine


def test_each_gpu_is_remembered_by_its_uuid() -> None:
    running = engine(ruleset("  - {name: a, condition: 'delta(gpu_temperature[1m]) >= 10', action: pause_transfer}\n"))
    running.observe(snapshot(gpu(0, uuid="GPU-a", temperature=50), gpu(1, uuid="GPU-b", temperature=50)))
    running.observe(snapshot(gpu(0, uuid="GPU-b", temperature=55), gpu(1, uuid="GPU-a", temperature=60), at=30))
    assert [m.devices for m in running.decide().matched] == [(1,)]


def test_a_window_over_the_node() -> None:
    running = engine(
        ruleset("  - {name: a, condition: 'avg_over_time(pending_transfers[1m]) > 10', action: pause_transfer}\n")
    )
    for step, pending in enumerate([0, 30, 30]):
        running.observe(one_gpu(5 * step), node={"pending_transfers": pending})
    assert running.decide().rules == ("a",)


def test_stateless_evaluation_holds_just_this_snapshot() -> None:
    rules = ruleset(
        "  - {name: max, condition: 'max_over_time(gpu_power[1m]) > 5W', action: pause_transfer}\n"
        "  - {name: count, condition: 'count_over_time(gpu_power[1m]) == 1', action: pause_transfer}\n"
        "  - {name: delta, condition: 'delta(gpu_power[1m]) IS MISSING', action: pause_transfer}\n"
        "  - {name: stddev, condition: 'stddev_over_time(gpu_power[1m]) == 0W', action: pause_transfer}\n"
    )
    assert rules.evaluate(one_gpu(power=6)).rules == ("max", "count", "delta", "stddev")
    assert rules.evaluate(one_gpu()).rules == ("delta",)


def test_aggregates_of_windows_are_those_of_all_gpus() -> None:
    running = engine(
        ruleset("  - {name: a, condition: 'max(avg_over_time(gpu_power[1m])) == 20W', action: pause_transfer}\n")
    )
    running.observe(snapshot(gpu(0, power=10), gpu(1, power=1)))
    running.observe(snapshot(gpu(0, power=30), gpu(1, power=1), at=5))
    assert running.decide().rules == ("a",)


@pytest.mark.parametrize("function", [*sorted(WINDOWED), "quantile_over_time", "predict_linear"])
@pytest.mark.parametrize(
    "samples",
    [
        ([0.0, 1e200], [1e308, -1e308]),
        ([0.0, 1e308], [1e308, 1e308]),
        ([-1e308, 1e308], [0, 1]),
        ([0, 5e-324], [0, 1e308]),
    ],
    ids=["far times", "large values", "a span that is not a number", "an instant"],
)
def test_what_leaves_the_doubles_is_missing_and_never_raises(function: str, samples: object) -> None:
    found = over(function, 0.5, samples, now=1e308)
    assert found is None or math.isfinite(found)  # type: ignore[arg-type]
