"""Detectors: what identifies a file, beside its path."""

import os

import pytest

from gpurules import Engine
from gpurules.clients import detection
from gpurules.clients.detection import Detected, Detection, Evidence, detect, with_detected_facts
from gpurules.model import Transfer
from tests.factories import ruleset


@pytest.mark.parametrize(
    ("evidence", "found"),
    [
        (Evidence("/m/shard.bin", frozenset({"model.safetensors.index.json"})), Detected("model", "huggingface")),
        (Evidence("/x/variables", frozenset({"saved_model.pb"})), Detected("model", "tensorflow")),
        (Evidence("/x/d/0", frozenset({"manifest.ocdbt"})), Detected("model", "jax")),
        (Evidence("/x/part", frozenset(), "torchrun"), Detected(None, "pytorch")),
        (Evidence("/x/a.onnx", frozenset({"model.safetensors.index.json"})), Detected("model", "onnx")),
        (Evidence("/x/part"), Detected()),
    ],
)
def test_folders_and_processes_show_what_the_suffix_does_not(evidence, found):
    assert detect(evidence) == found


class Plugin:
    name = "site"

    def detect(self, evidence):
        if evidence.path.endswith(".ours"):
            return Detected("tensor", "jax")
        raise ValueError("not mine")


@pytest.fixture
def plugin(monkeypatch):
    monkeypatch.setattr("gpurules.plugins.load_plugins", lambda _: ({"site": Plugin, "odd": object()}, {}))
    detection.all_detectors.cache_clear()
    yield
    detection.all_detectors.cache_clear()


def test_a_plug_in_is_asked_first_and_one_that_fails_stops_nothing(plugin):
    assert detect(Evidence("/x/a.ours")) == Detected("tensor", "jax")
    assert detect(Evidence("/x/a.pt")) == Detected("model", "pytorch")
    assert set(detection.all_detectors()[1]) == {"odd"}


def test_what_is_given_and_what_the_ruleset_says_stand_above_detectors(plugin):
    given = Transfer(path="/x/a.ours", file_type="log", framework="onnx")
    assert with_detected_facts(given) is given
    ruled = with_detected_facts(Transfer(path="/x/a.ours"), (("*.ours", "config"),))
    assert (ruled.file_type, ruled.framework) == (None, "jax"), "the ruleset's own table decides the type, later"
    assert with_detected_facts(Transfer(path="/x/a.ours")).file_type == "tensor"
    assert with_detected_facts(Transfer()) == Transfer()
    asked = Transfer(path="/x/a.ours")
    assert with_detected_facts(asked, wanted=frozenset()) is asked, "what no rule reads is not detected"


def test_the_folder_of_a_local_file_is_looked_at(tmp_path):
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    path = str(tmp_path / "weights")
    assert with_detected_facts(Transfer(path=path), beside=path).framework == "huggingface"
    assert with_detected_facts(Transfer(path="s3://b/part-0"), beside=path).framework == "huggingface", (
        "of what is sent"
    )
    assert with_detected_facts(Transfer(path=path)).framework is None
    assert with_detected_facts(Transfer(path="/none/at/all"), beside="/none/at/all").framework is None


def test_a_folder_is_looked_at_again_when_it_has_changed(tmp_path):
    path = str(tmp_path / "weights")
    assert with_detected_facts(Transfer(path=path), beside=path).framework is None
    (tmp_path / "saved_model.pb").write_bytes(b"")
    os.utime(tmp_path, ns=(1, 1))  # a file system's clock may not distinguish two changes in one tick
    assert with_detected_facts(Transfer(path=path), beside=path).framework == "tensorflow"


def test_nothing_is_looked_at_that_no_rule_reads():
    engine = Engine(ruleset("  - {name: r, condition: \"framework == 'onnx'\", action: log}"))
    the, asked = Detection(engine), Transfer(path="s3://bucket/a.onnx")
    assert the.complete(asked).framework == "onnx"
    engine.replace(ruleset("  - {name: r, condition: gpu_memory > 80, action: log}"))
    assert the.complete(asked) is asked
