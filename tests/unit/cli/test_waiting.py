"""Nothing is waited for without a word: why there is no telemetry, what happens now, and how to stop."""

from gpurules.cli.inputs.rulesets import nothing_to_do
from gpurules.cli.inputs.telemetry import no_gpu, no_telemetry
from gpurules.model import GPU, Snapshot
from gpurules.rules import loads
from gpurules.telemetry import TelemetryError

RULE = "- {name: a, condition: gpu_memory > 1, action: pause_transfer}"


def rules(*entries):
    return loads(
        "version: 1\nname: node\nrules:\n  " + "\n  ".join(entries) if entries else "version: 1\nname: node\nrules: []"
    )


def test_each_source_that_was_tried_has_a_line_with_its_reason():
    error = TelemetryError("no source can be used here", {"nvml": "no driver", "amd": "no ROCm; install it"})
    assert [*no_telemetry(error, 5.0)] == [
        "no telemetry: no source can be used here",
        "  nvml: no driver",
        "  amd: no ROCm; install it",
        "retrying every 5 s; until then GPU facts are missing (Ctrl-C to stop)",
    ]
    assert str(error) == "no source can be used here; nvml: no driver; amd: no ROCm; install it"


def test_what_is_not_tried_again_is_not_promised():
    assert [*no_telemetry(TelemetryError("gone"), None)] == ["no telemetry: gone"]


def test_a_ruleset_that_decides_nothing_is_named():
    assert "has no rule" in next(nothing_to_do(rules()))
    assert "disabled" in next(nothing_to_do(rules(RULE.replace("}", ", enabled: false}"))))
    assert [*nothing_to_do(rules(RULE))] == []


def test_a_node_without_a_gpu_is_named():
    assert "no GPU" in next(no_gpu(Snapshot()))
    assert [*no_gpu(Snapshot(gpus=(GPU(index=0),)))] == [*no_gpu(None)] == []
