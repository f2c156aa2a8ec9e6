"""Names, types, dimensions: what a condition means, or the one thing that is wrong with it."""

import pytest

from gpurules.diagnostics import CATALOGUE, Finding, Severity
from gpurules.language import Environment, Input, parse, parse_definition
from gpurules.language.terms import ir
from gpurules.model import BOOL, NUMBER, Dimension, number
from tests.factories import checked


def errors(text: str) -> list[Finding]:
    return [f for f in checked(text).findings if CATALOGUE[f.code].severity is Severity.ERROR]


def only_error(text: str) -> Finding:
    (found,) = errors(text)
    return found


def warnings(text: str) -> list[tuple[str, str]]:
    return [(f.code, text[f.span.start : f.span.end]) for f in checked(text).findings]


@pytest.mark.parametrize(
    ("text", "code", "place", "hint"),
    [
        ("gpu_memroy > 80", "GPR101", "gpu_memroy", "did you mean 'gpu_memory'?"),
        ("gpu_memory_utilization > 80", "GPR101", "gpu_memory_utilization", "gpu_memory_busy"),
        ("file_type == model", "GPR101", "model", "a string needs quotes: 'model'"),
        ("gpu_power == NULL", "GPR101", "NULL", "test with IS MISSING"),
        ("nonsense_xyz > 1", "GPR101", "nonsense_xyz", None),
        ("rnd(gpu_power) > 1", "GPR101", "rnd", "did you mean round(x)?"),
        ("zzz(gpu_power) > 1", "GPR101", "zzz", "functions: abs"),
        ("gpu_memory > 'a'", "GPR103", "gpu_memory > 'a'", None),
        ("gpu_memory > '80'", "GPR103", "gpu_memory > '80'", "write the number without quotes: 80"),
        ("gpu_memory AND active_training", "GPR103", "gpu_memory", "compare it: gpu_memory > …"),
        ("path", "GPR103", "path", "compare it: path == '…'"),
        ("path > 'a'", "GPR103", "path > 'a'", "strings are compared with ==, !=, IN, or GLOB"),
        (
            "active_training == 'yes'",
            "GPR103",
            "active_training == 'yes'",
            "use active_training by itself, or with NOT",
        ),
        ("gpu_memory CONTAINS 'a'", "GPR103", "gpu_memory CONTAINS 'a'", None),
        ("path + 1 > 2", "GPR103", "path", None),
        ("lower(gpu_memory) == 'a'", "GPR103", "gpu_memory", "write lower(text)"),
        ("path IN (1, 2)", "GPR103", "path IN (1, 2)", None),
        ("path IN host", "GPR103", "host", "write IN (host) for a single value"),
        ("gpu_memory > 16GiB", "GPR104", "gpu_memory > 16GiB", "gpu_memory_used"),
        ("gpu_memory_used > 80%", "GPR104", "gpu_memory_used > 80%", "the percentage is gpu_memory"),
        ("gpu_temperature > 100MB", "GPR104", "gpu_temperature > 100MB", "write 85C"),
        ("gpu_memory_used / gpu_memory_total > 80%", "GPR104", "gpu_memory_used / gpu_memory_total > 80%", "0.8"),
        ("gpu_memory * transfer_size > 1", "GPR104", "gpu_memory * transfer_size", "gpu_memory / 100%"),
        ("gpu_memory + gpu_power > 1", "GPR104", "gpu_memory + gpu_power", None),
        ("1 / gpu_power > 1", "GPR104", "1 / gpu_power", None),
        ("80% * gpu_temperature > 1", "GPR104", "80% * gpu_temperature", None),
        ("least(gpu_power, gpu_memory) > 1", "GPR104", "least(gpu_power, gpu_memory)", None),
        ("gpu_count > gpu_memory", "GPR104", "gpu_count > gpu_memory", None),
        ("70 < gpu_memory > 60", "GPR011", "70 < gpu_memory > 60", "join the comparisons with AND"),
        ("1 != gpu_memory != 2", "GPR011", "1 != gpu_memory != 2", "join the comparisons with AND"),
        ("abs(1, 2) > 1", "GPR117", "abs(1, 2)", "write abs(x)"),
        ("least(1) > 1", "GPR117", "least(1)", "write least(x, y, …)"),
        ("coalesce() > 1", "GPR117", "coalesce()", None),
        ("path MATCHES '('", "GPR118", "'('", "RE2"),
        ("path MATCHES '(?=x)'", "GPR118", "'(?=x)'", "RE2"),
        ("path MATCHES host", "GPR118", "host", "use CONTAINS or GLOB"),
        ("max(max(gpu_power)) > 1", "GPR119", "max(gpu_power)", "compare with it outside"),
        ("any(active_training)", "GPR119", "any(active_training)", "remove any(…)"),
        ("any(gpu_memory)", "GPR103", "any(gpu_memory)", "compare it: gpu_memory > …"),
        ("max(gpu_memory > 80) > 1", "GPR103", "max(gpu_memory > 80)", "count(…)"),
        ("gpu_power[1m] > 3", "GPR120", "gpu_power[1m]", "write avg_over_time(gpu_power[1m])"),
        ("avg_over_time(gpu_power) > 3", "GPR120", "avg_over_time(gpu_power)", "write avg_over_time(field[1m])"),
        ("avg_over_time(gpu_power[60]) > 3", "GPR120", "60", "write gpu_power[60s]"),
        ("avg_over_time(gpu_power[0s]) > 3", "GPR120", "0s", None),
        ("avg_over_time(gpu_power[12:00]) > 3", "GPR120", "12:00", "write [1m]"),
        ("avg_over_time(gpu_name[1m]) > 3", "GPR120", "gpu_name", None),
        ("avg_over_time(transfer_size[1m]) > 3", "GPR120", "transfer_size", None),
        ("quantile_over_time(2, gpu_power[1m]) > 3", "GPR103", "2", "write 0.95"),
        ("predict_linear(gpu_power[1m], gpu_power) > 3", "GPR103", "gpu_power", None),
        ("predict_linear(gpu_power[1m], 5W) > 3", "GPR104", "5W", None),
    ],
)
def test_one_mistake_is_one_finding_at_its_place_with_advice(
    text: str, code: str, place: str, hint: str | None
) -> None:
    found = only_error(text)
    assert (found.code, text[found.span.start : found.span.end]) == (code, place)
    if hint is not None:
        assert found.hint is not None
        assert hint in found.hint


def test_mistakes_of_several_parts_are_all_found() -> None:
    found = errors("gpu_memroy > 80 AND path > 5 OR NOT gpu_power")
    assert [f.code for f in found] == ["GPR101", "GPR103", "GPR103"]


def test_names_and_types_are_checked_around_a_mistake_of_syntax() -> None:
    assert [f.code for f in errors("gpu_memory > > 80 AND gpu_memroy > 80")] == ["GPR003", "GPR101"]


def test_what_follows_from_a_mistake_is_not_reported() -> None:
    assert only_error("abs(nonsense + 5GiB) * 3s > 5W").code == "GPR101"


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("gpu_memory_used + 5", Dimension.BYTES),
        ("5 + gpu_memory_used", Dimension.BYTES),
        ("gpu_power * 2", Dimension.WATTS),
        ("2 * gpu_power / 3", Dimension.WATTS),
        ("gpu_memory_used / gpu_memory_total", Dimension.NONE),
        ("transfer_size / 200MB/s", Dimension.SECONDS),
        ("transfer_size / 10s", Dimension.BYTES_PER_SECOND),
        ("gpu_pcie_rx * 10s", Dimension.BYTES),
        ("gpu_energy / 10s", Dimension.WATTS),
        ("gpu_energy / gpu_power", Dimension.SECONDS),
        ("gpu_power * 3s", Dimension.JOULES),
        ("80% * gpu_memory_total", Dimension.BYTES),
        ("gpu_memory_total * 80%", Dimension.BYTES),
        ("-gpu_temperature", Dimension.CELSIUS),
        ("abs(gpu_temperature - 85)", Dimension.CELSIUS),
        ("greatest(gpu_power, 5)", Dimension.WATTS),
        ("coalesce(transfer_size, 0)", Dimension.BYTES),
        ("max(gpu_power)", Dimension.WATTS),
        ("count(gpu_power > 5W)", Dimension.NONE),
        ("rate(gpu_memory_used[1m])", Dimension.BYTES_PER_SECOND),
        ("rate(gpu_energy[1m])", Dimension.WATTS),
        ("rate(gpu_ecc_errors[1m])", Dimension.NONE),
        ("delta(gpu_temperature[1m])", Dimension.CELSIUS),
        ("count_over_time(gpu_power[1m])", Dimension.NONE),
        ("increase(gpu_energy[1m])", Dimension.JOULES),
        ("deriv(gpu_energy[1m])", Dimension.WATTS),
        ("deriv(gpu_memory_used[1m])", Dimension.BYTES_PER_SECOND),
        ("deriv(gpu_temperature[1m])", Dimension.NONE),
        ("changes(gpu_memory_used[1m])", Dimension.NONE),
        ("length(path)", Dimension.NONE),
    ],
)
def test_arithmetic_and_functions_have_the_dimension_of_physics(text: str, dimension: Dimension) -> None:
    found = Environment(definitions={"x": parse_definition(text)}).definition("x")
    assert found.findings == ()
    assert found.term.datatype == number(dimension)


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("file_type == 'modle'", "GPR107", "'modle'"),
        ("file_type == 'Model'", "GPR108", "'Model'"),
        ("file_type IN ('model', 'weights')", "GPR107", "'weights'"),
        ("weekday == 'Monday'", "GPR107", "'Monday'"),
        ("gpu_memory > 120", "GPR110", "120"),
        ("gpu_utilization >= -1", "GPR110", "-1"),
        ("120 < gpu_memory", "GPR110", "120"),
        ("gpu_memory BETWEEN 10 AND 101", "GPR110", "101"),
        ("time_of_day > 90000s", "GPR110", "90000s"),
    ],
)
def test_a_literal_that_a_field_never_takes_is_warned_of(text: str, code: str, place: str) -> None:
    assert (code, place) in warnings(text)
    assert errors(text) == []


@pytest.mark.parametrize(
    "text", ["gpu_memory > 100", "file_type == 'model'", "gpu_temperature > -40", "path == 'Model'"]
)
def test_a_literal_within_the_range_is_not_warned_of(text: str) -> None:
    assert warnings(text) == []


def test_the_warning_of_an_enum_offers_the_nearest_member() -> None:
    (found,) = checked("file_type == 'modle'").findings
    assert found.hint == "did you mean 'model'?"
    assert [e.replacement for e in found.edits] == ["'model'"]


def test_a_bare_constant_takes_the_dimension_of_the_other_side() -> None:
    term = checked("gpu_temperature > 87").term
    assert isinstance(term, ir.Compare)
    assert term.operands[1].datatype == number(Dimension.CELSIUS)


def test_constant_arithmetic_is_a_constant() -> None:
    term = checked("transfer_size > 2 * (3 + 1) * 1MB").term
    assert isinstance(term, ir.Compare)
    assert term.operands[1] == ir.Constant(8 * 1024**2, number(Dimension.BYTES)) or ir.children(term.operands[1])


@pytest.mark.parametrize(
    ("text", "per_gpu"),
    [
        ("gpu_memory > 80", True),
        ("max(gpu_memory) > 80", False),
        ("gpu_memory > avg(gpu_memory)", True),
        ("active_training", False),
        ("avg_over_time(gpu_power[1m]) > 5", True),
        ("avg_over_time(pending_transfers[1m]) > 5", False),
        ("gpu_count > 1 AND NOT any(gpu_throttled)", False),
    ],
)
def test_a_per_gpu_field_outside_an_aggregate_makes_it_per_gpu(text: str, per_gpu: bool) -> None:
    assert checked(text).per_gpu is per_gpu


def test_the_kind_of_every_connective_is_bool() -> None:
    for text in ("NOT active_training", "active_training OR TRUE", "path IS MISSING", "path GLOB '*'", "1 < 2"):
        assert checked(text).term.datatype == BOOL


def test_a_window_keeps_field_length_and_parameter() -> None:
    term = checked("quantile_over_time(0.95, gpu_power[5m]) > 1").term
    assert isinstance(term, ir.Compare)
    window = term.operands[0]
    assert isinstance(window, ir.Window)
    assert (window.function, window.field.name, window.seconds, window.parameter) == (
        "quantile_over_time",
        "gpu_power",
        300,
        0.95,
    )


def test_an_input_is_a_constant_of_its_type() -> None:
    environment = Environment(inputs={"limit": Input(83, number(Dimension.CELSIUS)), "who": Input("a", NUMBER)})
    assert environment.condition(parse("gpu_temperature > limit")).findings == ()
    (found,) = environment.condition(parse("gpu_power > limit")).findings
    assert found.code == "GPR104"
