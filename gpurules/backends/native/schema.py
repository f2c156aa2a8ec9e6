"""The layout of the state that compiled rules read: one column for each fact of GPUs and of the node."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from gpurules.backends.facts import SlotKey, slot_key
from gpurules.backends.native.identifiers import Identifiers, snake
from gpurules.fields import AMBIENT, Field, Scope
from gpurules.language.terms import ir
from gpurules.model import Kind


@dataclass(frozen=True, slots=True)
class Column:
    """One value of each GPU, or of the node.

    ``name`` is its name in rules and files, ``identifier`` (in snake case) its name in source.
    Missing: ``field`` is None for a signal, ``slot`` is None for an instantaneous field.
    """

    name: str
    kind: Kind
    per_gpu: bool
    identifier: str
    term: ir.Read | ir.Signal | ir.Window
    field: Field | None = None
    slot: SlotKey | None = None
    function: str | None = None

    @property
    def is_signal(self) -> bool:
        """Whether the column says whether a signal is on."""
        return self.field is None

    @property
    def is_window(self) -> bool:
        """Whether the column holds a window."""
        return self.field is not None and self.slot is not None


@dataclass(frozen=True)
class StateSchema:
    """The columns of GPUs and of the node, in order."""

    gpu: tuple[Column, ...] = ()
    node: tuple[Column, ...] = ()
    _places: Mapping[tuple[bool, object], Column] = field(default_factory=dict, repr=False, compare=False)

    def column(self, term: ir.Read | ir.Signal | ir.Window) -> Column:
        """Return the column of a fact."""
        return self._places[_key(term)]

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns."""
        return (*self.gpu, *self.node)

    @cached_property
    def directory(self) -> str:
        """The columns as text, one per line: scope, kind and name."""
        return "".join(f"{'gpu' if c.per_gpu else 'node'}\t{c.kind.value}\t{c.name}\n" for c in self.columns)

    @cached_property
    def fingerprint(self) -> int:
        """A 64-bit hash that is equal for schemas with the same columns."""
        return int.from_bytes(sha256(self.directory.encode("utf-8", "replace")).digest()[:8], "little")


def _key(term: ir.Read | ir.Signal | ir.Window) -> tuple[bool, object]:
    match term:
        case ir.Read(read):
            return read.is_per_gpu, ("field", read.name)
        case ir.Signal(_, per_gpu):
            return per_gpu, slot_key(term)
        case ir.Window(_, read):
            return read.is_per_gpu, slot_key(term)


def _named(term: ir.Read | ir.Signal | ir.Window) -> tuple[str, Kind, Field | None, SlotKey | None, str | None]:
    match term:
        case ir.Read(read):
            return read.name, read.datatype.kind, read, None, None
        case ir.Signal(name):
            return f"signal {name}", Kind.BOOL, None, slot_key(term), None
        case ir.Window(function, read, seconds, parameter):
            of = f"{read.name}[{seconds:.17g}s]"
            given = "" if parameter is None else f"; {parameter!r}"
            return f"{function}({of}{given})", Kind.NUMBER, read, slot_key(term), function


def _facts(terms: Iterable[ir.Term]) -> dict[tuple[bool, object], ir.Read | ir.Signal | ir.Window]:
    found: dict[tuple[bool, object], ir.Read | ir.Signal | ir.Window] = {}
    for term in terms:
        for part in ir.walk(term):
            if isinstance(part, ir.Signal | ir.Window) or (isinstance(part, ir.Read) and part.field.scope in AMBIENT):
                found.setdefault(_key(part), part)
    return found


def _identifier(term: ir.Read | ir.Signal | ir.Window, name: str) -> str:
    if isinstance(term, ir.Signal):
        return f"signal_{snake(term.name)}"
    if isinstance(term, ir.Read):
        return f"label_{snake(term.field.name)}" if term.field.declared else term.field.attribute
    return snake(name)


def schema_of(terms: Iterable[ir.Term]) -> StateSchema:
    """Return the schema of the facts of GPUs and the node that *terms* read, in order of their names."""
    facts = _facts(terms)
    made: dict[tuple[bool, object], Column] = {}
    names = {per_gpu: Identifiers() for per_gpu in (False, True)}
    for per_gpu, taken in ((True, ("index",)), (False, ("timestamp", "gpus", "gpus_length"))):
        for name in taken:
            names[per_gpu].claim(name)
    for key, term in sorted(facts.items(), key=lambda item: (not item[0][0], _named(item[1])[0])):
        name, kind, read, slot, function = _named(term)
        identifier = names[key[0]].claim(_identifier(term, name))
        made[key] = Column(name, kind, key[0], identifier, term, read, slot, function)
    gpu = tuple(column for column in made.values() if column.per_gpu)
    return StateSchema(gpu, tuple(column for column in made.values() if not column.per_gpu), made)


def labels_of(terms: Iterable[ir.Term], scope: Scope) -> tuple[Field, ...]:
    """Return the declared fields of transfers or workloads that *terms* read, in order of their names."""
    found = {f.name: f for term in terms for f in ir.fields(term) if f.declared and f.scope is scope}
    return tuple(found[name] for name in sorted(found))
