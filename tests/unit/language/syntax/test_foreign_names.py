"""What authors bring from other systems, and slips that have one remedy: the hint says what to write."""

import pytest

from gpurules.diagnostics import Diagnostic
from gpurules.fields import FIELDS
from gpurules.language.syntax.foreign_names import FIELD_OF
from gpurules.linter import lints
from gpurules.telemetry.formats.prometheus import dcgm

TEXT = "version: 1\nname: x\nrules:\n  - name: a\n    condition: |\n      %s\n    action: pause_transfer\n"


def first(condition: str) -> tuple[Diagnostic, str]:
    """Return the first error of a condition, and the text that it points at."""
    found = next(d for d in lints(TEXT % condition, "x.yaml") if d.code in ("GPR003", "GPR101", "GPR103", "GPR116"))
    return found, condition[found.column - 7 : found.end_column - 7]


def test_the_fields_of_metrics_are_those_that_a_source_fills() -> None:
    for attribute, metrics in dcgm.METRICS.items():
        for metric, _ in metrics:
            if metric.startswith("DCGM_FI_"):
                assert FIELD_OF.get(metric) == f"gpu_{attribute}", metric
    assert set(FIELD_OF.values()) <= set(FIELDS)


@pytest.mark.parametrize(
    ("condition", "place", "hint"),
    [
        ("DCGM_FI_DEV_GPU_TEMP > 82", "DCGM_FI_DEV_GPU_TEMP", "write gpu_temperature"),
        ("DCGM_FI_DEV_FB_FREE < 2GiB", "DCGM_FI_DEV_FB_FREE", "write gpu_memory_free, which is in bytes"),
        ("nvidia_smi_power_draw_watts > 300", "nvidia_smi_power_draw_watts", "write gpu_power"),
        ("gpu_throttle_reasons != 0", "gpu_throttle_reasons", "the mask is one field for each reason: gpu_throttle_hw"),
        ("DCGM_FI_DEV_CLOCKS_EVENT_REASONS >= 8", "DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "the mask is one field for each"),
        (
            "DCGM_FI_DEV_ROW_REMAP_FAILURE > 0",
            "DCGM_FI_DEV_ROW_REMAP_FAILURE",
            "write gpu_row_remap_failure, which stands alone",
        ),
        (
            "DCGM_FI_DEV_XID_ERRORS > 0",
            "DCGM_FI_DEV_XID_ERRORS",
            "write gpu_xid == 79 for the last error, or gpu_xid_a",
        ),
        (
            "DCGM_FI_DEV_POWER_VIOLATION > 0",
            "DCGM_FI_DEV_POWER_VIOLATION",
            "no field corresponds to this metric; declar",
        ),
        (
            "node_load1 > 5",
            "node_load1",
            "no field corresponds to this metric; declare one under fields:, such as my_f",
        ),
        ("up == 0", "up", "write telemetry_age > 1m"),
        ("absent(gpu_power)", "absent", "write x IS MISSING, or telemetry_age > 1m"),
        ("time() > 5", "time", "a condition has no absolute time"),
        ("gpu_power offset 5m > 3", "offset", "there is no offset"),
        ("sum by (gpu) (gpu_power) > 3", "by", "there is no grouping"),
        ("gpu_power{gpu='0'} > 3", "{", "there is no selection by labels"),
        ("gpu_power @ 5 > 3", "@", "a condition is evaluated now"),
        ("avg_over_time(gpu_power[5m:1m]) > 3", ":", "there are no subqueries"),
        ("DCGM_FI_DEV_BOGUS > 1", "DCGM_FI_DEV_BOGUS", "no field corresponds to this metric"),
        ("gpu_power{gpu='1'} > 300", "{", "there is no selection by labels"),
        ("max by (host) (gpu_power) > 300", "by", "there is no grouping"),
        ("sum(gpu_power) without (gpu) > 300", "without", "there is no grouping"),
        ("gpu_power > on(gpu) 300", "on", "there is no vector matching"),
        ("gpu_power > ignoring(gpu) gpu_power_limit", "ignoring", "there is no vector matching"),
        ("gpu_power offset 1h > 300", "offset", "there is no offset"),
        ("gpu_throttled unless active_training", "unless", "write AND NOT"),
        ("gpu_power > bool 300", "bool", "leave it out"),
        ("max(gpu_power)[5m] > 300", "[", "a window applies to one field"),
        ("absent(gpu_temperature)", "absent", "write x IS MISSING"),
        ("time() > 5", "time", "a condition has no absolute time"),
        ("topk(2, gpu_power) > 300", "topk", "compare with max(x)"),
        ("irate(gpu_energy[1m]) > 300W", "irate", "write rate(x[5m])"),
        ("hour() > 8", "hour", "hour is a field: write it without brackets"),
    ],
)
def test_what_comes_from_another_system_is_answered_with_what_to_write(condition: str, place: str, hint: str) -> None:
    found, at = first(condition)
    assert at == place
    assert found.hint is not None
    assert found.hint.startswith(hint)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("file_type == tensor", "'tensor'"),
        ("file_type == datasett", "'dataset'"),
        ("gpu_name == A100", "'A100'"),
        ("host IN ('n1', node9)", "'node9'"),
        ("path CONTAINS checkpoints", "'checkpoints'"),
        ("weekday == Friday", "'fri'"),
    ],
)
def test_a_text_without_quotes_gets_them(condition: str, text: str) -> None:
    found, _ = first(condition)
    assert found.hint == f"a string needs quotes: {text}"
    assert [edit.replacement for edit in found.edits] == [text]


@pytest.mark.parametrize(
    "condition", ["gpu_throttled = yes", "gpu_throttled == no", "on == gpu_throttled", "gpu_throttled != off"]
)
def test_a_word_compared_with_a_truth_value_gets_a_hint_to_drop_the_comparison(condition: str) -> None:
    assert first(condition)[0].hint == "use a bool by itself: gpu_throttled, or NOT gpu_throttled"


def test_a_number_compared_with_a_truth_value_gets_a_hint_to_drop_the_comparison() -> None:
    assert first("active_training == 1")[0].hint == "use active_training by itself, or with NOT"


def test_a_slip_of_a_field_is_still_one_beside_a_text() -> None:
    assert first("file_nam == 'x'")[0].hint == "did you mean 'file_name'?"


@pytest.mark.parametrize(
    ("condition", "word"),
    [
        ("gpu_power>300W%sgpu_throttled", "AND"),
        ("gpu_memory > 75%%%s NOT gpu_throttled", "or"),
        ("gpu_memory > 75%s (gpu_throttled)", "And"),
        ("gpu_memory BETWEEN 5%s 10", "AND"),
        ("gpu_memory > 75%s", "and"),
    ],
)
def test_a_keyword_against_a_number_is_named_at_its_place(condition: str, word: str) -> None:
    text = condition % f"{word} " if condition.endswith("%sgpu_throttled") else condition % word
    found, at = first(text)
    assert at.endswith(word), "the next word is not to blame"
    assert "write a space before it" in (found.hint or "")
    assert "is not a unit" in found.message


@pytest.mark.parametrize(
    "condition", ["gpu_memory > 75x", "gpu_memory > 75foo AND gpu_throttled", "gpu_xid_age > 5min"]
)
def test_other_letters_against_a_number_are_an_error_that_names_them(condition: str) -> None:
    found, _ = first(condition)
    assert found.code == "GPR116"
    assert found.message.split("'")[1] in condition
