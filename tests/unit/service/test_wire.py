"""The codec of the wire says what the model says, member for member."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpurules
from gpurules.model import Transfer, Workload
from gpurules.service.wire.decisions import DecisionEncoder, decision_data
from gpurules.service.wire.json_bytes import decode, encode
from gpurules.service.wire.problems import ProblemError, pointer
from gpurules.service.wire.redaction import shown_source
from gpurules.service.wire.requests import read_decide, read_item
from tests.cases import examples

RULES = """\
version: 1
name: wire
settings: {max_delay: 100s}
rules:
  - {name: heat, condition: gpu_temperature > 80C, action: reduce_prefetch, parameters: {reduction_factor: 0.5}}
  - {name: large, condition: gpu_memory > 50 AND transfer_size > 1GiB, action: delay_transfer, parameters: {delay: 30s}}
  - {name: mixed, condition: gpu_memory > 50 AND file_type == 'model' OR gpu_temperature > 90C AND transfer_size > 1KiB,
     action: increase_priority, parameters: {priority_boost: 10}}
  - {name: jitter, condition: operation == 'write', action: delay_transfer, parameters: {delay: 20s, jitter: 0.5}}
  - {name: stage, condition: file_type == 'dataset', action: stage_transfer, parameters: {staging_threshold: 1MiB}}
  - {name: rest, condition: transfer_priority < 0, action: pause_transfer}
  - {name: own, condition: gpu_temperature > 80C AND workload_type == 'training', gpus: workload,
     action: limit_bandwidth, parameters: {max_bandwidth: 1GiB/s}}
  - {name: many, condition: max(gpu_temperature) > 80C, action: limit_concurrency, parameters: {max_concurrency: 2}}
"""
numbers = st.integers(0, 2**53) | st.floats(0, 1e15, allow_nan=False)
texts = st.text(max_size=20)
names = st.sampled_from(["/a/b.safetensors", "/data/x.tar", "/c/é\u202e", "", "/m.pt"])
transfers = st.fixed_dictionaries(
    {},
    optional={
        "id": texts,
        "path": names,
        "size": numbers,
        "priority": st.integers(-100, 100) | st.floats(-10, 10),
        "operation": st.sampled_from(["read", "write", "prefetch", "delete"]),
        "created": st.floats(0, 2000),
        "duration": st.floats(0, 1e6),
        "file_type": st.sampled_from(["model", "dataset", "unknown"]),
        "framework": st.sampled_from(["pytorch", "unknown"]),
        "workload_id": texts,
        "labels": st.dictionaries(texts, texts, max_size=2),
    },
)
workloads = st.fixed_dictionaries(
    {},
    optional={
        "id": texts,
        "type": st.sampled_from(["training", "inference"]),
        "gpu_devices": st.lists(st.sampled_from([0, 1, "1:0"]), unique=True),
        "memory_footprint": numbers,
        "dataset_files": st.lists(texts, max_size=2),
        "started": st.floats(0, 1e9),
        "labels": st.dictionaries(texts, texts, max_size=2),
    },
)
gpus = st.builds(
    gpurules.GPU,
    index=st.just(0),
    memory=st.none() | st.floats(0, 100),
    temperature=st.none() | st.floats(20, 110),
)


def plain(data: object) -> Any:
    return json.loads(json.dumps(data, default=str))


@given(transfers, workloads)
@settings(max_examples=examples(300), deadline=None)
def test_what_is_read_is_what_the_model_reads(transfer: dict[str, object], workload: dict[str, object]) -> None:
    read = read_decide(encode({"transfer": transfer, "workload": workload}), {}, 0.0)
    assert read.transfer == Transfer.from_dict(transfer) and read.workload == Workload.from_dict(workload)
    assert read.transfer is not None and read.transfer.missing == {}
    assert read.transfer.to_dict() == Transfer.from_dict(transfer).to_dict()


@pytest.mark.slow
@given(st.lists(st.tuples(transfers, workloads), min_size=1, max_size=8), gpus, gpus)
@settings(max_examples=examples(150), deadline=None)
def test_a_decision_is_written_as_its_dict(
    asked: list[tuple[dict[str, object], dict[str, object]]], first: gpurules.GPU, second: gpurules.GPU
) -> None:
    engine, encoder = gpurules.Engine(gpurules.loads(RULES), clock=lambda: 1000.0), DecisionEncoder()
    moved = gpurules.GPU(index=1, memory=second.memory, temperature=second.temperature)
    for timestamp in (1000.0, 1001.0):
        engine.observe(gpurules.Snapshot(timestamp=timestamp, gpus=(first, moved)))
        for transfer, workload in asked * 2:
            decision = engine.decide(Transfer.from_dict(transfer), Workload.from_dict(workload))
            assert json.loads(encoder.encode(decision)) == plain(decision.to_dict())


def test_devices_differ_between_transfers_on_which_the_same_rules_match() -> None:
    engine, encoder = gpurules.Engine(gpurules.loads(RULES), clock=lambda: 5.0), DecisionEncoder()
    gpus = (gpurules.GPU(index=0, memory=60.0, temperature=30.0), gpurules.GPU(index=1, memory=10.0, temperature=95.0))
    engine.observe(gpurules.Snapshot(timestamp=5.0, gpus=gpus))
    for transfer, devices in ((Transfer(path="/m.pt", size=5), [0]), (Transfer(path="/x.log", size=2048), [1])):
        matched = json.loads(encoder.encode(engine.decide(transfer)))["matched"]
        assert {match["rule"]: match["devices"] for match in matched}["mixed"] == devices


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_null(value: float) -> None:
    assert encode({"a": value}) == b'{"a":null}'


@pytest.mark.parametrize("text", ["\x1b[31m", "\u202e", "\x7f", "\u200b", "a\x00b"])
def test_a_character_that_is_not_drawn_is_escaped_and_read_again(text: str) -> None:
    assert encode(text).isascii() and decode(encode(text)) == text


def test_half_a_surrogate_pair_passes_both_ways() -> None:
    assert decode(encode({"path": "/a\udcff"})) == {"path": "/a\udcff"}


def test_a_wrong_item_of_a_batch_is_pointed_at() -> None:
    with pytest.raises(ProblemError) as caught:
        read_item(b'{"transfer": {"size": "x"}}', 7, {}, 0.0)
    assert caught.value.errors[0].pointer == "/7/transfer/size"


def test_a_pointer_is_short_however_long_a_name_is() -> None:
    assert len(pointer(("a" * 10**6, "b"))) < 200


def test_a_declared_field_is_read() -> None:
    text = "version: 1\nname: n\nfields: {tenant: {type: string, scope: transfer}}\nrules: []\n"
    declared = gpurules.loads(text).fields
    read = read_decide(b'{"transfer": {"tenant": "search"}}', declared, 0.0).transfer
    assert read is not None and read.labels == {"tenant": "search"}
    with pytest.raises(ProblemError):
        read_decide(b'{"transfer": {"tenant": "search"}}', {}, 0.0)


SECRETS = """\
version: 1
name: secrets
rules:
  - name: page
    condition: gpu_temperature > 80C
    actions:
      - action: webhook
        parameters:
          url: https://hooks.example.org/services/T0/B0/s3cr3t
          headers: {Authorization: Bearer t0k3n}
"""


def test_secrets_of_a_webhook_are_shown_nowhere() -> None:
    ruleset = gpurules.loads(SECRETS)
    snapshot = gpurules.Snapshot(gpus=(gpurules.GPU(index=0, temperature=90.0),))
    decision = ruleset.evaluate(snapshot)
    assert "s3cr3t" in json.dumps(decision.to_dict())
    for shown in (json.dumps(decision_data(decision)), DecisionEncoder().encode(decision).decode()):
        assert "s3cr3t" not in shown and "t0k3n" not in shown and "https://hooks.example.org/***" in shown
    source = shown_source(SECRETS, ruleset)
    assert source is not None and "s3cr3t" not in source and "t0k3n" not in source and "gpu_temperature" in source


def test_what_names_a_secret_is_shown_and_secrets_in_templates_are_not() -> None:
    text = SECRETS.replace(
        "headers: {Authorization: Bearer t0k3n}",
        "headers: {X-A: {secret_env: HOOK_TOKEN}, X-B: t0k3n}\n"
        "          body: {api_key: t0k3n, nested: {deep: ['https://x.example/s3cr3t']}, text: '{gpu_temperature}'}\n"
        "          secret_file: /run/secrets/hook",
    )
    ruleset = gpurules.loads(text)
    decision = ruleset.evaluate(gpurules.Snapshot(gpus=(gpurules.GPU(index=0, temperature=90.0),)))
    shown = json.dumps(decision_data(decision))
    assert "s3cr3t" not in shown and "t0k3n" not in shown
    assert "HOOK_TOKEN" in shown and "/run/secrets/hook" in shown and "{gpu_temperature}" in shown
    source = shown_source(text, ruleset)
    assert source is not None and "s3cr3t" not in source and "t0k3n" not in source and "HOOK_TOKEN" in source
