"""Fills declared fields from Prometheus series: for each GPU by its identity, or for the node."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gpurules.fields import Field
from gpurules.fields.feeds import Feed, LabelMatcher, MatchOperator, SeriesAggregate
from gpurules.fields.reasons import MISSING
from gpurules.language.terms.patterns import matcher
from gpurules.model import GPU, Kind, Snapshot
from gpurules.model.reading import finite, sum_in_order
from gpurules.telemetry.formats.prometheus.samples import Labels, Sample

UUID_LABELS = ("UUID", "uuid")
INDEX_LABELS = ("gpu", "gpu_index", "index", "minor_number", "gpu_id")
_INSTANCE_LABEL = "GPU_I_ID"
STALE_AFTER = 300.0
"""Seconds after which a sample with a time of its own is stale, as in Prometheus."""
_NODE = ""


@dataclass(frozen=True, slots=True)
class UnusablePart:
    """An unusable part of a page, and the metrics that it has.

    Missing: ``metrics`` is None if they are unknown.
    """

    reason: str
    metrics: frozenset[str] | None = None

    def may_have(self, metric: str) -> bool:
        """Return whether series of *metric* may be among the lost ones."""
        return self.metrics is None or metric in self.metrics


@dataclass(frozen=True, slots=True)
class Page:
    """The samples of one page, and its unusable parts."""

    place: str
    samples: Sequence[Sample] = ()
    unusable: tuple[UnusablePart, ...] = ()

    @classmethod
    def without_samples(cls, place: str, reason: str) -> "Page":
        """Return a page that could not be read."""
        return cls(place, unusable=(UnusablePart(reason),))

    def loss(self, metric: str) -> str:
        """Return why series of *metric* may be lost; empty if none is."""
        return next((part.reason for part in self.unusable if part.may_have(metric)), "")


@dataclass(frozen=True, slots=True)
class _Answer:
    """The result of the series of one owner: a value, or the reason why there is none."""

    value: float | bool | None = None
    reason: str = ""


def metrics_of(fields: Iterable[Field]) -> frozenset[str]:
    """Return the metrics that *fields* are fed from."""
    return frozenset(field.feed.selector.metric for field in fields if field.feed is not None)


def fill_fields(snapshot: Snapshot, pages: Sequence[Page], fields: Iterable[Field]) -> Snapshot:
    """Return *snapshot* with the fields that series of *pages* feed; existing fields are kept.

    Missing: fields without series; ``GPU.missing`` or the problems of the snapshot have the reason.
    """
    of_node: dict[str, object] = {}
    problems = [part.reason for page in pages for part in page.unusable]
    of_gpus: list[dict[str, object]] = [{} for _ in snapshot.gpus]
    reasons: list[dict[str, str]] = [{} for _ in snapshot.gpus]
    for field in fields:
        if field.feed is None or (not field.is_per_gpu and field.name in snapshot.labels):
            continue
        found = _answers(field, field.feed, pages, snapshot)
        if field.is_per_gpu:
            for place, gpu in enumerate(snapshot.gpus):
                if field.name in gpu.labels:
                    continue
                answer = _of_gpu(field, found, gpu)
                if answer.value is None:
                    reasons[place][field.name] = answer.reason
                else:
                    of_gpus[place][field.name] = answer.value
        else:
            answer = found.get(_NODE) or _Answer(reason=_why_none(field.feed, pages, found))
            if answer.value is None:
                problems.append(MISSING.format(field.name, answer.reason))
            else:
                of_node[field.name] = answer.value
    gpus = tuple(
        replace(gpu, labels={**gpu.labels, **values}, missing={**_without(gpu.missing, values), **why})
        if values or why
        else gpu
        for gpu, values, why in zip(snapshot.gpus, of_gpus, reasons, strict=True)
    )
    if not of_node and not problems and gpus == snapshot.gpus:
        return replace(snapshot, gpus=gpus)
    kept = [p for p in snapshot.problems if not any(p.startswith(MISSING.format(name, "")) for name in of_node)]
    return replace(
        snapshot, gpus=gpus, labels={**snapshot.labels, **of_node}, problems=tuple(dict.fromkeys((*kept, *problems)))
    )


def _without(missing: Mapping[str, str], names: Mapping[str, object]) -> dict[str, str]:
    return {name: reason for name, reason in missing.items() if name not in names}


def _of_gpu(field: Field, found: Mapping[str, _Answer], gpu: GPU) -> _Answer:
    answer = found.get(gpu.identity)
    if answer is not None:
        return answer
    others = "the node" if set(found) == {_NODE} else "other GPUs"
    assert field.feed is not None
    return _Answer(reason=f"the series of {field.feed.selector.metric} belong to {others}" if found else _NO_SERIES)


_NO_SERIES = "no series matches"


def _why_none(feed: Feed, pages: Sequence[Page], found: Mapping[str, _Answer]) -> str:
    if found:
        return f"the series of {feed.selector.metric} belong to GPUs; declare the field with scope: gpu"
    return next((reason for page in pages if (reason := page.loss(feed.selector.metric))), _NO_SERIES)


def _answers(field: Field, feed: Feed, pages: Sequence[Page], snapshot: Snapshot) -> dict[str, _Answer]:
    """Return the result for each owner, from the first page with a series of it."""
    found: dict[str, _Answer] = {}
    metric, reason = feed.selector.metric, ""
    for page in pages:
        loss = page.loss(metric)
        reason = reason or loss
        groups: dict[str, list[Sample]] = {}
        for sample in page.samples:
            if sample.name == metric and matches(feed.selector.matchers, sample.labels):
                owner = _owner(sample.labels, snapshot.gpus)
                if owner is not None:
                    groups.setdefault(owner, []).append(sample)
        for owner, series in groups.items():
            if owner not in found or found[owner].value is None:
                is_partial = loss and feed.aggregate is not None  # with too few series it would be silently wrong
                found[owner] = _Answer(reason=loss) if is_partial else _reduce(field, feed, series, snapshot.timestamp)
    if reason:
        for gpu in snapshot.gpus if field.is_per_gpu else ():
            found.setdefault(gpu.identity, _Answer(reason=reason))
    return found


def matches(matchers: Iterable[LabelMatcher], labels: Mapping[str, str]) -> bool:
    """Return whether all *matchers* match; an absent label is empty."""
    return all(_test(one.operator, one.value)(labels.get(one.label, "")) for one in matchers)


def _test(operator: MatchOperator, value: str) -> Callable[[str], bool]:
    match operator:
        case MatchOperator.EQUAL:
            return value.__eq__
        case MatchOperator.NOT_EQUAL:
            return value.__ne__
        case MatchOperator.MATCHES:
            return matcher(whole_pattern(value))
        case MatchOperator.NOT_MATCHES:
            found = matcher(whole_pattern(value))
            return lambda text: not found(text)


def whole_pattern(pattern: str) -> str:
    """Return the pattern anchored at both ends, as in Prometheus."""
    return f"^(?s:{pattern})$"


def _owner(labels: Labels, gpus: Sequence[GPU]) -> str | None:
    """Return the identity of a series' GPU; empty for the node.

    Missing: the GPU is not in the snapshot, or it is a MIG instance, which series do not identify reliably.
    """
    if labels.get(_INSTANCE_LABEL):
        return None
    uuid = next((value for name in UUID_LABELS if (value := labels.get(name))), None)
    if uuid is not None:
        known = (gpu.identity for gpu in gpus if gpu.uuid in (uuid, f"GPU-{uuid}"))
        return next(known, None)
    for name in INDEX_LABELS:
        value = labels.get(name, "")
        if value.isdecimal() and len(value) < 10:
            return next((gpu.identity for gpu in gpus if gpu.index == int(value)), None)
    return _NODE


def _reduce(field: Field, feed: Feed, series: Sequence[Sample], now: float) -> _Answer:
    metric = feed.selector.metric
    if len({frozenset(sample.labels.items()) for sample in series}) < len(series):
        return _Answer(reason=f"a series of {metric} is given twice")
    fresh = [sample for sample in series if sample.time is None or now - sample.time <= STALE_AFTER]
    if not fresh:
        return _Answer(reason=f"the samples of {metric} are older than {STALE_AFTER:g} s")
    if feed.aggregate is None and len(fresh) > 1:
        return _Answer(reason=f"{len(fresh)} series of {metric} match; reduce them with aggregate, or select one")
    value = _aggregated(feed.aggregate, [sample.value for sample in fresh])
    if value is None:
        return _Answer(reason=f"{metric} is not a number")
    scaled = finite(value if feed.factor == 1 else value * feed.factor)
    if scaled is None:
        return _Answer(reason=f"{metric} times {feed.factor:g} is not a finite number")
    if field.datatype.kind is Kind.BOOL:
        return _Answer(scaled != 0)
    return _Answer(int(scaled) if isinstance(scaled, float) and scaled.is_integer() and abs(scaled) < 2**53 else scaled)


def _aggregated(aggregate: SeriesAggregate | None, values: Sequence[float | None]) -> float | None:
    """Return the aggregate; a sum or a mean with a missing part is missing, since it would be too small."""
    known = [value for value in values if value is not None]
    match aggregate:
        case SeriesAggregate.COUNT:
            return len(values)
        case SeriesAggregate.MAX:
            return max(known, default=None)
        case SeriesAggregate.MIN:
            return min(known, default=None)
        case SeriesAggregate.SUM | SeriesAggregate.AVG:
            if len(known) < len(values):
                return None
            total = sum_in_order(known)
            return total / len(known) if aggregate is SeriesAggregate.AVG else total
        case None:
            return known[0] if known else None
