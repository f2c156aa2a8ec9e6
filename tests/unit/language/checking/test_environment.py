"""Names in force: definitions, signals, inputs, fields."""

import pytest

from gpurules.language import Environment, Input, parse, parse_definition
from gpurules.language.terms import ir
from gpurules.model import NUMBER


def environment(signals: dict[str, str] | None = None, **definitions: str) -> Environment:
    return Environment(
        definitions={name: parse_definition(text) for name, text in definitions.items()},
        signals={name: parse(text) for name, text in (signals or {}).items()},
    )


def test_a_definition_stands_for_its_expression_wherever_it_is_used() -> None:
    found = environment(hot="gpu_temperature > 85", both="hot AND full", full="gpu_memory > 90").condition(
        parse("both")
    )
    assert found.findings == ()
    assert found.fields == {"gpu_temperature", "gpu_memory"}
    assert found.per_gpu


def test_a_list_stands_after_in() -> None:
    named = environment(weights="['model', 'tensor']")
    term = named.condition(parse("file_type IN weights")).term
    assert isinstance(term, ir.Member)
    assert [m.value for m in term.members if isinstance(m, ir.Constant)] == ["model", "tensor"]
    (found,) = named.condition(parse("weights == 'a'")).findings
    assert (found.code, found.hint) == ("GPR103", "test membership: … IN weights")


def test_numbers_of_a_list_take_one_dimension() -> None:
    named = environment(sizes="[1MB, 5, 2]")
    assert named.condition(parse("transfer_size IN sizes")).findings == ()
    assert [f.code for f in environment(odd="[1MB, 2s]").definition("odd").findings] == ["GPR104"]
    assert [f.code for f in environment(odd="[1, 'a']").definition("odd").findings] == ["GPR103"]
    assert [f.code for f in environment(odd="[1MB, 5mb]").definition("odd").findings] == ["GPR116"]


def test_a_signal_is_a_name_not_its_condition() -> None:
    found = environment({"busy": "gpu_memory > 80"}).condition(parse("busy AND active_training"))
    assert isinstance(found.term, ir.And)
    assert found.term.parts[0] == ir.Signal("busy", True)
    assert found.per_gpu


def test_a_signal_over_the_node_is_of_the_node() -> None:
    assert not environment({"busy": "max(gpu_memory) > 80"}).condition(parse("busy")).per_gpu


def test_signals_may_be_declared_anywhere() -> None:
    named = environment({"b": "a AND gpu_power > 5W", "a": "gpu_memory > 80"})
    assert named.signal("b").per_gpu
    assert named.condition(parse("b")).findings == ()


def test_names_used_are_reported() -> None:
    named = environment({"s": "hot"}, hot="gpu_temperature > 85", idle="gpu_power < 50W")
    assert "hot" in named.signal("s").used
    assert "idle" not in named.condition(parse("s AND hot")).used


def test_a_definition_hides_a_field() -> None:
    found = environment(gpu_memory="gpu_power > 5W").condition(parse("gpu_memory"))
    assert found.findings == ()
    assert found.fields == {"gpu_power"}


def test_an_input_comes_before_a_field_and_after_a_definition() -> None:
    inputs = {"a": Input(1, NUMBER), "b": Input(2, NUMBER)}
    named = Environment(definitions={"a": parse_definition("5")}, inputs=inputs)
    assert named.resolve("a") == BROKEN_UNTIL_CHECKED
    assert named.resolve("b") == ir.Constant(2, NUMBER)


BROKEN_UNTIL_CHECKED = Environment(definitions={"x": parse_definition("5")}).resolve("x")


def test_a_mistake_in_a_definition_is_reported_there_and_not_again_where_it_is_used() -> None:
    named = environment(bad="gpu_memroy > 80")
    assert [f.code for f in named.definition("bad").findings] == ["GPR101"]
    assert named.condition(parse("bad AND gpu_power > 5W")).findings == ()


@pytest.mark.parametrize(
    ("definitions", "message"),
    [
        ({"a": "NOT a"}, "'a' is defined in terms of itself: a -> a"),
        ({"a": "b", "b": "c AND a", "c": "TRUE"}, "'a' is defined in terms of itself: a -> b -> a"),
    ],
)
def test_a_circle_is_named(definitions: dict[str, str], message: str) -> None:
    named = environment(**definitions)
    assert [f.message for f in named.definition("a").findings] == [message]


def test_a_circle_through_signals_is_named() -> None:
    named = environment({"s": "t", "t": "d"}, d="s")
    assert "s -> t -> d -> s" in named.signal("s").findings[0].message


def test_unknown_names_are_answered_with_those_in_force() -> None:
    (found,) = environment({"memory_pressure": "gpu_memory > 80"}).condition(parse("memory_presure")).findings
    assert found.hint == "did you mean 'memory_pressure'?"
