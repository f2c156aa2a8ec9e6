"""Laws of replaying: whatever a file contains, a replay answers with snapshots or with a telemetry error."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gpurules.model import Snapshot
from gpurules.telemetry import TelemetryError, read_transfers, replay
from gpurules.telemetry.playback import FORMATS
from gpurules.telemetry.recordings.lines import Line
from gpurules.telemetry.recordings.options import RecordingOptions
from gpurules.telemetry.recordings.reader import RecordingReader
from tests.cases import examples

COLUMNS = "timestamp,index,memory.used,memory.total"
CELLS = st.sampled_from(
    [
        "2026/04/25 12:00:00.780", "0", "1", "GPU-a", "59 MiB", "[N/A]", "[GPU is lost]", "ERR!", "Active", "0x40", "",
        "-1", "1e308", "9" * 40, "٣", "timestamp", "index", "memory.used [MiB]", "memory.total [MiB]", '"', '"a',
        "name", "clocks_event_reasons.active", "power.draw [W]", "nan", "0000/00/00 00:00:00",
    ]
)  # fmt: skip
ROWS = st.lists(CELLS, max_size=6).map(", ".join)
TREES = st.lists(
    st.sampled_from(
        [
            '<?xml version="1.0" ?>', "<nvidia_smi_log>", "</nvidia_smi_log>", "<gpu>", "</gpu>", "<uuid>GPU-a</uuid>",
            "<mig_devices>", "<mig_device>", "</mig_device>", "</mig_devices>", "<index>0</index>", "<processes>",
            "</processes>", "<process_info>", "</process_info>", "<pid>-1</pid>", "<pid>7</pid>",
            "<fb_memory_usage><used>3 MiB</used></fb_memory_usage>", "<!DOCTYPE a [<!ENTITY b 'c'>]>", "&b;",
        ]
    )
)  # fmt: skip
TEXTS = st.lists(
    st.sampled_from(
        [
            "==============NVSMI LOG==============", "Timestamp : Sat Apr 25 12:00:00 2026", "GPU 00000000:00:09.0",
            "    MIG Device", "        Index  : 0", "    FB Memory Usage", "        Used  : 3 MiB", "    Processes",
            "        Process ID   : 5", "            Used GPU Memory : 3 MiB", " : ", "x :", "    GPU UUID : GPU-a",
            "#" * 80, "# idle :: a", "# capabilities :: list (-L)", "# $ nvidia-smi -q", "# $ nvidia-smi -L",
            "# $ nvidia-smi --query-gpu=index --format=csv", "# $ nvidia-smi --query-compute-apps=pid --format=csv",
            "index, memory.used [MiB]", "0, 5 MiB", "pid, uuid", "7, GPU-a", "  MIG 1g Device 0: (UUID: MIG-a)",
        ]
    )
)  # fmt: skip
SAMPLES = st.lists(
    st.sampled_from(
        [
            'DCGM_FI_DEV_GPU_TEMP{gpu="0",UUID="a"} 30', 'DCGM_FI_DEV_FB_USED{gpu="x"} NaN 17',
            'DCGM_FI_DEV_FB_USED{gpu="0",GPU_I_ID="3"} 1e300', 'DCGM_FI_DEV_FB_FREE{gpu="0",GPU_I_ID="3"} -1e300',
            'DCGM_FI_DEV_CLOCK_THROTTLE_REASONS{gpu="0"} 72.5', 'nvidia_smi_index{uuid="a"} 0',
            'nvidia_smi_memory_used_bytes{uuid="a"} 1e400', 'nvidia_smi_compute_app_info{uuid="a",pid="9"} 1',
            'nvidia_smi_gpu_info{uuid="a",index="1"} 1', "nvidia_smi_x{", 'nvidia_smi_x{a="\\"} 1', "# HELP",
        ]
    )
)  # fmt: skip
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "timestamp",
                    "gpus",
                    "index",
                    "uuid",
                    "labels",
                    "processes",
                    "pid",
                    "card0",
                    "system",
                    "memory_used",
                    "missing",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
).map(json.dumps)
LINES = st.one_of(
    st.lists(ROWS | JSONS | st.text(max_size=60), max_size=12),
    TREES,
    TEXTS,
    SAMPLES,
    st.lists(JSONS, max_size=4),
    st.lists(st.one_of(TREES, TEXTS, SAMPLES), max_size=3).map(lambda parts: [line for part in parts for line in part]),
)


def outcome(snapshots):
    """Read to the end; what is not a snapshot or a telemetry error fails the test."""
    try:
        for snapshot in snapshots:
            assert isinstance(snapshot, Snapshot)
            json.dumps(snapshot.to_dict())
    except TelemetryError as error:
        assert str(error)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("replay") / "recording"


@pytest.mark.parametrize("columns", [None, COLUMNS])
@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.name)
@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=LINES)
@example(lines=["{" * 5000, "[" * 100_000])
@example(lines=["<nvidia_smi_log>" + "<gpu>" * 20_000 + "</nvidia_smi_log>"])
@example(lines=[" " * depth + "x : y" for depth in range(3000)])
@example(lines=["a{" + 'b="' * 20_000])
@example(lines=["2026/04/25 12:00:00" + "," * 100_000])
def test_any_lines_as_any_format_give_snapshots_or_a_telemetry_error(kind, columns, lines):
    text = (Line(number, line) for number, line in enumerate(lines, start=1))
    outcome(kind.read(RecordingReader("file", text, RecordingOptions(columns=columns))))


@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=st.binary(max_size=300) | LINES.map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass")))
@example(content=b"\xff\xfe\x00")
@example(content=b"\xff\xfe\x0a\xd8\x0a")
@example(content=b"\xef\xbb\xbf")
@example(content=b'{"timestamp": "\\ud800", "gpus": [{"uuid": "\\ud800"}]}')
def test_any_file_gives_snapshots_or_a_telemetry_error(path: Path, content: bytes):
    path.write_bytes(content)
    for columns in (None, COLUMNS):
        try:
            source = replay(path, columns=columns)
        except TelemetryError:
            continue
        outcome(source)


@settings(max_examples=examples(100), deadline=None)
@given(content=st.lists(JSONS | st.text(max_size=20), max_size=6).map("\n".join))
def test_any_list_of_transfers_gives_transfers_or_a_telemetry_error(path: Path, content: str):
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    try:
        for transfer, workload in read_transfers(path):
            json.dumps([transfer.to_dict(), workload and workload.to_dict()])
    except TelemetryError as error:
        assert str(error)
