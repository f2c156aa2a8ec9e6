"""The catalogue of fields."""

import re
from dataclasses import fields as attributes

import pytest

from gpurules.backends.facts import NODE_READERS
from gpurules.fields import AMBIENT, FIELDS, Field, Scope, declared_field
from gpurules.language.syntax.parser import parse
from gpurules.model import GPU, STRING, Dimension, Kind, Transfer, Workload

HOLDERS = {Scope.GPU: GPU, Scope.TRANSFER: Transfer, Scope.WORKLOAD: Workload}
DERIVED = {"index_number", "age", "file_name", "file_extension"}


@pytest.mark.parametrize("field", FIELDS.values(), ids=lambda f: f.name)
class TestEveryField:
    def test_it_is_a_name_of_the_language(self, field: Field) -> None:
        assert re.fullmatch("[a-z][a-z0-9_]*", field.name)
        assert parse(f"{field.name} IS MISSING").findings == ()

    def test_it_says_what_it_is_and_where_it_comes_from(self, field: Field) -> None:
        assert field.description
        assert field.source

    def test_its_object_has_it(self, field: Field) -> None:
        if field.scope is Scope.NODE:
            assert field.name in NODE_READERS
        elif field.attribute not in DERIVED:
            assert field.attribute in {a.name for a in attributes(HOLDERS[field.scope])}

    def test_only_gpu_fields_start_with_gpu(self, field: Field) -> None:
        starts = field.name.startswith("gpu_") and field.name not in ("gpu_count", "gpu_lost_count")
        assert starts == (field.scope is Scope.GPU) == field.is_per_gpu

    def test_its_limits_fit_its_type(self, field: Field) -> None:
        if field.datatype.kind is not Kind.NUMBER:
            assert field.minimum is None
            assert field.maximum is None
            assert not field.integer
        if field.minimum is not None and field.maximum is not None:
            assert field.minimum < field.maximum
        if field.values:
            assert field.datatype == STRING
            assert len(set(field.values)) == len(field.values)


def test_the_name_that_means_two_things_is_not_there() -> None:
    assert "gpu_memory_utilization" not in FIELDS


def test_memory_in_use_and_memory_busy_are_two_fields() -> None:
    assert "not the busy time of the memory controller" in FIELDS["gpu_memory"].description
    assert "controller was busy" in FIELDS["gpu_memory_busy"].description


def test_the_catalogue_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        FIELDS["x"] = FIELDS["gpu_memory"]  # type: ignore[index]


def test_gpu_and_node_fields_are_ambient() -> None:
    assert {Scope.GPU, Scope.NODE} == AMBIENT


def test_a_declared_field_is_read_under_its_full_name() -> None:
    field = declared_field("tenant", "string", scope=Scope.TRANSFER)
    assert (field.attribute, field.datatype, field.declared) == ("tenant", STRING, True)
    assert declared_field("quota", "number", Dimension.BYTES).datatype.dimension is Dimension.BYTES


@pytest.mark.parametrize(("name", "real"), [("gpu_power", True), ("gpu_temperature", False), ("path", False)])
def test_whole_degrees_and_counts_are_not_sampled_reals(name: str, real: bool) -> None:
    assert FIELDS[name].is_sampled_real is real
