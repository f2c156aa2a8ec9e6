"""The rows of one frame as conditions see them: fields, windows and signals."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gpurules.backends.backend import UnsupportedError, unsupported_window
from gpurules.backends.columnar import Column, Groups, Mask, Numbers, Texts, Truths, as_column, constant, repeat_value
from gpurules.backends.facts import NODE_READERS, EvaluationContext, Facts, SlotKey, coerce, read, slot_key
from gpurules.engine.state.history import NODE
from gpurules.fields import Field, Scope
from gpurules.history.frames.completion import CompleteFrame
from gpurules.history.kernel.clock import Clock
from gpurules.history.kernel.windows import Tails, WindowSamples, window_values
from gpurules.language.terms import ir
from gpurules.model import Kind, Snapshot, Value

_NO_FACTS = Facts(Snapshot(), ())
"""What is known of a transfer and a workload where there is none."""
_CLOCK = {"hour": "hour", "weekday": "weekday", "time_of_day": "time_of_day"}
_AT_ONCE = frozenset({"telemetry_age"})


def _index_number(gpu_index: Value) -> int | None:
    from gpurules.model import GPU

    return GPU(index=gpu_index).index_number  # type: ignore[arg-type]


@dataclass(slots=True)
class FrameTable:
    """One frame with the windows and signals of a ruleset."""

    frame: CompleteFrame
    context: EvaluationContext
    tails: Tails
    signals: dict[str, Mask] = field(default_factory=dict)
    _windows: dict[SlotKey, Numbers] = field(default_factory=dict)
    _columns: dict[str, Column] = field(default_factory=dict)

    @property
    def groups(self) -> Groups:
        """The rows of each snapshot."""
        return self.frame.groups

    def read(self, field: Field) -> Column:
        """Return the values of a field: one per row if it is per GPU, else one per snapshot or one for all."""
        found = self._columns.get(field.name)
        if found is None:
            found = self._columns[field.name] = self._read(field)
        return found

    def _read(self, field: Field) -> Column:
        kind = field.datatype.kind
        match field.scope:
            case Scope.GPU if field.declared:
                return self.frame.label(field.attribute, kind)
            case Scope.GPU if field.attribute == "index_number":
                return as_column(self.exact(field), kind)
            case Scope.GPU:
                return self.frame.column(field.attribute, kind)
            case Scope.NODE:
                return self._of_node(field)
            case _:
                return constant(read(field, _NO_FACTS, None), kind)

    def exact(self, field: Field) -> Sequence[Value]:
        """Return the values of a field of GPUs as they were given."""
        if not field.is_per_gpu:
            raise UnsupportedError(f"{field.name} is not a GPU field")
        if field.attribute == "index_number" and not field.declared:
            numbers: dict[Value, int | None] = {}
            indexes = self.frame.exact("index", False)
            return [numbers[i] if i in numbers else numbers.setdefault(i, _index_number(i)) for i in indexes]
        given = self.frame.exact(field.attribute, field.declared)
        return [coerce(value, field.datatype) for value in given] if field.declared else given

    def _of_node(self, field: Field) -> Column:
        """Return a field of the node: the given fact, or else what the snapshot reports."""
        reported = self._reported_by_snapshot(field)
        facts = self.frame.frame.facts(field.name)
        if facts is None:
            return reported
        given = as_column([coerce(value, field.datatype) for value in facts], field.datatype.kind)
        is_given = np.array([value is not None for value in facts], bool)
        return _chosen(is_given, given, reported)

    def _reported_by_snapshot(self, field: Field) -> Column:
        frame, kind, name = self.frame.frame, field.datatype.kind, field.name
        if field.declared:
            return as_column([coerce(value, field.datatype) for value in frame.of_node(name, True)], kind)
        if name in _CLOCK:
            found: Column = getattr(Clock(frame.times, self.context.zone), _CLOCK[name])
            return found
        if name in ("gpu_count", "gpu_lost_count"):
            return self._boards(name == "gpu_lost_count")
        if name in ("host", "driver_version"):
            return as_column([coerce(value, field.datatype) for value in frame.of_node(name, False)], kind)
        if name in NODE_READERS:
            value = NODE_READERS[name](Snapshot(), self.context)
            return repeat_value(value, kind, self.groups.count)
        raise UnsupportedError(f"the kernel does not know the field {name}")

    def _boards(self, lost: bool) -> Numbers:
        mig = self.frame.column("mig", Kind.BOOL)
        assert isinstance(mig, Truths)
        mask = ~mig.true
        if lost:
            status, healthy = self.frame.column("status", Kind.STRING), self.frame.column("healthy", Kind.BOOL)
            assert isinstance(status, Texts) and isinstance(healthy, Truths)
            marks = np.array([word == "lost" for word in (*status.words, "")], bool)
            mask &= marks[status.codes] | ~healthy.true
        return self.groups.counts(mask).astype(np.float64)

    def window(self, window: ir.Window) -> Numbers:
        """Return the values of a window function: one per row if its field is per GPU, else one per snapshot."""
        found = self._windows.get(slot_key(window))
        if found is None:
            found = self._windows[slot_key(window)] = self._window(window)
        return found

    def _window(self, window: ir.Window) -> Numbers:
        wanted = window.field
        if window.operand is not None:
            raise unsupported_window(window)
        if not wanted.is_per_gpu:
            return window_values(window, self.samples(wanted)[NODE], self.frame.frame.times)
        samples, out = self.samples(wanted), np.full(len(self.frame.owner), np.nan)
        for owner, rows in self.rows_of_owners():
            instants = self.frame.frame.times[self.groups.snapshot[rows]]
            out[rows] = window_values(window, samples[owner], instants)
        return out

    def rows_of_owners(self) -> list[tuple[str, slice]]:
        """Return the rows of each GPU, which are contiguous."""
        owner = self.frame.owner
        starts = np.flatnonzero(np.append(True, owner[1:] != owner[:-1])) if len(owner) else np.zeros(0, np.intp)
        ends = [*starts[1:].tolist(), len(owner)]
        return [(self.frame.owners[int(owner[s])], slice(s, e)) for s, e in zip(starts.tolist(), ends, strict=False)]

    def samples(self, wanted: Field) -> dict[str, WindowSamples]:
        """Return the samples of a field, by owner, with those of earlier frames."""
        values, times = self.read(wanted), self.frame.frame.times
        assert isinstance(values, np.ndarray)
        if not wanted.is_per_gpu:
            given: Sequence[Value] = [None if v != v else v for v in values.tolist()]
            return {NODE: self.tails.before(NODE, wanted.name).and_then(times, values, given)}
        exact, found = self.exact(wanted), dict[str, WindowSamples]()
        for owner, rows in self.rows_of_owners():
            instants = times[self.groups.snapshot[rows]]
            before = self.tails.before(owner, wanted.name)
            found[owner] = before.and_then(instants, values[rows], exact[rows])
        return found

    def signal(self, name: str, per_gpu: bool) -> Mask:
        """Return where a signal is on."""
        if name not in self.signals:
            raise UnsupportedError(f"the signal {name} must be evaluated by the engine")
        return self.signals[name]


def _chosen(mask: Mask, first: Column, second: Column) -> Column:
    """Return the first where *mask* is true, else the second."""
    match first, second:
        case Truths(), Truths():
            return Truths(np.where(mask, first.true, second.true), np.where(mask, first.false, second.false))
        case Texts(), Texts():
            shifted = np.where(second.codes < 0, -1, second.codes + len(first.words))
            return Texts(np.where(mask, first.codes, shifted).astype(np.int32), (*first.words, *second.words))
        case _:
            assert isinstance(first, np.ndarray) and isinstance(second, np.ndarray)
            return np.where(mask, first, second)
