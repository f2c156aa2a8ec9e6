"""nvidia-smi, played by a script: its XML, its CSV, and all that a driver can do to it."""

import stat
import time
from pathlib import Path

import pytest

from gpurules.cli.diagnosis import of_telemetry
from gpurules.engine import Coordinator
from gpurules.service.metrics import text_of
from gpurules.telemetry import TelemetryError, TelemetryTimeout, TelemetryUnavailable, open_source
from gpurules.telemetry.live.availability import try_out
from tests.waiting import wait_until

XML = """<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
  <timestamp>Tue Jul 14 09:00:27 2026</timestamp>
  <driver_version>580.126.09</driver_version>
  <gpu id="00000000:19:00.0">
    <product_name>NVIDIA H100 80GB HBM3</product_name>
    <uuid>GPU-a</uuid>
    <fb_memory_usage><total>81559 MiB</total><reserved>551 MiB</reserved><used>100 MiB</used></fb_memory_usage>
    <utilization><gpu_util>97 %</gpu_util></utilization>
    <temperature><gpu_temp>64 C</gpu_temp></temperature>
    <gpu_power_readings><power_draw>[N/A]</power_draw></gpu_power_readings>
  </gpu>
</nvidia_smi_log>
"""
HEADER = "index, uuid, name, driver_version, memory.used [MiB], memory.total [MiB], temperature.gpu, power.draw [W]\n"
ROWS = (
    "0, GPU-a, NVIDIA H100, 580.126.09, 100 MiB, 400 MiB, 64, 612.34 W\n"
    "1, GPU-b, NVIDIA H100, 580.126.09, 0 MiB, 400 MiB, 40, [N/A]\n"
)


@pytest.fixture
def smi(tmp_path):
    """Write an nvidia-smi whose body is a shell script; open the source that runs it."""

    def write(body: str, **options):
        binary = tmp_path / "nvidia-smi"
        binary.write_text(f"#!/bin/sh\nhere={tmp_path}\n{body}\n")
        binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
        source = open_source("nvidia-smi", binary=str(binary), **{"timeout": 5, **options})
        opened.append(source)
        return source

    opened = []
    (tmp_path / "out.xml").write_text(XML)
    (tmp_path / "out.csv").write_text(HEADER + ROWS)
    yield write
    for source in opened:
        source.close()


def test_the_xml_is_read_first(smi):
    snapshot = smi('[ "$*" = "-q -x" ] && cat $here/out.xml').read()
    gpu = snapshot.gpus[0]
    assert (snapshot.driver_version, gpu.uuid, gpu.utilization, gpu.temperature) == ("580.126.09", "GPU-a", 97, 64)
    assert (gpu.memory_used, gpu.memory_reserved) == (100 << 20, 551 << 20)
    assert (gpu.power, gpu.missing["power"]) == (None, "n/a")
    assert abs(snapshot.timestamp - time.time()) < 30


CSV_ONLY = 'echo "$*" >> $here/runs; [ "$1" = "-q" ] && { echo "Invalid combination of input arguments"; exit 1; }\n'


def test_csv_is_the_fallback(smi, tmp_path):
    source = smi(CSV_ONLY + "cat $here/out.csv")
    gpus = source.read().gpus
    assert [(gpu.index, gpu.uuid, gpu.memory, gpu.power) for gpu in gpus] == [
        (0, "GPU-a", 25.0, 612.34),
        (1, "GPU-b", 0.0, None),
    ]
    assert gpus[1].missing["power"] == "n/a"
    source.read()
    runs = (tmp_path / "runs").read_text().splitlines()
    assert [run.split()[0].partition("=")[0] for run in runs] == ["-q", "--query-gpu"] * 2  # the XML may come back


def test_a_field_that_this_release_does_not_know_is_left_out(smi, tmp_path):
    source = smi(
        CSV_ONLY
        + """case "$*" in
  *clocks_event_reasons*) echo 'Field "clocks_event_reasons.sw_power_cap" is not a valid field to query.'; exit 2;;
  *gpu.tlimit*) echo 'Field "temperature.gpu.tlimit" is not a valid field to query.' >&2; exit 2;;
esac
cat $here/out.csv"""
    )
    assert source.read().gpus[0].temperature == 64
    last = (tmp_path / "runs").read_text().splitlines()[-1]
    assert "clocks_throttle_reasons.sw_power_cap" in last
    assert "memory.used" in last
    assert "tlimit" not in last
    source.read()
    queries = [run for run in (tmp_path / "runs").read_text().splitlines() if run.startswith("--query-gpu")]
    assert len(queries) == 4  # two attempts and the third that works, then at once the one that works


WARNING = "WARNING: infoROM is corrupted at gpu 0000:2B:00.0"


@pytest.mark.parametrize(
    "printed",
    [
        f"cat $here/out.xml; echo; echo '{WARNING}'",
        f"echo '{WARNING}'; cat $here/out.xml",
        f"echo '{WARNING}'; cat $here/out.xml; echo '{WARNING}'; exit 14",
        f"cat $here/out.xml; printf '{WARNING}'; echo '{WARNING}' >&2",
        "head -c 300 $here/out.xml; cat $here/out.xml",
    ],
    ids=["after", "before", "around, with an exit code", "on the last line", "a cut document before"],
)
def test_lines_around_the_xml_cost_nothing(smi, printed):
    source = smi(f'[ "$1" = "-q" ] || {{ cat $here/out.csv; exit 0; }}\n{printed}')
    snapshot = source.read()
    assert (snapshot.gpus[0].memory_reserved, snapshot.driver_version) == (551 << 20, "580.126.09")
    assert (str(source.form), snapshot.problems) == ("XML", ())


@pytest.mark.parametrize(
    "broken", ["head -c 400 $here/out.xml", f"echo '{WARNING}'", "true"], ids=["cut", "no", "empty"]
)
def test_xml_that_cannot_be_read_costs_one_poll(smi, tmp_path, caplog, broken):
    source = smi(
        '[ "$1" = "-q" ] || { cat $here/out.csv; exit 0; }\n'
        f"if [ -f $here/well ]; then cat $here/out.xml; else {broken}; fi"
    )
    for _ in range(2):
        snapshot = source.read()
        assert [gpu.memory_used for gpu in snapshot.gpus] == [100 << 20, 0]
        assert snapshot.problems[0].startswith("nvidia-smi is read as CSV: nvidia-smi -q -x cannot be read (")
        assert str(source.form) in snapshot.problems[0]
    assert len([record for record in caplog.records if "read as CSV" in record.getMessage()]) == 1
    (tmp_path / "well").touch()
    assert source.read().gpus[0].memory_reserved == 551 << 20
    assert str(source.form) == "XML"


def test_a_warning_among_the_rows_of_the_query_is_no_gpu(smi):
    gpus = smi(CSV_ONLY + f"cat $here/out.csv; echo '{WARNING}'").read().gpus
    assert [gpu.uuid for gpu in gpus] == ["GPU-a", "GPU-b"]


def test_doctor_sources_status_and_metrics_name_the_form(smi):
    pytest.importorskip("prometheus_client")
    source = smi(CSV_ONLY + "cat $here/out.csv")
    found = try_out(lambda: source)
    assert found.detail.endswith("CSV: nvidia-smi -q -x cannot be read (not XML: syntax error: line 1, column 0): "
                                 "Invalid combination of input arguments")  # fmt: skip
    _, checks = of_telemetry(source, None, wait=0.0)
    assert checks[0].detail == "nvidia-smi (CSV): 2 GPUs"
    assert "nvidia-smi -q -x cannot be read" in checks[1].detail
    with Coordinator("gpurules:default", source=source) as coordinator:
        coordinator.poll()
        status, metrics = coordinator.status(), coordinator.collect()
        page = text_of(coordinator)
    assert 'gpurules_telemetry_form_info{form="CSV",why="nvidia-smi -q -x cannot be read (not XML' in page
    assert status.to_dict()["source_form"].startswith("CSV: nvidia-smi -q -x cannot be read")
    assert metrics.source_form == "CSV"
    assert metrics.source_form_reason.startswith("nvidia-smi -q -x cannot be read")


def test_it_runs_in_the_c_locale(smi, monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert smi('[ "$LC_ALL" = C ] && cat $here/out.xml').read().gpus


def test_a_run_that_hangs_is_killed_with_its_children(smi, tmp_path):
    source = smi("echo $$ > $here/pid; sleep 60 & echo $! > $here/child; sleep 60", timeout=0.3)
    start = time.monotonic()
    with pytest.raises(TelemetryTimeout, match="did not end in time and was killed"):
        source.read()
    assert time.monotonic() - start < 1
    for name in ("pid", "child"):
        _wait_until_ended(int((tmp_path / name).read_text()))


def _wait_until_ended(pid):
    wait_until(lambda: _is_ended(pid), what=f"process {pid} has ended")


def _is_ended(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_the_next_run_works_again(smi, tmp_path):
    source = smi("[ -f $here/well ] || sleep 60; cat $here/out.xml", timeout=0.3)
    with pytest.raises(TelemetryTimeout):
        source.read()
    (tmp_path / "well").touch()
    assert source.read().gpus[0].uuid == "GPU-a"


def test_no_second_run_is_begun_while_the_first_cannot_be_killed(smi, tmp_path, monkeypatch):
    source = smi("echo >> $here/runs; sleep 60", timeout=0.2)
    with pytest.raises(TelemetryTimeout):
        source.read()
    stuck = source.reader._tool._dying
    with monkeypatch.context() as patch:
        patch.setattr(type(stuck), "is_gone", property(lambda process: False))
        with pytest.raises(TelemetryTimeout, match="has not ended: it waits in the kernel"):
            source.read()
    assert len((tmp_path / "runs").read_text().splitlines()) == 1


def test_a_run_that_is_killed_from_outside_is_an_error(smi):
    with pytest.raises(TelemetryError):
        smi("kill -9 $$").read()


@pytest.mark.parametrize(
    ("code", "said", "message"),
    [
        (9, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", "driver is not loaded"),
        (18, "Failed to initialize NVML: Driver/library version mismatch", "of different versions"),
        (4, "Failed to initialize NVML: Insufficient Permissions", "no permission"),
        (1, "Something that no driver says", "Something that no driver says"),
    ],
)
def test_what_it_complains_of_is_passed_on_with_a_remedy(smi, code, said, message):
    with pytest.raises(TelemetryError, match=message):
        smi(f'echo "{said}"; exit {code}').read()


def test_no_device_is_a_snapshot_without_a_gpu(smi):
    assert smi('echo "No devices were found"; exit 6').read().gpus == ()


def test_without_the_program_it_says_so(tmp_path):
    source = open_source("nvidia-smi", binary=str(tmp_path / "none"))
    with pytest.raises(TelemetryUnavailable, match="not found on PATH"):
        source.read()


def test_a_gpu_that_is_not_listed_any_more_is_lost(smi, tmp_path):
    source = smi(CSV_ONLY + "cat $here/out.csv")
    source.read()
    (tmp_path / "out.csv").write_text(HEADER + ROWS.splitlines()[1].replace("1, GPU-b", "0, GPU-b") + "\n")
    snapshot = source.read()
    assert [(gpu.uuid, gpu.index, gpu.is_lost) for gpu in snapshot.gpus] == [
        ("GPU-b", 0, False),
        ("GPU-a", "lost-0", True),
    ]


def test_more_than_16_mib_are_not_read(smi):
    with pytest.raises(TelemetryError, match="printed more than 16 MiB"):
        smi("exec yes").read()


@pytest.mark.parametrize("name", ["a100-sxm4-v12.xml", "tesla-t4.xml", "rtx-4000-sff-ada-v13.xml"])
def test_recorded_xml_is_read(smi, data, tmp_path, name):
    (tmp_path / "out.xml").write_bytes((data / "nvidia_smi_xml" / name).read_bytes())
    gpus = smi("cat $here/out.xml").read().gpus
    assert gpus[0].uuid
    assert gpus[0].healthy
