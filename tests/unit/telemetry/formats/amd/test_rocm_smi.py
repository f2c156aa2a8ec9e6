"""Reports of rocm-smi."""

import json

import pytest

from gpurules.telemetry import replay


@pytest.fixture
def play(tmp_path):
    def player(text):
        path = tmp_path / "rocm.json"
        path.write_text(text)
        return list(replay(path, interval=10))

    return player


def card(**more):
    return {"VRAM Total Memory (B)": "1000", "VRAM Total Used Memory (B)": "250", "Unique ID": "0x1", **more}


def test_memory_is_that_of_the_vram_and_memory_use_is_the_controller(play):
    (snapshot,) = play(json.dumps({"card0": card(**{"GPU memory use (%)": "7"})}, indent=2))
    (gpu,) = snapshot.gpus
    assert (gpu.memory, gpu.memory_busy) == (25, 7)


def test_what_the_driver_does_not_offer_is_missing(play):
    (snapshot,) = play(json.dumps({"card0": card(**{"Average Graphics Package Power (W)": "N/A", "Unique ID": "N/A"})}))
    (gpu,) = snapshot.gpus
    assert (gpu.power, gpu.missing["power"], gpu.uuid) == (None, "n/a", None)


def test_a_junction_temperature_stands_in_for_an_edge_that_is_not_there(play):
    (snapshot,) = play(json.dumps({"card3": card(**{"Temperature (Sensor junction) (C)": "61.0"})}))
    assert (snapshot.gpus[0].index, snapshot.gpus[0].temperature) == (3, 61)


def test_reports_a_line_each_are_snapshots_an_interval_apart(play):
    report = json.dumps({"card0": card(), "system": {"Driver version": "6.3.6"}})
    assert [(s.timestamp, s.driver_version) for s in play(f"{report}\n{report}\n")] == [(0, "6.3.6"), (10, "6.3.6")]
