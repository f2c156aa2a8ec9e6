"""Frozen, slotted dataclasses that are quick to define and to make: what trees and other small values are made of.

``dataclass(frozen=True, slots=True)`` compiles six methods for each class when its module is imported, which for a
hundred classes takes longer than to lint a file. A record shares all methods but its ``__init__``, which is compiled
when the first one is made, and sets slots directly. To everything else (``replace``, ``fields``, patterns, type
checkers) it is a frozen dataclass.
"""

from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import Any, ClassVar, TypeVar, cast, dataclass_transform

T = TypeVar("T", bound="Record")
Kind = TypeVar("Kind")


class Record:
    """Base of every record: what all of them do alike."""

    __slots__ = ()
    _key: ClassVar[Any]
    """Returns what counts for equality."""

    def __eq__(self, other: object) -> bool:
        """Return whether *other* is of the same class and has equal values."""
        if other is self:
            return True
        if other.__class__ is not self.__class__:
            return NotImplemented
        key = self._key
        return bool(key(self) == key(other))

    def __hash__(self) -> int:
        """Return the hash of the values that count for equality."""
        return hash(self._key(self))

    def __repr__(self) -> str:
        """Show the values."""
        shown = [f"{f.name}={getattr(self, f.name)!r}" for f in _fields(self) if f.repr]
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: a record never changes."""
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        """Refuse: a record never changes."""
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __getstate__(self) -> list[object]:
        """Return the values, to copy or to pickle."""
        return [getattr(self, f.name) for f in _fields(self)]

    def __setstate__(self, state: Iterable[object]) -> None:
        """Take the values of a copy."""
        for f, value in zip(_fields(self), state, strict=True):
            object.__setattr__(self, f.name, value)


class Alone(Record):
    """Base of records that compare by identity, not by value."""

    __slots__ = ()
    __eq__ = object.__eq__
    __hash__ = object.__hash__


def _fields(record: "Record | type[Record]") -> tuple[Field[Any], ...]:
    return fields(cast(Any, record))


def _first(self: Record, *arguments: object, **keywords: object) -> None:
    """Initialize the first record of a class: by a method made for it, which takes the place of this one."""
    kind = type(self)
    kind.__init__ = _initializer(kind)  # type: ignore[method-assign]
    kind.__init__(self, *arguments, **keywords)


def _initializer(kind: type[Record]) -> Callable[..., None]:
    """Return the ``__init__`` of *kind*."""
    namespace = {f"set_{f.name}": getattr(kind, f.name).__set__ for f in _fields(kind)}
    body = [f"set_{f.name}(self, {_value(f)})" for f in _fields(kind)]
    return _compiled(kind, [*body, "pass"], namespace)


def _value(f: Field[Any]) -> str:
    is_made = f.default is MISSING and f.default_factory is not MISSING
    return f"make_{f.name}() if {f.name} is MISSING else {f.name}" if is_made else f.name


def _compiled(kind: type, body: Iterable[str], namespace: dict[str, Any]) -> Callable[..., None]:
    """Return an ``__init__`` with *body* for the fields of *kind*; its source holds names of fields, and no data."""
    places: list[str] = []
    keywords: list[str] = []
    namespace["MISSING"] = MISSING
    for f in fields(kind):
        parameter = f.name
        if f.default is not MISSING:
            namespace[f"default_{f.name}"] = f.default
            parameter += f"=default_{f.name}"
        elif f.default_factory is not MISSING:
            namespace[f"make_{f.name}"] = f.default_factory
            parameter += "=MISSING"
        (keywords if f.kw_only else places).append(parameter)
    listed = ", ".join(["self", *places, *(["*"] if keywords else []), *keywords])
    exec("\n    ".join([f"def __init__({listed}):", *body]), namespace)
    return cast(Callable[..., None], namespace["__init__"])


def quick(kind: type[Kind]) -> type[Kind]:
    """Give a frozen, slotted dataclass with many fields an ``__init__`` that takes a quarter of the time.

    A frozen class pays for a call of ``object.__setattr__`` for each field. While it is initialized, an instance is of
    a twin with the same slots that is not frozen, so that the interpreter stores values as it does for any class; then
    it is of its own class again, before anyone else has seen it. Python allows that between classes of one layout, so
    not for subclasses.
    """
    changed = cast(Any, kind)
    twin = type(kind.__name__, (), {"__slots__": tuple(f.name for f in fields(changed))})
    namespace = {"kind": kind, "twin": twin, "change": object.__setattr__}
    body = [
        "if self.__class__ is kind:",
        "    change(self, '__class__', twin)",
        *(f"    self.{f.name} = {_value(f)}" for f in fields(changed)),
        "    self.__class__ = kind",
        "else:",
        *(f"    change(self, {f.name!r}, {_value(f)})" for f in fields(changed)),
        *(["self.__post_init__()"] if hasattr(kind, "__post_init__") else []),
    ]
    changed.__init__ = _compiled(kind, body, namespace)
    return kind


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(kind: type[T]) -> type[T]:
    """Make a frozen, slotted dataclass of *kind*, which inherits from ``Record``."""
    made = dataclass(init=False, repr=False, eq=False, slots=True)(kind)
    names = [f.name for f in _fields(made) if f.compare]
    made._key = attrgetter(*names) if names else type
    made.__init__ = _first  # type: ignore[method-assign, assignment]
    return made
