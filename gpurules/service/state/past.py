"""The history of the node's GPUs: recent samples from memory, earlier ones from the recording store."""

from dataclasses import dataclass, field

from gpurules.engine import Coordinator
from gpurules.logs import logger
from gpurules.plugins import reason
from gpurules.service.state.samples import Samples

_LOGGER = logger("gpurules.service")


@dataclass(frozen=True, slots=True)
class PastQuery:
    """A query for the history of *field*, of every GPU or of one; the last value of each step counts.

    Units: ``since`` in seconds since 1970, ``step`` in seconds.
    Missing: ``gpu`` None: every GPU.
    """

    field: str
    gpu: str | None
    since: float
    step: float
    limit: int


@dataclass(slots=True)
class _Found:
    times: list[float] = field(default_factory=list)
    gpus: dict[str, list[object]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    following: float | None = None
    problems: list[str] = field(default_factory=list)


class Past:
    """Answers queries from memory, and for earlier times from the store at *place*.

    Missing: ``place`` None: there is no store.
    """

    def __init__(self, coordinator: Coordinator, samples: Samples, place: str | None) -> None:
        self._coordinator = coordinator
        self._samples = samples
        self._place = place

    def read(self, query: PastQuery) -> dict[str, object]:
        """Return the values, JSON-ready: at most ``limit`` times, oldest first, and the start of the next query."""
        oldest = self._samples.oldest
        found = _Found()
        if self._place is not None and (oldest is None or query.since < oldest):
            found = self._stored(self._place, query, float("inf") if oldest is None else oldest)
        if found.following is None:
            self._add_samples(found, query)
        missing = self._reasons(query.field) | found.reasons
        return {
            "field": query.field,
            "times": found.times,
            "gpus": found.gpus,
            "missing": {index: missing[index] for index, of in found.gpus.items() if None in of and index in missing},
            "next": found.following,
            "problems": found.problems,
        }

    def _stored(self, place: str, query: PastQuery, until: float) -> _Found:
        """Return the values in the store; an error is reported, and does not affect the values in memory."""
        seen = self._coordinator.engine.snapshot
        try:
            from gpurules.history.store.format.series import SeriesQuery, read_series
            from gpurules.history.store.storage import Storage
            from gpurules.history.store.writer import NAMELESS

            node = (seen.host if seen else None) or NAMELESS
            asked = SeriesQuery(node, query.field, query.since, until, query.step, query.gpu, query.limit)
            series = read_series(Storage(place), asked)
        except Exception as error:  # a store may be accessed by libraries that raise anything
            _LOGGER.warning("the history at %s cannot be read: %s", place, reason(error))
            return _Found(problems=[f"the recorded history cannot be read: {reason(error)}"[:500]])
        gpus: dict[str, list[object]] = {index: list(values) for index, values in series.gpus.items()}
        return _Found(series.times, gpus, series.reasons, series.following, series.findings.texts)

    def _add_samples(self, found: _Found, query: PastQuery) -> None:
        times, gpus = self._samples.read(query.field, query.gpu, query.since, query.step)
        if query.step > 0 and times and found.times and found.times[-1] // query.step == times[0] // query.step:
            found.times.pop()  # the last value of a step counts, and memory has a later one
            for values in found.gpus.values():
                values.pop()
        before, room = len(found.times), query.limit - len(found.times)
        if len(times) > room:
            found.following = times[room]
        found.times += times[:room]
        for index in {**found.gpus, **gpus}:
            known: list[object] = found.gpus.setdefault(index, [None] * before)
            known += gpus.get(index, [None] * len(times))[:room]

    def _reasons(self, name: str) -> dict[str, str]:
        """Return the reasons why the latest snapshot has no value of a field, by GPU."""
        seen = self._coordinator.engine.snapshot
        return {} if seen is None else {str(gpu.index): gpu.missing[name] for gpu in seen.gpus if name in gpu.missing}
