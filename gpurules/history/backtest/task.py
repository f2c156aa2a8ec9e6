"""The unit of work of one process: evaluate rulesets over the recording of one node."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gpurules.engine.recordings import Recording, feed_recording
from gpurules.fields import Scope
from gpurules.history.frames.frame import Frame
from gpurules.history.frames.snapshots import frames_of
from gpurules.history.kernel.plan import KernelPlan
from gpurules.history.store.format.findings import Findings
from gpurules.history.store.reader import StoreReader, is_store
from gpurules.history.store.storage import RecordingStoreError, Storage
from gpurules.history.store.time_span import ALWAYS, TimeSpan
from gpurules.language.terms import ir
from gpurules.rules import Ruleset
from gpurules.telemetry import TelemetryError
from gpurules.telemetry.playback import split_place

SKELETON = frozenset({"mig", "status", "healthy"})
"""The columns that show which GPUs are lost. What distinguishes GPUs is read where they come and go."""
FILES = ("*.jsonl*", "*.json*", "*.csv*", "*.xml*", "*.txt*", "*.log*", "*.prom*")


@dataclass(frozen=True, slots=True)
class NodeTask:
    """The recording of one node at one place.

    ``number`` is its place in the order of results.
    Units: ``look_back`` in seconds, the time before ``span`` that is evaluated and not counted.
    Missing: ``node`` None: the place is a recording, whose one node it is.
    """

    place: str
    node: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    span: TimeSpan = ALWAYS
    number: int = 0
    look_back: float = 0.0

    @property
    def name(self) -> str:
        """What the node is called."""
        return self.node if self.node is not None else Path(self.place).name

    def frames(
        self, wanted: frozenset[str] | None, findings: Findings, rulesets: Sequence[Ruleset] = ()
    ) -> Iterator[Frame]:
        """Yield what is recorded, in order of time; of a store only the *wanted* columns (None: all).

        A recording of Prometheus text fills the fields that *rulesets* feed; a store has what was recorded.
        """
        yield from self._frames(wanted, (findings, rulesets), self.span)

    def earlier_frames(
        self, wanted: frozenset[str] | None, findings: Findings, rulesets: Sequence[Ruleset] = ()
    ) -> Iterator[Frame]:
        """Yield likewise what is recorded in the time before the span for which state is looked back."""
        since = self.span.since
        if self.look_back > 0 and since > float("-inf"):
            yield from self._frames(wanted, (findings, rulesets), TimeSpan(since - self.look_back, since))

    def _frames(
        self, wanted: frozenset[str] | None, about: tuple[Findings, Sequence[Ruleset]], span: TimeSpan
    ) -> Iterator[Frame]:
        findings, rulesets = about
        if self.node is not None:
            yield from StoreReader(Storage(self.place), findings).frames(self.node, wanted, span)
            return
        recording = Recording(self.place, **self.options)
        feed_recording(recording, rulesets)
        try:
            yield from frames_of(s for s in recording if span.has_time(s.timestamp))
        except (TelemetryError, OSError) as error:
            findings.add(self.place, str(error))
        for problem in (*recording.problems, *recording.fields_missing):
            findings.add(self.place, problem)


def tasks_of(place: str, options: Mapping[str, object] | None = None, span: TimeSpan = ALWAYS) -> list[NodeTask]:
    """Return the nodes that are recorded at *place*: a store, a recording, or a folder of recordings.

    Only what is in *span* will be read.

    Raises:
        StoreError: a store has nothing, or there is nothing at all.
    """
    given = dict(options or {})
    if is_store(place):
        return [NodeTask(place, node, {}, span) for node in StoreReader(Storage(place)).nodes]
    if "://" in place or not Path(split_place(place)[0]).exists():
        raise RecordingStoreError(f"{place}: no such store or recording; record some with gpurules record -o DIR/")
    if Path(place).is_dir():
        files = sorted({path for pattern in FILES for path in Path(place).glob(pattern) if path.is_file()})
        if not files:
            raise RecordingStoreError(f"{place} has no recorded telemetry; record some with gpurules record -o DIR/")
        return [NodeTask(str(path), None, given, span) for path in files]
    return [NodeTask(place, None, given, span)]


def wanted_columns(plans: "tuple[KernelPlan, ...]", label: str | None = None) -> frozenset[str]:
    """Return the columns that rulesets look at, of GPUs and of the node; *label* is one that shares are counted by."""
    found = set(SKELETON) | ({"labels"} if label is not None else set())
    for plan in plans:
        for _, term in plan.terms():
            for read in ir.fields(term):
                if read.scope is Scope.GPU:
                    found.add("labels" if read.declared else read.attribute)
                elif read.scope is Scope.NODE:
                    found |= {"facts", "labels" if read.declared else read.attribute}
    return frozenset(found)
