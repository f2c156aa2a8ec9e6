"""The range that a field declares is the one that the model keeps to."""

import pytest

from gpurules.fields.gpu import FIELDS
from gpurules.model import Kind
from gpurules.model.gpu import NUMBERS
from gpurules.model.ranges import RANGES, range_of

_NUMBERS = [field for field in FIELDS if field.attribute in NUMBERS]


@pytest.mark.parametrize("field", _NUMBERS, ids=lambda field: field.name)
def test_a_field_declares_the_range_that_the_model_keeps_to(field):
    assert field.datatype.kind is Kind.NUMBER
    assert (field.minimum, field.maximum) == (range_of(field.attribute).minimum, range_of(field.attribute).maximum)


def test_every_range_is_of_an_attribute():
    assert set(RANGES) <= set(NUMBERS)
    assert {field.attribute for field in _NUMBERS} == set(NUMBERS)
