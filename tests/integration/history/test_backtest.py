"""Back-tests: the kernel and the engine count the same, over days and processes, and by hand."""

import csv
import pickle
import random
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path

import pytest

from gpurules.history.backtest.judge import Ask, NodeResult, judge
from gpurules.history.backtest.limits import Limit, LimitError
from gpurules.history.backtest.local import AHEAD, in_processes
from gpurules.history.backtest.result import BacktestResult
from gpurules.history.backtest.run import Backtest, run
from gpurules.history.backtest.statistics.episodes import EpisodeRecorder
from gpurules.history.backtest.statistics.value_counts import MOST_DISTINCT, ValueCounts
from gpurules.history.backtest.task import NodeTask
from gpurules.history.kernel.plan import KernelPlan
from gpurules.history.store.reader import Fields
from gpurules.history.store.simulated import Month, write_month
from gpurules.history.store.storage import Storage
from gpurules.history.store.writer import StoreWriter
from gpurules.model import Snapshot
from gpurules.rules import Ruleset, load, loads
from tests.factories import NEW_YEAR, gpu, ruleset, snapshot
from tests.history_cases import history_of, ruleset_of

SERIES = Path(__file__).resolve().parents[4] / "shared" / "data" / "timeseries"
PLATO_COLUMNS = "timestamp,utilization.gpu,utilization.memory,memory.used,memory.free,temperature.gpu,power.draw"
RULES = """
- {name: busy, condition: gpu_utilization > 50, action: pause_transfer}
- {name: warm, condition: gpu_temperature > 40C, action: pause_transfer}
"""
HEAD = "signals: {load: {condition: gpu_utilization > 50, until: gpu_utilization < 20, for: 3s, keep_for: 5s}}"


def summary(result: BacktestResult) -> dict[str, object]:
    """Return what a back-test says, but for which of it the engine had to say, and which fields were missing."""
    data = result.to_dict(("node", "gpu", "hour", "weekday"))
    for one in data["rulesets"]:  # type: ignore[attr-defined]
        one["by_engine"] = {}
        for item in (*one["rules"], *one["signals"]):
            item.pop("unknown_because", None)
            item["episode_seconds"] = {
                name: value and round(value, 6) for name, value in item["episode_seconds"].items()
            }
    return data


def run_over(place: Path, *rulesets: Ruleset, engine: str = "kernel", jobs: int = 1) -> BacktestResult:
    return run(Backtest(rulesets, [str(place)], engine, ("node", "gpu")), in_processes(jobs))


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return three days of two nodes of three GPUs."""
    place = tmp_path_factory.mktemp("month")
    list(write_month(Storage(place), Month(nodes=2, gpus=3, days=3, interval=60.0, seed=3)))
    return place


def test_the_kernel_counts_what_the_engine_counts_over_days(month: Path) -> None:
    rules = load("gpurules:coordinator")
    assert summary(run_over(month, rules)) == summary(run_over(month, rules, engine="replay"))


def test_processes_change_nothing(month: Path) -> None:
    rules = load("gpurules:coordinator")
    assert run_over(month, rules, jobs=2).to_dict() == run_over(month, rules).to_dict()


def test_a_month_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        list(write_month(Storage(tmp_path / name), Month(nodes=1, gpus=2, days=1, interval=300.0)))
    rules = load("gpurules:coordinator")
    assert run_over(tmp_path / "one", rules).to_dict() == run_over(tmp_path / "two", rules).to_dict()


@pytest.mark.parametrize("seed", range(25))
def test_random_rulesets_count_alike_in_every_evaluator(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    rules = ruleset_of(rng)
    with StoreWriter(Storage(tmp_path), "n", rng.choice([5.0, 1e9])) as writer:
        for one, node in history_of(rng):
            writer.add(one, node)
    if writer.written:
        assert summary(run_over(tmp_path, rules)) == summary(run_over(tmp_path, rules, engine="replay"))


def test_counts_are_those_that_one_works_out_by_hand(tmp_path: Path) -> None:
    values = [10, 60, 60, None, 60, 10, 10, 60, 60, 10]  # at 0, 10, … 90 s
    with StoreWriter(Storage(tmp_path), "n") as writer:
        for n, value in enumerate(values):
            writer.add(snapshot(gpu(utilization=value, temperature=30), at=10.0 * n))
    rules = ruleset(RULES, HEAD)
    data = run_over(tmp_path, rules).to_dict()
    busy, warm = data["rulesets"][0]["rules"]  # type: ignore[index]
    (load_,) = data["rulesets"][0]["signals"]  # type: ignore[index]
    assert data["data"]["samples"] == data["data"]["snapshots"] == 10  # type: ignore[index]
    assert (busy["on_share"], busy["unknown_share"], busy["episodes"]) == (0.5, 0.1, 3)
    assert busy["episode_seconds"]["max"] == 20.0 and busy["unknown_because"] == {"gpu_utilization": 1}
    assert (busy["first"], busy["last"]) == (NEW_YEAR + 10, NEW_YEAR + 80)
    assert (warm["on_share"], warm["episodes"], warm["first"]) == (0.0, 0, None)
    # TRUE since 10, on at 20; the end begins at 50 and is due at 60; TRUE since 70, on at 80, and on at the end
    assert (load_["on_share"], load_["episodes"]) == (0.6, 2)
    assert load_["episode_seconds"]["max"] == 40.0
    assert load_["flaps"] == 1  # off at 60, on again at 80
    assert load_["flaps_per_hour"] == pytest.approx(1 / (90 / 3600))


def test_an_episode_that_reaches_over_midnight_is_one(tmp_path: Path) -> None:
    with StoreWriter(Storage(tmp_path), "n") as writer:
        for n in range(-5, 6):
            writer.add(snapshot(gpu(utilization=90, temperature=30), at=86_400.0 + 10.0 * n))
    (busy, _) = run_over(tmp_path, ruleset(RULES)).to_dict()["rulesets"][0]["rules"]  # type: ignore[index]
    assert (busy["episodes"], busy["episode_seconds"]["max"]) == (1, 100.0)


def test_what_doubles_cannot_represent_is_evaluated_by_the_engine_and_reported(tmp_path: Path) -> None:
    with StoreWriter(Storage(tmp_path), "n") as writer:
        for n in range(3):
            writer.add(snapshot(gpu(memory_used=2**53 + n, temperature=90), at=10.0 * n))
    rules = ruleset(f"- {{name: big, condition: 'gpu_memory_used > {2**53 + 1}B', action: pause_transfer}}" + RULES)
    (one,) = run_over(tmp_path, rules).rulesets
    assert one.rules["big"].on == 1, "2**53 + 2 alone is above it, which no double holds"
    assert one.rules["warm"].on == 3
    assert list(one.refused) == ["big"] and "2**53" in one.refused["big"]


def test_two_rulesets_part_where_their_thresholds_do(tmp_path: Path) -> None:
    with StoreWriter(Storage(tmp_path), "n") as writer:
        for n, value in enumerate([30, 60, 80, 60, 30]):
            writer.add(snapshot(gpu(utilization=value), at=10.0 * n))
    form = "- {{name: busy, condition: gpu_utilization > {0}, action: pause_transfer}}"
    data = run_over(tmp_path, ruleset(form.format(50)), ruleset(form.format(70))).to_dict()
    (parting,) = data["differences"]  # type: ignore[misc]
    assert (parting["rule"], parting["snapshots"]) == ("busy", 2)
    assert [(m["timestamp"] - NEW_YEAR, m["matches_in"]) for m in parting["examples"]] == [(10.0, 0), (30.0, 0)]


def test_a_rule_whose_field_is_never_recorded_can_never_be_known(tmp_path: Path) -> None:
    with StoreWriter(Storage(tmp_path), "n") as writer:
        writer.add(snapshot(gpu(utilization=5)))
    (one,) = run_over(tmp_path, ruleset(RULES)).rulesets
    assert one.never_known == {"warm": ["gpu_temperature"]}


def test_daylight_saving_moves_the_hours_of_shares_and_of_conditions(tmp_path: Path) -> None:
    start = 1774746000.0  # 2026-03-29 01:00 UTC, when the clocks of Berlin go from 2 to 3
    with StoreWriter(Storage(tmp_path), "n") as writer:
        for n in range(-6, 6):
            writer.add(Snapshot(timestamp=start + 600.0 * n, gpus=(gpu(),)))
    text = "version: 1\nname: z\nsettings: {timezone: Europe/Berlin}\nrules:\n"
    rules = loads(text + "- {name: two, condition: hour == 2, action: pause_transfer}\n"
                         "- {name: three, condition: hour == 3, action: pause_transfer}\n")  # fmt: skip
    (one,) = run_over(tmp_path, rules).rulesets
    assert (one.rules["two"].on, one.rules["three"].on) == (0, 6)
    hours = one.rules["three"].week[0].reshape(7, 24)[6]
    assert (hours[1], hours[2], hours[3]) == (6, 0, 6)


def test_episodes_of_owners_that_come_and_go_end_when_they_are_gone() -> None:
    episodes = EpisodeRecorder()
    episodes._begin("a", 0.0)
    episodes.finish(30.0)
    assert (len(episodes.lengths), episodes.lengths.greatest) == (1, 30.0)


def test_limits_are_read_as_people_write_them() -> None:
    limit = Limit.parse("a rule.name.on_share <= 5%")
    assert (limit.name, limit.measure, limit.comparator, limit.value) == ("a rule.name", "on_share", "<=", 0.05)
    assert Limit.parse("hot.max_seconds > 2m").value == 120.0
    for text, remedy in (("hot", "write NAME.MEASURE"), ("hot.on_shar > 1", "did you mean"), ("hot.flaps > 1e", "no")):
        with pytest.raises(LimitError, match=remedy):
            Limit.parse(text)


def series(name: str) -> Path:
    path = SERIES / name
    if not path.exists():
        pytest.skip("the recorded series are not at hand")
    return path


def plain_rows(path: Path) -> list[tuple[float, float, float]]:
    """Return time, utilization and temperature of each row, in plain Python."""
    with path.open(newline="") as file:
        listed = list(csv.reader(file, skipinitialspace=True))
    if not listed[0][0].startswith("20"):
        head = [name.split(" [")[0] for name in listed.pop(0)]
    else:
        head = PLATO_COLUMNS.split(",")
    rows = []
    for line in listed:
        cells = dict(zip(head, line, strict=False))
        time = datetime.strptime(cells["timestamp"] + "+0000", "%Y/%m/%d %H:%M:%S.%f%z").timestamp()
        number = [float(cells[name].split()[0]) for name in ("utilization.gpu", "temperature.gpu")]
        if not rows or time > rows[-1][0]:
            rows.append((time, *number))
    return rows


@pytest.mark.parametrize(
    ("name", "options"), [("miris_gpu_log.csv", {}), ("plato_gpu_log.csv", {"columns": PLATO_COLUMNS})]
)
def test_recorded_series_give_the_numbers_of_a_script_in_plain_python(name: str, options: dict[str, object]) -> None:
    path = series(name)
    rows = plain_rows(path)
    busy = [utilization > 50 for _, utilization, _ in rows]
    starts, streak, on, ending, episodes, on_samples = 0, None, False, None, 0, 0
    for time, utilization, _ in rows:  # the signal: above 50 for 3 s; below 20 ends it 5 s later
        if utilization > 50:
            streak, ending = (time if streak is None else streak), None
            if not on and time - streak >= 3:
                on, episodes = True, episodes + 1
        else:
            streak = None
            if on:
                ending = time if ending is None and utilization < 20 else ending
                on = not (ending is not None and time - ending >= 5)
        on_samples += on
    starts = sum(now and not before for before, now in zip([False, *busy], busy, strict=False))
    result = run(Backtest([ruleset(RULES, HEAD)], [str(path)], options=options), in_processes(1))
    (one,) = result.rulesets
    assert one.rules["busy"].samples == len(rows)
    assert (one.rules["busy"].on, len(one.rules["busy"].episodes)) == (sum(busy), starts)
    assert one.rules["warm"].on == sum(temperature > 40 for _, _, temperature in rows)
    assert (one.signals["load"].on, len(one.signals["load"].episodes)) == (on_samples, episodes)


def test_two_rulesets_that_forget_lost_gpus_at_different_times_are_counted_each_by_itself(tmp_path: Path) -> None:
    with StoreWriter(Storage(tmp_path), "n") as writer:
        for n in range(60):
            here = (gpu(index=0, uuid="a", utilization=90), gpu(index=1, uuid="b", utilization=90))
            writer.add(snapshot(*here[: 1 if 20 <= n < 50 else 2], at=10.0 * n))
    early, late = (ruleset(RULES, f"settings: {{forget_gpu_after: {text}}}") for text in ("20s", "2m"))
    alone = [run_over(tmp_path, one).rulesets[0].to_dict(("gpu", "node")) for one in (early, late)]
    assert alone[0]["rules"][0]["samples"] < alone[1]["rules"][0]["samples"]  # type: ignore[index]
    for pair in ((early, late), (late, early)):
        together = [one.to_dict(("gpu", "node")) for one in run_over(tmp_path, *pair).rulesets]
        assert together == (alone if pair[0] is early else alone[::-1])


class Pool:
    """A pool that evaluates at once, and notes how many results are held that no one has taken yet."""

    def __init__(self, *given: object) -> None:
        self.futures: list[weakref.ref[Future[NodeResult]]] = []
        pools.append(self)

    def submit(self, work: Callable[[NodeTask], NodeResult], task: NodeTask) -> Future[NodeResult]:
        done: Future[NodeResult] = Future()
        done.set_result(work(task))
        self.futures.append(weakref.ref(done))
        return done

    @property
    def held(self) -> int:
        return sum(one() is not None for one in self.futures)

    def shutdown(self, **given: object) -> None:
        pass


pools: list[Pool] = []


def test_results_of_few_nodes_are_held_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    list(write_month(Storage(tmp_path), Month(nodes=40, gpus=1, days=1, interval=3600.0)))
    monkeypatch.setattr("gpurules.history.backtest.local.ProcessPoolExecutor", Pool)
    asked, names, most = Backtest([ruleset(RULES)], [str(tmp_path)]), [], 0
    plan = KernelPlan.of(ruleset(RULES))
    for result in in_processes(2)(asked.tasks(), Ask((plan,))):
        names.append(result.node)
        most = max(most, pools[-1].held)
    assert names == sorted(names) and len(names) == 40
    assert most <= 2 * AHEAD


def test_results_are_added_in_the_order_of_nodes_however_they_come(tmp_path: Path) -> None:
    list(write_month(Storage(tmp_path), Month(nodes=7, gpus=2, days=1, interval=600.0)))
    asked = Backtest([load("gpurules:coordinator")], [str(tmp_path)], by=("node", "gpu"))

    def shuffled(tasks: Sequence[NodeTask], ask: Ask) -> Iterator[NodeResult]:
        results = [judge(task, ask) for task in tasks]
        random.Random(4).shuffle(results)
        yield from results

    assert run(asked, shuffled).to_dict(asked.by) == run(asked, in_processes(1)).to_dict(asked.by)


def test_what_is_kept_of_a_node_does_not_grow_with_its_history(tmp_path: Path) -> None:
    sizes = []
    for days in (2, 12):
        place = tmp_path / str(days)
        list(write_month(Storage(place), Month(nodes=1, gpus=4, days=days, interval=60.0, with_losses=False)))
        asked = Backtest([load("gpurules:coordinator")], [str(place)])
        (result,) = in_processes(1)(asked.tasks(), Ask((KernelPlan.of(asked.rulesets[0]),)))
        for one in (*result.judged[0].rules.values(), *result.judged[0].signals.values()):
            assert len(one.episodes.values()[0]) <= MOST_DISTINCT
            one.episodes = ValueCounts()
        result.findings.texts.clear()
        sizes.append(len(pickle.dumps(result)))
    assert sizes[1] < 1.02 * sizes[0]


def test_shares_that_were_not_counted_are_refused(tmp_path: Path) -> None:
    list(write_month(Storage(tmp_path), Month(nodes=1, gpus=1, days=1, interval=3600.0)))
    result = run(Backtest([ruleset(RULES)], [str(tmp_path)], by=("node",)), in_processes(1))
    with pytest.raises(ValueError, match="counted by gpu"):
        result.to_dict(("gpu",))


@pytest.mark.parametrize(("temperature", "looks"), [(30, 0), (None, 1)])
def test_files_are_looked_at_for_fields_only_where_a_rule_is_never_known(
    temperature: int | None, looks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StoreWriter(Storage(tmp_path), "n") as writer:
        for n in range(3):
            writer.add(snapshot(gpu(utilization=90, temperature=temperature), at=10.0 * n))
    asked: list[object] = []

    def counted(reader: object) -> Fields:
        asked.append(reader)
        return Fields(reader)  # type: ignore[arg-type]

    monkeypatch.setattr("gpurules.history.backtest.run.Fields", counted)
    (one,) = run_over(tmp_path, ruleset(RULES)).rulesets
    assert len(asked) == looks and list(one.never_known) == ["warm"] * looks
