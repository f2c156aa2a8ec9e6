"""Witnesses: a snapshot, a transfer, a workload and the state of the node that show that something can happen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gpurules.backends import Facts, SlotLayout
from gpurules.backends.facts import slot_key
from gpurules.fields import Field, Scope
from gpurules.language.terms import ir
from gpurules.language.terms.printer import quote, spell
from gpurules.model import GPU, Dimension, Snapshot, Transfer, Value, Workload
from gpurules.model.units import SYMBOLS, QuantityError, format_amount, format_reading, parse_amount
from gpurules.proofs.domains.atoms import is_number
from gpurules.records import Record, record

_OF_BYTES = (Dimension.BYTES, Dimension.BYTES_PER_SECOND)
_LARGE = 64 * 1024
"""From this number of bytes on, a size is shown as a nearby round one."""


def format_exactly(value: Value, dimension: Dimension) -> str:
    """Return *value* for people, to its last digit.

    >>> format_exactly(81, Dimension.PERCENT), format_exactly(1048577, Dimension.BYTES)
    ('81 %', '1048577 B')
    """
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote(value)
    short = format_amount(value, dimension)
    try:
        if parse_amount(short.replace(",", "").replace(" ", "")).value == value:
            return short
    except QuantityError:
        pass
    return f"{value!r}{SYMBOLS[dimension]}"


def format_plainly(value: Value, dimension: Dimension) -> str:
    """Return *value* for people, to its last digit: a size that is beside a round one by what parts it from that.

    >>> format_plainly(10 * 2**30 + 1, Dimension.BYTES), format_plainly(2**20 - 1, Dimension.BYTES)
    ('10 GiB + 1 B', '1 MiB - 1 B')
    >>> format_plainly(1234567, Dimension.BYTES), format_plainly(100 * 2**20 + 1, Dimension.BYTES_PER_SECOND)
    ('1234567 B', '100 MiB/s + 1 B/s')
    """
    exactly, unit = format_exactly(value, dimension), SYMBOLS[dimension]
    if dimension not in _OF_BYTES or not isinstance(value, int) or value < _LARGE or exactly != f"{value}{unit}":
        return exactly
    for beside, sign in ((value - 1, "+"), (value + 1, "-")):
        round_one = format_exactly(beside, dimension)
        if round_one != f"{beside}{unit}":
            return f"{round_one} {sign} 1{unit}"
    return exactly


def format_roughly(value: Value, dimension: Dimension, beside: Value = None) -> str:
    """Return a measured *value* for people, rounded as its unit is, but not to what *beside* reads like.

    >>> format_roughly(93.40967888277198, Dimension.PERCENT, 80)
    '93.4 %'
    """
    if not is_number(value):
        return format_exactly(value, dimension)
    return format_reading(value, dimension, [beside] if is_number(beside) else [])


@record
class KnownFact(Record):
    """One fact of a witness, of the GPU at position ``slot``; None: of the node or the transfer."""

    term: ir.Term
    slot: int | None
    value: Value

    def __str__(self) -> str:
        """Show it: ``gpu_memory 81 %``, ``memory_pressure on``."""
        if isinstance(self.term, ir.Signal):
            return f"{self.term.name} {'on' if self.value else 'off'}"
        return f"{spell(self.term)} {format_plainly(self.value, self.term.datatype.dimension)}"


@dataclass(frozen=True)
class Witness:
    """An assignment that demonstrates something; ``known`` are the facts that matter, all others are missing.

    Shape: ``gpu_rows`` has one row for each GPU of the snapshot, laid out by ``layout``, as ``node_row`` is.
    """

    snapshot: Snapshot
    transfer: Transfer
    workload: Workload
    node: Mapping[str, object]
    known: tuple[KnownFact, ...]
    layout: SlotLayout = field(default_factory=SlotLayout)
    gpu_rows: tuple[tuple[Value, ...], ...] = ()
    node_row: tuple[Value, ...] = ()

    @property
    def facts(self) -> Facts:
        """The witness as the evaluator takes it."""
        return Facts(
            self.snapshot,
            self.snapshot.gpus,
            self.transfer,
            self.workload,
            self.node,
            layout=self.layout,
            rows=self.gpu_rows,
            node_row=self.node_row,
        )

    def __str__(self) -> str:
        """Show it in one line: ``gpu_memory 81 %, file_type 'model'``; with several GPUs each by its number."""
        if not self.known:
            return "no GPU, nothing else known" if not self.snapshot.gpus else "nothing known"
        several = len(self.snapshot.gpus) > 1
        groups: dict[int | None, list[str]] = {}
        for fact in self.known:
            groups.setdefault(fact.slot if several else None, []).append(str(fact))
        if not several:
            return ", ".join(groups[None])
        return "; ".join(
            (f"GPU {self.snapshot.gpus[slot].index}: " if slot is not None else "") + ", ".join(facts)
            for slot, facts in sorted(groups.items(), key=lambda group: -1 if group[0] is None else group[0])
        )

    def to_dict(self) -> dict[str, object]:
        """Return the witness as JSON-ready data, in the form that rule tests take as ``given``."""
        data: dict[str, object] = {"snapshot": self.snapshot.to_dict()}
        for name, given in (("transfer", self.transfer.to_dict()), ("workload", self.workload.to_dict())):
            if given:
                data[name] = given
        if self.node:
            data["node"] = dict(self.node)
        derived = [f for f in self.known if isinstance(f.term, ir.Signal | ir.Window)]
        if derived:
            data["derived"] = [{"name": spell(f.term), "gpu": f.slot, "value": f.value} for f in derived]
        return data


class _Objects:
    """The objects of a witness while they are being filled."""

    def __init__(self, count: int) -> None:
        self.gpus: list[dict[str, object]] = [{} for _ in range(count)]
        self.gpu_labels: list[dict[str, object]] = [{} for _ in range(count)]
        self.snapshot: dict[str, object] = {}
        self.labels: dict[Scope, dict[str, object]] = {scope: {} for scope in Scope}
        self.transfer: dict[str, object] = {}
        self.workload: dict[str, object] = {}
        self.node: dict[str, object] = {}

    def put(self, read: Field, slot: int | None, value: Value) -> None:
        """Give a field its value, where it is not missing."""
        if value is None:
            return
        if read.declared:
            labels = self.gpu_labels[slot] if slot is not None and read.is_per_gpu else self.labels[read.scope]
            labels[read.name] = value
        elif read.is_per_gpu and slot is not None:
            self.gpus[slot]["index" if read.attribute == "index_number" else read.attribute] = value
        elif read.scope is Scope.NODE:
            (self.snapshot if read.name in ("host", "driver_version") else self.node)[read.name] = value
        elif read.attribute == "age":
            target, name = (self.transfer, "created") if read.scope is Scope.TRANSFER else (self.workload, "started")
            target[name] = -value if isinstance(value, int | float) else None
        elif read.scope is Scope.TRANSFER:
            self._put_transfer(read.attribute, value)
        else:
            self.workload[read.attribute] = value

    def number_gpus(self) -> None:
        """Give every GPU without an index a unique one, its position if that is free."""
        taken = {gpu["index"] for gpu in self.gpus if "index" in gpu}
        for slot, gpu in enumerate(self.gpus):
            if "index" not in gpu:
                gpu["index"] = next(n for n in (slot, *range(len(self.gpus))) if n not in taken)
                taken.add(gpu["index"])

    def _put_transfer(self, attribute: str, value: Value) -> None:
        """Give the transfer an attribute; a path goes before the name of the file, and that before its extension."""
        if attribute == "file_extension":
            self.transfer.setdefault("path", f"file{value}")
        elif attribute == "file_name":
            self.transfer["path"] = value
        else:
            self.transfer[attribute] = value


def build_witness(
    known: Iterable[KnownFact], count: int, derived: Iterable[ir.Signal | ir.Window], owned: frozenset[int]
) -> Witness:
    """Return the witness with the facts *known* on a node of *count* GPUs.

    *derived* are the signals and windows that may be asked for; *owned* are the GPUs of the transfer's workload.
    """
    facts = sorted(known, key=_order)
    objects = _Objects(count)
    states: dict[tuple[tuple[str, ...], int | None], Value] = {}
    for fact in facts:
        if isinstance(fact.term, ir.Read):
            objects.put(fact.term.field, fact.slot, fact.value)
        elif isinstance(fact.term, ir.Signal | ir.Window):
            states[slot_key(fact.term), fact.slot] = fact.value
    objects.number_gpus()
    if owned:
        objects.workload["gpu_devices"] = tuple(objects.gpus[slot]["index"] for slot in sorted(owned))
    layout, defaults = _layout(derived)
    rows = tuple(tuple(states.get((key, slot), defaults[key]) for key in layout.gpu) for slot in range(count))
    gpus = tuple(_gpu(*gpu) for gpu in zip(objects.gpus, objects.gpu_labels, strict=True))
    return Witness(
        Snapshot(gpus=gpus, labels=objects.labels[Scope.NODE], **objects.snapshot),  # type: ignore[arg-type]
        Transfer(labels=objects.labels[Scope.TRANSFER], **objects.transfer),  # type: ignore[arg-type]
        Workload(labels=objects.labels[Scope.WORKLOAD], **objects.workload),  # type: ignore[arg-type]
        objects.node,
        tuple(facts),
        layout,
        rows,
        tuple(states.get((key, None), defaults[key]) for key in layout.node),
    )  # fmt: skip


def _gpu(values: Mapping[str, object], labels: Mapping[str, object]) -> GPU:
    return GPU(labels=labels, **values)  # type: ignore[arg-type]


def _layout(derived: Iterable[ir.Signal | ir.Window]) -> tuple[SlotLayout, dict[tuple[str, ...], Value]]:
    gpu: dict[tuple[str, ...], int] = {}
    node: dict[tuple[str, ...], int] = {}
    defaults: dict[tuple[str, ...], Value] = {}
    for term in derived:
        key, places = slot_key(term), gpu if ir.is_per_gpu(term) else node
        places.setdefault(key, len(places))
        defaults[key] = False if isinstance(term, ir.Signal) else None
    return SlotLayout(gpu, node), defaults


def _order(fact: KnownFact) -> tuple[int, int, str]:
    scopes = [*Scope]
    scope = scopes.index(fact.term.field.scope) if isinstance(fact.term, ir.Read) else len(scopes)
    return (-1 if fact.slot is None else fact.slot, scope, spell(fact.term))
