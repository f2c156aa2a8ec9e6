"""``gpurules sources``."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

CSV = """index, uuid, name, driver_version, memory.used [MiB], memory.total [MiB]
0, GPU-a, Tesla T4, 580.1, 1 MiB, 4 MiB
"""


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which nothing is installed, but what a test puts into the folder."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("gpurules.telemetry.sources.nvidia_smi._ELSEWHERE", ())
    monkeypatch.setattr("gpurules.telemetry.amd.tools._FOLDERS", ())
    monkeypatch.setattr("gpurules.telemetry.intel.xpu_smi._ELSEWHERE", ())
    monkeypatch.setattr("gpurules.telemetry.intel.sysfs.ROOT", tmp_path / "drm")
    monkeypatch.setattr("gpurules.telemetry.sources.scrape.DCGM_URL", "http://127.0.0.1:1/metrics")
    monkeypatch.setattr("gpurules.telemetry.nvml.factory.LIBRARY", "/none/libnvidia-ml.so.1")
    return tmp_path


def install_nvidia_smi(folder: Path) -> None:
    (folder / "out.csv").write_text(CSV)
    binary = folder / "nvidia-smi"
    binary.write_text(f"#!/bin/sh\n[ $1 = -q ] && exit 1\nexec /bin/cat {folder}/out.csv\n")
    binary.chmod(binary.stat().st_mode | stat.S_IXUSR)


def test_each_source_says_why_it_does_not_work(gpurules: Any, bare: Path) -> None:
    done = gpurules("sources")
    assert done.code == 0
    lines = {line.split()[0]: line for line in done.out.splitlines() if line[0] != " "}
    live = ["nvml", "nvidia-smi", "dcgm", "amd", "xpu-smi", "intel-sysfs"]
    assert list(lines) == ["source", "auto", *live, "scrape", "textfile", "replay", "synthetic"]
    assert "no live source works on this machine" in lines["auto"]
    assert "cannot be loaded" in lines["nvml"]
    assert "nvidia-smi not found" in lines["nvidia-smi"]
    assert "cannot be reached" in lines["dcgm"]
    assert "neither the module amdsmi" in lines["amd"]
    assert "xpu-smi not found" in lines["xpu-smi"]
    assert max(map(len, done.out.splitlines())) <= 100


def test_the_source_that_works_says_what_it_found(gpurules: Any, bare: Path) -> None:
    install_nvidia_smi(bare)
    done = gpurules("sources", "--format", "json")
    found = {source["name"]: source for source in json.loads(done.out)["sources"]}
    assert found["nvidia-smi"] == {
        "name": "nvidia-smi",
        "summary": "NVIDIA GPUs through the program nvidia-smi",
        "usable": True,
        "detail": "1 x Tesla T4 · driver 580.1 · CSV: nvidia-smi -q -x cannot be read "
        "(not XML: no element found: line 1, column 0): it ended with exit code 1",
        "gpus": 1,
    }
    assert (found["auto"]["usable"], found["auto"]["detail"]) == (True, "takes nvidia-smi")
    assert found["replay"]["usable"] is None


def test_a_snapshot_is_taken_by_whatever_works(gpurules: Any, bare: Path) -> None:
    install_nvidia_smi(bare)
    for source in ("auto", "nvidia-smi"):
        done = gpurules("snapshot", "--source", source)
        assert (done.code, done.err.count("\n")) == (0, 1)
        assert "nvidia-smi is read as CSV: nvidia-smi -q -x cannot be read" in done.err
        assert "Tesla T4" in done.out


def test_a_snapshot_of_what_does_not_work_is_2(gpurules: Any, bare: Path) -> None:
    done = gpurules("snapshot", "--source", "nvml")
    assert (done.code, done.out) == (2, "")
    assert "cannot be loaded" in done.err


def test_a_source_of_a_plug_in_is_listed(gpurules: Any, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd:
        name = "odd"

        def open(self, argument: str, options: object) -> object:
            return None

        def probe(self, argument: str, timeout: float) -> object:
            raise RuntimeError("out of order")

    monkeypatch.setattr("gpurules.plugins.load_plugins", lambda group: ({"odd": Odd}, {"bad": "ImportError: no"}))
    out = gpurules("sources").out
    assert "RuntimeError: out of order" in out
    assert "cannot be imported: ImportError: no" in out
