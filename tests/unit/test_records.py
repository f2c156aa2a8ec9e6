"""A record is a frozen, slotted dataclass in all that can be seen of it."""

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest

from gpurules.records import Alone, Record, quick, record


@record
class Base(Record):
    """Has a value that counts for nothing."""

    span: int = field(default=0, kw_only=True, compare=False, repr=False)


@record
class Pair(Base):
    """Two values, the second with a default."""

    first: object
    second: tuple[str, ...] = ()


@record
class Listed(Record):
    """A value that is made for each."""

    items: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Twin:
    """The same values, by the standard library."""

    span: int = field(default=0, kw_only=True, compare=False, repr=False)
    first: object = None
    second: tuple[str, ...] = ()


def test_it_is_made_from_places_keywords_and_defaults() -> None:
    made = Pair(1, ("a",), span=7)
    assert (made.first, made.second, made.span) == (1, ("a",), 7)
    assert (Pair(1).second, Pair(1).span) == ((), 0)


@pytest.mark.parametrize("arguments", [(), (1, (), 3), (1, (), 3, 4)])
def test_wrong_arguments_are_a_type_error_at_the_first_and_the_second_time(arguments: tuple[object, ...]) -> None:
    for _ in range(2):
        with pytest.raises(TypeError):
            Pair(*arguments)  # type: ignore[arg-type, call-arg]


def test_it_never_changes() -> None:
    made = Pair(1)
    with pytest.raises(FrozenInstanceError):
        made.first = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del made.first
    with pytest.raises(FrozenInstanceError):
        made.other = 2  # type: ignore[attr-defined]
    assert not hasattr(made, "__dict__")


def test_equality_and_hash_leave_out_what_does_not_count() -> None:
    assert Pair(1, ("a",), span=1) == Pair(1, ("a",), span=2)
    assert hash(Pair(1, ("a",), span=1)) == hash(Pair(1, ("a",), span=2))
    assert Pair(1) != Pair(2)
    assert Pair(1) != Twin(first=1)
    assert Base(span=1) == Base(span=2)
    assert Listed([1]) != Listed([2])


def test_it_shows_like_a_dataclass() -> None:
    assert repr(Pair(1, ("a",), span=3)) == repr(Twin(first=1, second=("a",))).replace("Twin", "Pair")


def test_it_is_replaced_copied_pickled_and_matched_like_a_dataclass() -> None:
    made = Pair(1, ("a",), span=3)
    assert replace(made, first=2) == Pair(2, ("a",))
    assert [f.name for f in fields(Pair)] == [f.name for f in fields(Twin)]
    for twin in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert twin == made
        assert twin.span == 3
    match made:
        case Pair(1, (text,)):
            assert text == "a"
        case _:
            pytest.fail("no match")


def test_what_a_factory_makes_is_not_shared() -> None:
    one, two = Listed(), Listed()
    one.items.append(1)
    assert two.items == []


@record
class Loner(Alone):
    """One that is compared by identity."""

    value: int


def test_records_that_stand_alone_are_equal_to_themselves_only() -> None:
    one = Loner(1)
    assert one == one and one != Loner(1)
    assert len({one, Loner(1), one}) == 2


@quick
@dataclass(frozen=True, slots=True)
class Measured:
    """Two values, one of which is checked after it is stored."""

    name: str
    value: float | None = None
    reasons: list[str] = field(default_factory=list, kw_only=True)

    def __post_init__(self) -> None:
        """Make what is negative missing."""
        if self.value is not None and self.value < 0:
            object.__setattr__(self, "value", None)


@dataclass(frozen=True, slots=True)
class MeasuredTwice(Measured):
    """A subclass with a field of its own."""

    again: float = 0.0


class Named(Measured):
    """A subclass with an attribute dictionary and a method of its own."""

    def __init__(self) -> None:
        """Have a name."""
        super().__init__("named", 2.0)


def test_a_quick_dataclass_takes_what_a_dataclass_takes() -> None:
    assert (Measured("a").value, Measured("a", -1.0).value, Measured(name="a", value=1.0).value) == (None, None, 1.0)
    assert Measured("a").reasons is not Measured("a").reasons
    assert type(Measured("a")) is Measured
    assert Measured("a", 1.0) == replace(Measured("b", 1.0), name="a") != Measured("a", 2.0)
    with pytest.raises(TypeError, match="name"):
        Measured()  # type: ignore[call-arg]


def test_a_quick_dataclass_never_changes() -> None:
    with pytest.raises(FrozenInstanceError):
        Measured("a").value = 3.0  # type: ignore[misc]


def test_a_quick_dataclass_is_copied_and_pickled() -> None:
    made = Measured("a", 1.0)
    assert copy.deepcopy(made) == pickle.loads(pickle.dumps(made)) == made


def test_subclasses_of_a_quick_dataclass_are_of_their_own_class() -> None:
    twice, named = MeasuredTwice("a", -1.0, 5.0), Named()
    assert (type(twice), twice.value, twice.again) == (MeasuredTwice, None, 5.0)
    assert (type(named), named.name, named.value) == (Named, "named", 2.0)
