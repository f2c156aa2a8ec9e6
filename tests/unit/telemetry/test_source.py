"""Opening sources by name, and their options."""

import pytest

from gpurules.errors import RegistrationError
from gpurules.model import Snapshot
from gpurules.telemetry import Replay, Synthetic, TelemetryError, open_source
from gpurules.telemetry.source import SourceOptions
from gpurules.telemetry.source_registry import SOURCE_NAMES, shipped_source


def test_the_built_in_sources_are_registered():
    assert {"auto", "nvml", "nvidia-smi", "dcgm", "amd", "replay", "synthetic"} <= set(SOURCE_NAMES)


@pytest.mark.parametrize("name", SOURCE_NAMES)
def test_a_source_that_ships_has_the_name_under_which_it_is_opened(name):
    source = shipped_source(name)
    assert source is not None
    assert source.name == name


def test_a_misspelled_source_is_answered_with_the_nearest():
    with pytest.raises(RegistrationError, match="no telemetry source is named 'sintetic'; did you mean 'synthetic'"):
        open_source("sintetic:gpus=2")


def test_a_replay_is_opened_by_its_path(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"timestamp": 5, "gpus": []}\n')
    source = open_source(f"replay:{path}", host="node-9")
    assert isinstance(source, Replay)
    assert source.read().host == "node-9"


def test_a_replay_without_a_path_says_what_to_write():
    with pytest.raises(TelemetryError, match=r"replay needs the path of a recording, as in replay:node\.jsonl"):
        open_source("replay:")


def test_a_simulation_takes_its_options_from_the_name_and_apart():
    source = open_source("synthetic:gpus=2,seconds=30,interval=10", seed=3)
    assert isinstance(source, Synthetic)
    assert (source.scenario.gpus, source.scenario.steps, source.scenario.seed) == (2, 3, 3)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("synthetic:gpu=2", "no option is named 'gpu'; did you mean 'gpus'"),
        ("synthetic:gpus", "'gpus' is not an option; write key=value"),
        ("synthetic:gpus=many", "the option 'gpus' must be a number from 0 to 1024, not 'many'"),
        ("synthetic:gpus=1.5", "the option 'gpus' must be an integer"),
        ("synthetic:seconds=nan", "the option 'seconds' must be a number"),
        ("synthetic:interval=0", "the option 'interval' must be a number"),
        ("nvml:mode=magic", "the option 'mode' must be one of process, thread, inline, not 'magic'"),
        ("nvml:timeout=0", "the option 'timeout' must be a number"),
        ("nvidia-smi:binray=x", "no option is named 'binray'; did you mean 'binary'"),
    ],
)
def test_a_wrong_option_is_named(spec, message):
    with pytest.raises(TelemetryError, match=message):
        open_source(spec)


def test_names_are_a_set_or_a_text():
    options = SourceOptions("nvml", {"a": "gpu_power + gpu_memory", "b": {"hour"}, "c": 3})
    assert options.names("a") == {"gpu_power", "gpu_memory"}
    assert (options.names("b"), options.names("none")) == ({"hour"}, None)
    with pytest.raises(TelemetryError, match="'c' must be a set of names, not 3"):
        options.names("c")


def test_an_option_of_the_wrong_type_is_refused():
    with pytest.raises(TelemetryError, match="the option 'host' must be a string, not 3"):
        SourceOptions("replay", {"host": 3}).text("host")


class FakeSource:
    """A plug-in's source: its snapshots say how it was opened."""

    name = "fake"

    def __init__(self, argument, options):
        self.argument, self.options = argument, options

    def read(self):
        return Snapshot(labels={"argument": self.argument, **{k: str(v) for k, v in self.options.items()}})

    def close(self):
        pass


class Fake:
    """A plug-in's factory."""

    name = "fake"

    def open(self, argument, options):
        return FakeSource(argument, options)


@pytest.mark.parametrize("plugin", [Fake, Fake()], ids=["class", "object"])
def test_a_source_of_a_plug_in_is_opened_by_its_name(monkeypatch, plugin):
    monkeypatch.setattr("gpurules.plugins.load_plugins", lambda group: ({"fake": plugin}, {}))
    assert open_source("fake:a:b", x=1).read().labels == {"argument": "a:b", "x": "1"}


@pytest.mark.parametrize(
    ("plugins", "message"),
    [
        (({}, {"fake": "ImportError: no"}), "'fake' cannot be imported: ImportError: no"),
        (({"fake": object()}, {}), "'fake' is not a factory"),
        (
            ({"fake": type("Other", (Fake,), {"name": "replay"})()}, {}),
            "claims the name 'replay', which is taken",
        ),
    ],
)
def test_a_plug_in_that_does_not_fit_is_named(monkeypatch, plugins, message):
    monkeypatch.setattr("gpurules.plugins.load_plugins", lambda group: plugins)
    with pytest.raises(RegistrationError, match=message):
        open_source("fake:")


def test_a_plug_in_that_does_not_fit_never_stops_the_others(monkeypatch):
    monkeypatch.setattr("gpurules.plugins.load_plugins", lambda group: ({"fake": Fake, "odd": 3}, {"bad": "Boom"}))
    assert open_source("fake:a").read().labels == {"argument": "a"}
