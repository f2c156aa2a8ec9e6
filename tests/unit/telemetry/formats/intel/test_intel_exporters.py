"""Pages of XPU Manager's exporter and of all-smi, and samples of intel_gpu_top."""

import json

import pytest

from gpurules.telemetry import replay


@pytest.fixture
def play(tmp_path):
    def player(text, **options):
        path = tmp_path / "recording"
        path.write_text(text)
        source = replay(path, **options)
        return list(source), source

    return player


def xpum(name, value, number=0, **labels):
    named = {"uuid": f"uuid-{number}", "dev_name": "Intel Max 1550", "pci_bdf": f"0000:{9 - number}a:00.0", **labels}
    labels = ",".join(f'{key}="{text}"' for key, text in named.items() if text)
    return f"{name}{{{labels}}} {value}\n"


PAGE = (
    "# HELP xpum_power_watts Avg GPU power\n# TYPE xpum_power_watts gauge\n"
    + xpum("xpum_power_watts", 281.5)
    + xpum("xpum_engine_ratio", 0.5, sub_dev="0")
    + xpum("xpum_engine_ratio", 1.0, sub_dev="1")
    + xpum("xpum_temperature_celsius", 40, location="gpu", sub_dev="0")
    + xpum("xpum_temperature_celsius", 60, location="gpu", sub_dev="1")
    + xpum("xpum_temperature_celsius", 35, location="mem", sub_dev="0")
    + xpum("xpum_temperature_celsius", 33, location="mem", sub_dev="1")
    + xpum("xpum_frequency_mhz", 1600, location="gpu", type="actual")
    + xpum("xpum_frequency_mhz", 1900, location="gpu", type="request")
    + xpum("xpum_memory_used_bytes", 8501719040)
    + xpum("xpum_memory_ratio", 0.125)
    + xpum("xpum_power_watts", 100, number=1)
    + xpum("xpum_engine_ratio", "NaN", number=1)
    + 'xpum_power_watts{card="2147483649",src="sum"} 381.5\n'
)


def test_xpu_manager_reports_gpus_by_device_or_by_tile(play):
    snapshots, source = play(PAGE)
    assert (source.format, len(snapshots), source.problem_count) == ("XPU Manager exporter text", 1, 0)
    second, first = snapshots[0].gpus  # by bus address
    assert (first.uuid, first.name, first.vendor, dict(first.labels)) == (
        "uuid-0", "Intel Max 1550", "intel", {"pci_bus_id": "0000:9a:00.0"},
    )  # fmt: skip
    assert (first.power, first.utilization, first.temperature, first.memory_temperature) == (281.5, 75, 60, 35)
    assert (first.clock_sm, first.memory_used, first.memory) == (1_600_000_000, 8501719040, 12.5)
    assert (second.uuid, second.power, second.utilization, second.temperature) == ("uuid-1", 100, None, None)
    assert second.missing["utilization"] == "n/a"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (xpum("xpum_engine_ratio", 1.0, sub_dev="1"), "", "a tile is missing"),
        (', sub_dev="1"} 1.0'.replace(", ", ","), "} 1.0", "reported twice"),
    ],
    ids=["without a tile", "without the label of a tile"],
)
def test_what_is_not_reported_for_every_tile_is_missing(play, old, new, why):
    assert old in PAGE
    (snapshot,), _ = play(PAGE.replace(old, new))
    gpu = snapshot.gpus[1]
    assert (gpu.utilization, gpu.missing["utilization"], gpu.temperature) == (None, why, 60)


def test_either_name_of_a_gpu_joins_its_series(play):
    first, more = PAGE.replace('uuid="uuid-0",', "", 1).split("281.5")
    (snapshot,), _ = play(first + "281.5" + more.replace(',pci_bdf="0000:9a:00.0"', "", 2))
    assert [(gpu.uuid, gpu.power, gpu.utilization) for gpu in snapshot.gpus] == [
        ("uuid-1", 100, None),
        ("uuid-0", 281.5, 75),
    ]


def test_scrapes_of_xpu_manager_follow_one_another(play):
    snapshots, _ = play(PAGE + PAGE.replace("281.5", "290"))
    assert [snapshot.gpus[1].power for snapshot in snapshots] == [281.5, 290]


def all_smi(name, value, number=0, **labels):
    named = {"gpu": "Intel Arc Pro B60", "instance": "node-1", "gpu_uuid": f"u{number}", "gpu_index": number, **labels}
    labels = ", ".join(f'{key}="{text}"' for key, text in named.items())
    return f"all_smi_gpu_{name}{{{labels}}} {value}\n"


def test_all_smi_reports_gpus_of_any_vendor(play):
    page = (
        all_smi("utilization", 42)
        + all_smi("memory_used_bytes", 100)
        + all_smi("memory_total_bytes", 400)
        + all_smi("temperature_celsius", 61)
        + all_smi("power_consumption_watts", 120.5)
        + all_smi("frequency_mhz", 2400)
        + all_smi("info", 1, type="GPU", driver_version="xe-1.1")
        + all_smi("utilization", 7, number=1, gpu="NVIDIA H100")
        + 'all_smi_cpu_utilization{instance="node-1"} 12\n'
    )
    snapshots, source = play(page)
    assert (source.format, snapshots[0].host, snapshots[0].driver_version) == ("all-smi text", "node-1", "xe-1.1")
    gpu, other = snapshots[0].gpus
    assert (gpu.index, gpu.uuid, gpu.vendor, gpu.utilization, gpu.memory) == (0, "u0", "intel", 42, 25)
    assert (gpu.temperature, gpu.power, gpu.clock_sm) == (61, 120.5, 2_400_000_000)
    assert (other.vendor, other.utilization, other.power) == ("nvidia", 7, None)


def test_zeros_that_stand_for_no_sensor_in_all_smi_are_missing(play):
    names = (
        "temperature_celsius",
        "power_consumption_watts",
        "frequency_mhz",
        "memory_used_bytes",
        "memory_total_bytes",
    )
    snapshots, _ = play("".join(all_smi(name, 0) for name in ("utilization", *names)))
    gpu = snapshots[0].gpus[0]
    assert (gpu.utilization, gpu.temperature, gpu.power, gpu.clock_sm) == (0, None, None, None)
    assert (gpu.memory_used, gpu.memory_total, gpu.memory) == (None, None, None)
    assert "no sensor" in gpu.missing["temperature"]


def test_older_names_of_the_labels_of_all_smi_are_read(play):
    snapshots, _ = play('all_smi_gpu_utilization{gpu="AMD MI300X", instance="n", uuid="a", index="3"} 5\n')
    assert [(gpu.index, gpu.uuid, gpu.vendor) for gpu in snapshots[0].gpus] == [(3, "a", "amd")]


def sample(busy=8.5, duration=1000.0, **more):
    return {
        "period": {"duration": duration, "unit": "ms"},
        "frequency": {"requested": 1350.0, "actual": 1300.0, "unit": "MHz"},
        "rc6": {"value": 62.0, "unit": "%"},
        "power": {"GPU": 8.25, "Package": 19.0, "unit": "W"},
        "engines": {
            "Render/3D": {"busy": busy, "sema": 0.0, "wait": 0.0, "unit": "%"},
            "Video": {"busy": 3.0, "sema": 0.0, "wait": 0.0, "unit": "%"},
        },
        "clients": {"4293539623": {"name": "foo", "pid": "1427673"}, "7": {"name": "foo", "pid": "1427673"}},
        **more,
    }


SAMPLES = [sample(8.5), sample(90.0, 500.0)]
PRETTY = [json.dumps(one, indent="\t") for one in SAMPLES]


@pytest.mark.parametrize(
    "text",
    [
        "[\n" + ",\n".join(PRETTY) + "\n]\n",
        "[\n" + ",\n".join(PRETTY) + "\n",
        ",\n".join(PRETTY) + ",\n",
        "[\n\n" + "\n,\n".join(PRETTY) + "\n]\n",
        "\n".join(PRETTY) + "\n",
        "[\n" + "".join(json.dumps(one) + ",\n" for one in SAMPLES),
    ],
    ids=["a list", "a list without an end", "no brackets", "commas by themselves", "documents", "a line each"],
)
def test_samples_of_intel_gpu_top_are_read_in_every_shape(play, text):
    snapshots, source = play(text)
    assert (source.format, source.problem_count) == ("intel_gpu_top JSON", 0)
    assert [snapshot.timestamp for snapshot in snapshots] == [0, 0.5]
    gpus = [snapshot.gpus[0] for snapshot in snapshots]
    assert [(gpu.utilization, gpu.clock_sm, gpu.power) for gpu in gpus] == [
        (8.5, 1_300_000_000, 8.25), (90, 1_300_000_000, 8.25),
    ]  # fmt: skip
    assert [(process.pid, process.name) for process in gpus[0].processes] == [(1427673, "foo")]
    assert (gpus[0].vendor, gpus[0].memory_used) == ("intel", None)


def test_a_sample_that_is_cut_off_costs_itself(play):
    snapshots, source = play("[\n" + PRETTY[0] + ",\n" + PRETTY[1][:200])
    assert (len(snapshots), source.problem_count) == (1, 1)


def test_a_first_sample_without_a_length_has_no_figures(play):
    snapshots, _ = play("[\n" + json.dumps(sample(0.0, 0.29)) + ",\n" + PRETTY[1] + "\n]\n")
    gpu = snapshots[0].gpus[0]
    assert (gpu.utilization, gpu.power) == (None, None)
    assert gpu.missing["utilization"] == "the sample covers less than a millisecond"


def test_what_a_sample_does_not_report_is_missing(play):
    engines = {"Render/3D": {"busy": "N/A", "unit": "%"}, "Video": {"busy": 3.0, "unit": "%"}}
    snapshots, _ = play(json.dumps({**sample(), "power": {}, "engines": engines}) + "\n")
    gpu = snapshots[0].gpus[0]
    assert (gpu.utilization, gpu.power) == (None, None)
