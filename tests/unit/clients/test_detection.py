"""Detectors: what tells of a file beside its path."""

import pytest

from gpurules.clients import detection
from gpurules.clients.detection import Detected, Evidence, completed, detect
from gpurules.model import Transfer


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
def test_folders_and_processes_tell_what_the_suffix_does_not(evidence, found):
    assert detect(evidence) == found


class Plugin:
    name = "site"

    def detect(self, evidence):
        if evidence.path.endswith(".ours"):
            return Detected("tensor", "jax")
        raise ValueError("not mine")


@pytest.fixture
def plugin(monkeypatch):
    monkeypatch.setattr("gpurules.registry.load_plugins", lambda _: ({"site": Plugin, "odd": object()}, {}))
    detection.all_detectors.cache_clear()
    yield
    detection.all_detectors.cache_clear()


def test_a_plug_in_is_asked_first_and_one_that_fails_stops_nothing(plugin):
    assert detect(Evidence("/x/a.ours")) == Detected("tensor", "jax")
    assert detect(Evidence("/x/a.pt")) == Detected("model", "pytorch")
    assert set(detection.all_detectors()[1]) == {"odd"}


def test_what_is_given_and_what_the_ruleset_says_stand_above_detectors(plugin):
    given = Transfer(path="/x/a.ours", file_type="log", framework="onnx")
    assert completed(given) is given
    ruled = completed(Transfer(path="/x/a.ours"), (("*.ours", "config"),))
    assert (ruled.file_type, ruled.framework) == (None, "jax"), "the ruleset's own table tells the type, later"
    assert completed(Transfer(path="/x/a.ours")).file_type == "tensor"
    assert completed(Transfer()) == Transfer()
    asked = Transfer(path="/x/a.ours")
    assert completed(asked, wanted=frozenset()) is asked, "nothing is looked at that nobody reads"


def test_the_folder_of_a_local_file_is_looked_at(tmp_path):
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    path = str(tmp_path / "weights")
    assert completed(Transfer(path=path), is_local=True).framework == "huggingface"
    assert completed(Transfer(path=path)).framework is None
    assert completed(Transfer(path="/none/at/all"), is_local=True).framework is None
