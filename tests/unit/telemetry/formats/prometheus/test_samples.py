"""Prometheus text, and what dcgm-exporter and nvidia_gpu_exporter say by it."""

import pytest

from gpurules.telemetry import replay
from gpurules.telemetry.formats.prometheus.samples import parse_sample

MIB = 1 << 20


@pytest.fixture
def play(tmp_path):
    def player(text, **options):
        path = tmp_path / "scrape.prom"
        path.write_text(text)
        return list(replay(path, **options))

    return player


def test_labels_keep_what_is_escaped():
    sample = parse_sample(r'a{b="C:\\x, \"y\"",c="}"} 1.5e3 1777118400000')
    assert sample.labels == {"b": 'C:\\x, "y"', "c": "}"}
    assert (sample.value, sample.time) == (1500, 1_777_118_400)


@pytest.mark.parametrize("text", ["", "a", "a{b} 1", 'a{b="c} 1', "a 1 2 3", "a x", "1a 1"])
def test_what_is_no_sample_is_none(text):
    assert parse_sample(text) is None


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
def test_a_sample_that_is_no_number_is_missing(value):
    assert parse_sample(f"a {value}").value is None


def dcgm(values, labels='gpu="0",UUID="GPU-a"'):
    return "".join(f"DCGM_FI_DEV_{name}{{{labels}}} {value}\n" for name, value in values.items())


def test_the_units_of_dcgm_become_canonical(play):
    text = dcgm(
        {"FB_USED": 1000, "FB_FREE": 8000, "FB_RESERVED": 1000, "SM_CLOCK": 1980, "TOTAL_ENERGY_CONSUMPTION": 2500}
    )
    (snapshot,) = play(text)
    (gpu,) = snapshot.gpus
    assert (gpu.memory_used, gpu.memory_total, gpu.memory) == (1000 * MIB, 10_000 * MIB, 10)
    assert (gpu.clock_sm, gpu.energy) == (1_980_000_000, 2.5)


def test_ratios_of_the_profiler_stand_in_where_the_plain_counters_are_not_scraped(play):
    labels = '{gpu="0",UUID="GPU-a"}'
    (snapshot,) = play(f"DCGM_FI_PROF_GR_ENGINE_ACTIVE{labels} 0.07\nDCGM_FI_PROF_PCIE_RX_BYTES{labels} 5\n")
    assert (snapshot.gpus[0].utilization, snapshot.gpus[0].pcie_rx) == (7, 5)


def test_the_blanks_of_dcgm_are_missing(play):
    (snapshot,) = play(
        dcgm({"GPU_TEMP": 2147483632, "POWER_USAGE": 140737488355328.0, "XID_ERRORS": 9223372036854775794})
    )
    (gpu,) = snapshot.gpus
    assert (gpu.temperature, gpu.power, gpu.xid) == (None, None, None)
    assert set(gpu.missing) == {"temperature", "power", "xid"}


def test_a_second_sample_of_a_series_begins_the_next_scrape(play):
    assert [snapshot.timestamp for snapshot in play(dcgm({"GPU_TEMP": 30}) * 3, interval=15)] == [0, 15, 30]


def test_mig_instances_of_dcgm_stand_beside_their_parent(play):
    text = "".join(
        dcgm(
            {"FB_USED": 10 * part, "FB_FREE": 90, "FB_RESERVED": 0, "POWER_USAGE": 300, "GPU_TEMP": 60},
            f'gpu="1",UUID="GPU-a",GPU_I_ID="{part}",GPU_I_PROFILE="1g.10gb"',
        )
        for part in (1, 2)
    )
    (snapshot,) = play(text)
    assert [gpu.index for gpu in snapshot.gpus] == [1, "1:1", "1:2"]
    assert [gpu.memory_used for gpu in snapshot.gpus] == [None, 10 * MIB, 20 * MIB]
    assert [gpu.power for gpu in snapshot.gpus] == [300, None, None]
    assert [gpu.temperature for gpu in snapshot.gpus] == [60, 60, 60]
    assert snapshot.gpu_count == 1


def test_an_exporter_that_leaves_a_value_out_makes_it_missing(play):
    text = 'nvidia_smi_gpu_info{uuid="a",index="2",name="NVIDIA X"} 1\nnvidia_smi_fan_speed_ratio{uuid="a"} 0.38\n'
    (snapshot,) = play(text)
    (gpu,) = snapshot.gpus
    assert (gpu.index, gpu.uuid, gpu.name, gpu.fan_speed, gpu.memory_used) == (2, "GPU-a", "NVIDIA X", 38, None)
