from gpurules.model import BOOL, NUMBER, STRINGS, Dimension, Kind, number


def test_a_type_is_said_as_people_say_it() -> None:
    assert [str(t) for t in (BOOL, NUMBER, STRINGS)] == ["bool", "number", "list of strings"]
    assert str(number(Dimension.BYTES_PER_SECOND)) == "bytes/second"


def test_each_dimension_has_one_type() -> None:
    assert number(Dimension.BYTES) is number(Dimension.BYTES)
    assert number(Dimension.BYTES) != number(Dimension.SECONDS)
    assert number(Dimension.NONE) == NUMBER
    assert number(Dimension.WATTS).kind is Kind.NUMBER
