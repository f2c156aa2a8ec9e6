"""Where a scrape ends, whose it is, and what its labels are of."""

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from gpurules.model import Snapshot
from gpurules.telemetry import Replay, TelemetryError, replay
from gpurules.telemetry.formats.prometheus.samples import parse_sample

MIB = 1 << 20


@pytest.fixture
def play(tmp_path: Path) -> Any:
    def player(text: str, **options: Any) -> tuple[list[Snapshot], Replay]:
        (tmp_path / "scrape.prom").write_text(text)
        source = replay(tmp_path / "scrape.prom", **options)
        return list(source), source

    return player


def series(name: str, value: object, time: str = "", **labels: str) -> str:
    named = {"gpu": "0", "UUID": "GPU-a", "Hostname": "n1", **labels}
    labeled = ",".join(f'{key}="{text}"' for key, text in named.items() if text)
    return f"{name}{{{labeled}}} {value}{time}\n"


def scrape(temperature: int, comments: bool = True, time: str = "", **labels: str) -> str:
    metrics = (("DCGM_FI_DEV_GPU_TEMP", temperature), ("DCGM_FI_DEV_GPU_UTIL", 2 * temperature))
    heading = "# HELP {0} of the GPU\n# TYPE {0} gauge\n" if comments else ""
    return "".join(heading.format(name) + series(name, value, time, **labels) for name, value in metrics)


def temperatures(snapshots: list[Snapshot]) -> list[tuple[Any, ...]]:
    return [tuple(gpu.temperature for gpu in snapshot.gpus) for snapshot in snapshots]


POD = {"pod": "train-1", "container": "c", "namespace": "ns"}


@pytest.mark.parametrize("comments", [True, False])
@pytest.mark.parametrize("more", [POD, {"err_code": "31", "err_msg": "MMU"}, {"exported_pod": "x"}])
def test_labels_that_come_and_go_hide_no_end_of_a_scrape(play: Any, comments: bool, more: dict[str, str]) -> None:
    texts = [scrape(40, comments), scrape(41, comments), scrape(42, comments, **more), scrape(43, comments)]
    snapshots, source = play("".join(texts))
    assert (temperatures(snapshots), source.problem_count) == ([(40,), (41,), (42,), (43,)], 0)
    reported = {key: value for key, value in more.items() if not key.startswith("err")}
    assert [dict(snapshot.gpus[0].labels) for snapshot in snapshots] == [{}, {}, reported, {}]


@pytest.mark.parametrize("comments", [True, False])
def test_pods_that_share_a_gpu_are_of_one_scrape(play: Any, comments: bool) -> None:
    text = "".join(
        (f"# HELP {name} x\n" if comments else "") + "".join(series(name, value, pod=pod) for pod in ("a", "b", "c"))
        for name, value in (("DCGM_FI_DEV_GPU_TEMP", 40), ("DCGM_FI_DEV_GPU_UTIL", 7))
    )
    snapshots, _ = play(text * 2)
    assert temperatures(snapshots) == [(40,), (40,)]


def test_series_of_one_metric_that_differ_in_the_event_are_of_one_scrape(play: Any) -> None:
    events = series("DCGM_EXP_CLOCK_EVENTS_COUNT", 2, clock_event="gpu_idle", window_size_in_ms="300000") + series(
        "DCGM_EXP_CLOCK_EVENTS_COUNT", 1, clock_event="hw_thermal", window_size_in_ms="300000"
    )
    snapshots, _ = play((scrape(40) + events) * 2)
    assert temperatures(snapshots) == [(40,), (40,)]
    assert all("clock_event" not in snapshot.gpus[0].labels for snapshot in snapshots)


def test_a_time_that_changes_ends_a_scrape_even_where_no_series_comes_again(play: Any) -> None:
    one = series("DCGM_FI_DEV_GPU_TEMP", 40, " 1700000000000")
    two = series("DCGM_FI_DEV_GPU_UTIL", 7, " 1700000005000")
    snapshots, _ = play(one + two)
    assert [(s.timestamp, s.gpus[0].temperature, s.gpus[0].utilization) for s in snapshots] == [
        (1_700_000_000, 40, None),
        (1_700_000_005, None, 7),
    ]


@pytest.mark.parametrize(
    ("stamps", "times"),
    [
        (("1700000000", "1700000015"), (1_700_000_000, 1_700_000_015)),
        (("1700000000.25", "1700000015.5"), (1_700_000_000.25, 1_700_000_015.5)),
        (("1700000000000", "1700000015500"), (1_700_000_000, 1_700_000_015.5)),
    ],
)
@pytest.mark.parametrize("end", ["# EOF\n", ""])
def test_seconds_of_openmetrics_are_distinguished_from_milliseconds(
    play: Any, stamps: tuple[str, str], times: tuple[float, float], end: str
) -> None:
    snapshots, _ = play("".join(scrape(40 + n, time=f" {stamp}") for n, stamp in enumerate(stamps)) + end)
    assert tuple(snapshot.timestamp for snapshot in snapshots) == times
    assert temperatures(snapshots) == [(40,), (41,)]


@pytest.mark.parametrize("damaged", ["170000001500", "17000000150", "17000000150000", "-1", "99999999999999999"])
def test_a_time_of_the_other_unit_or_century_is_a_problem_and_its_sample_is_not_read(play: Any, damaged: str) -> None:
    text = scrape(40, time=" 1700000000000") + series("DCGM_FI_DEV_GPU_TEMP", 99, f" {damaged}")
    snapshots, source = play(text)
    assert (temperatures(snapshots), source.problem_count) == ([(40,)], 1)


def test_eof_ends_a_scrape(play: Any) -> None:
    one = series("DCGM_FI_DEV_GPU_TEMP", 40)
    snapshots, _ = play(one + "# EOF\n" + series("DCGM_FI_DEV_GPU_UTIL", 7) + "# EOF\n")
    assert [(s.gpus[0].temperature, s.gpus[0].utilization) for s in snapshots] == [(40, None), (None, 7)]


PREAMBLE = (
    "".join(f"# HELP go_family_{n} x\n# TYPE go_family_{n} gauge\ngo_family_{n} {n}\n" for n in range(120))
    + 'process_open_fds 8\nup{instance="n1:9400",job="dcgm"} 1\n'
)


def test_a_page_that_begins_with_metrics_of_the_exporter_is_read(play: Any) -> None:
    exporter = 'nvidia_smi_gpu_info{uuid="a",index="2"} 1\nnvidia_smi_fan_speed_ratio{uuid="a"} 0.38\n'
    for page, fact in ((scrape(40), "temperature"), (exporter, "fan_speed")):
        snapshots, source = play((PREAMBLE + page) * 3)
        assert [getattr(snapshot.gpus[0], fact) is not None for snapshot in snapshots] == [True] * 3
        assert source.problem_count == 0


@pytest.mark.parametrize("how", [str.lower, str.upper, str])
def test_names_are_read_in_any_case(play: Any, how: Any) -> None:
    text = series(how("DCGM_FI_DEV_FB_USED"), 1024) + series(how("DCGM_FI_PROF_GR_ENGINE_ACTIVE"), 0.25)
    (snapshot,), _ = play(text)
    assert (snapshot.gpus[0].memory_used, snapshot.gpus[0].utilization) == (1 << 30, 25)


def test_a_text_of_which_no_metric_is_known_is_refused_with_the_names_and_the_remedy(play: Any) -> None:
    text = series("DCGM_FI_DEV_ROOM_TEMP", 4) + series("DCGM_FI_DEV_NOISE", 2)
    with pytest.raises(TelemetryError, match=r"DCGM_FI_DEV_ROOM_TEMP, DCGM_FI_DEV_NOISE; .*--map OLD=NEW"):
        play(text)
    (snapshot,), _ = play(text, map="DCGM_FI_DEV_ROOM_TEMP=DCGM_FI_DEV_GPU_TEMP")
    assert snapshot.gpus[0].temperature == 4


def nodes(label: str, names: tuple[str, str] = ("node-a", "node-b")) -> str:
    samples = [
        series(metric, value, **{"UUID": f"GPU-{name}", "Hostname": "", label: name})
        for metric, values in (("DCGM_FI_DEV_GPU_TEMP", (40, 60)), ("DCGM_FI_DEV_FB_USED", (1000, 7000)))
        for name, value in zip(names, values, strict=True)
    ]
    return "".join(samples)


@pytest.mark.parametrize("label", ["Hostname", "instance", "node", "kubernetes_node"])
def test_a_text_of_several_nodes_is_refused_and_one_can_be_chosen(play: Any, label: str) -> None:
    text = nodes(label)
    with pytest.raises(TelemetryError, match=r"several nodes .node-a, node-b.; select one with --node node-a"):
        play(text)
    for node, temperature, used in (("node-a", 40, 1000), ("node-b", 60, 7000)):
        (snapshot,), _ = play(text, node=node)
        assert (snapshot.host, temperatures([snapshot])) == (node, [(temperature,)])
        assert snapshot.gpus[0].memory_used == used * MIB


def test_pages_of_several_nodes_one_after_the_other_are_refused(play: Any) -> None:
    with pytest.raises(TelemetryError, match="several nodes, n1 and n2"):
        play(scrape(40) + scrape(41, Hostname="n2", UUID="GPU-b"))


def test_gpus_of_one_index_and_two_identities_stay_two(play: Any) -> None:
    text = scrape(40).replace("# ", "#") + scrape(60, comments=False, UUID="GPU-b")
    snapshots, _ = play(text)
    assert sorted(temperatures(snapshots)[0]) == [40, 60]


def test_a_series_of_the_board_takes_no_fact_from_mig_instances(play: Any) -> None:
    instances = "".join(
        series(name, value, pci_bus_id="0:1", GPU_I_ID=part, GPU_I_PROFILE="1g.11gb", **pod)
        for name, values in (("DCGM_FI_DEV_SM_CLOCK", (1785, 1785)), ("DCGM_FI_DEV_FB_USED", (12, 9012)))
        for part, value, pod in zip(("7", "8"), values, ({}, {"pod": "p-1"}), strict=True)
    )
    event = series("DCGM_EXP_CLOCK_EVENTS_COUNT", 2, clock_event="gpu_idle")
    for text in (instances, instances + event, event + instances, instances + series("DCGM_FI_DEV_GPU_TEMP", 50)):
        (snapshot,), _ = play(text)
        assert [gpu.index for gpu in snapshot.gpus] == [0, "0:7", "0:8"]
        assert [gpu.clock_sm for gpu in snapshot.gpus] == [1.785e9] * 3
        assert [gpu.memory_used for gpu in snapshot.gpus] == [None, 12 * MIB, 9012 * MIB]
        assert [gpu.labels.get("pod") for gpu in snapshot.gpus] == [None, None, "p-1"]
        assert not any("clock_event" in gpu.labels for gpu in snapshot.gpus)


@pytest.mark.parametrize(
    "text",
    [
        'a{b="c"',
        'a{b="c"}',
        'a{b="c" 1',
        'a{b="c",b="d"} 1',
        'a{b="c"d="e"} 1',
        "a 1_000",
        "a 0x1",
        "a{} 1 2 3",
        "a 1 x",
    ],
)
def test_what_is_damaged_is_no_sample(text: str) -> None:
    assert parse_sample(text) is None


@pytest.mark.parametrize("text", ['a{b="c",} 1', 'a{b="c"} 1 # {trace="x"} 0.5', 'a {b = "c" , } 1', 'a{b="c"}1'])
def test_spellings_that_the_formats_allow_are_read(text: str) -> None:
    sample = parse_sample(text)
    assert sample is not None
    assert (sample.labels, sample.value) == ({"b": "c"}, 1)


def test_the_labels_of_a_line_take_time_in_proportion_to_its_length() -> None:
    def seconds(count: int) -> float:
        text = "a{" + ",".join(f'l{n}="{n}"' for n in range(count)) + "} 1"
        return min(-time.process_time() + (parse_sample(text), time.process_time())[1] for _ in range(5))

    assert seconds(80_000) < 40 * max(seconds(8_000), 1e-3)  # a hundred times as long if it grew with the square


START = 1_700_000_000


def dump(spelling: str, hosts: tuple[str, ...] = ("n1",), polls: int = 4, gap: int = -1) -> str:
    """Return what promtool dumps: one series after the other, in its own spelling or as OpenMetrics."""
    lines = []
    for name, of in (("DCGM_FI_DEV_GPU_TEMP", 40), ("DCGM_FI_DEV_POWER_USAGE", 300)):
        lines += [f"# TYPE {name} gauge\n"] if spelling == "openmetrics" else []
        for gpu in range(2):
            for host in hosts:
                for poll in range(polls):
                    labels = f'UUID="GPU-{host}{gpu}", Hostname="{host}", gpu="{gpu}"'
                    value, at = of + 10 * gpu + poll, START + 15 * poll
                    if poll == gap and of == 300:
                        continue
                    lines.append(
                        f"{name}{{{labels}}} {value} {at}\n"
                        if spelling == "openmetrics"
                        else f'{{__name__="{name}", {labels}}} {value} {at}000\n'
                    )
    return "".join([*lines, *(["# EOF\n"] if spelling == "openmetrics" else [])])


@pytest.mark.parametrize("spelling", ["tsdb", "openmetrics"])
def test_a_dump_of_one_series_after_the_other_is_read_by_time(play: Any, spelling: str) -> None:
    snapshots, source = play(dump(spelling))
    assert [snapshot.timestamp for snapshot in snapshots] == [START, START + 15, START + 30, START + 45]
    assert temperatures(snapshots) == [(40 + n, 50 + n) for n in range(4)]
    assert [tuple(gpu.power for gpu in snapshot.gpus) for snapshot in snapshots] == [
        (300 + n, 310 + n) for n in range(4)
    ]
    assert (snapshots[0].host, source.problems) == ("n1", ())


@pytest.mark.parametrize("spelling", ["tsdb", "openmetrics"])
def test_what_a_dump_lacks_at_one_time_is_missing_then(play: Any, spelling: str) -> None:
    snapshots, _ = play(dump(spelling, gap=2))
    assert [snapshot.gpus[0].power for snapshot in snapshots] == [300, 301, None, 303]


def test_a_dump_of_several_nodes_is_refused_or_one_of_them_is_read(play: Any) -> None:
    with pytest.raises(TelemetryError, match=r"several nodes \(n1, n2\); select one with --node n1"):
        play(dump("tsdb", ("n1", "n2")))
    snapshots, _ = play(dump("tsdb", ("n1", "n2")), node="n2")
    assert [[gpu.uuid for gpu in snapshot.gpus] for snapshot in snapshots] == [["GPU-n20", "GPU-n21"]] * 4


def test_a_dump_that_is_too_large_to_sort_is_refused_with_the_command_that_sorts(
    play: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("gpurules.telemetry.formats.prometheus.scrapes.MAX_SORTED", 10)
    with pytest.raises(TelemetryError, match="one series after the other") as caught:
        play(dump("tsdb"))
    command = str(caught.value).partition("sort it by time first: ")[2].replace("FILE", "scrape.prom")
    subprocess.run(command.replace("SORTED", "sorted.prom"), shell=True, check=True, cwd=tmp_path)
    snapshots = list(replay(tmp_path / "sorted.prom"))
    assert temperatures(snapshots) == [(40 + n, 50 + n) for n in range(4)]


def test_one_long_series_needs_no_sorting(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpurules.telemetry.formats.prometheus.scrapes.MAX_SORTED", 10)
    text = "".join(series("DCGM_FI_DEV_GPU_TEMP", n, f" {START + n}000") for n in range(50))
    snapshots, _ = play(text)
    assert temperatures(snapshots) == [(n,) for n in range(50)]
