"""Shows the current value of each field that a ruleset feeds from metrics, or why it is missing."""

from collections.abc import Iterator

from gpurules.engine.effects.events import feed_source, feeds_read
from gpurules.fields import Field
from gpurules.fields.reasons import why_missing
from gpurules.model import Snapshot, format_reading
from gpurules.rules import Ruleset
from gpurules.telemetry import Source, first_snapshot

_NO_PAGE = "the source does not read Prometheus text; join textfile:DIR or scrape:URL with it"


def fed_fields(ruleset: Ruleset, source: Source) -> list[dict[str, object]]:
    """Return each fed field that *ruleset* reads, for each GPU or the node: its value, or why it is missing.

    Raises:
        TelemetryError: the source cannot be read.
    """
    fields = feeds_read(ruleset)
    feed_source(source, ruleset)
    snapshot = first_snapshot(source)
    return [data for field in fields for data in _of_field(field, snapshot)]


def _of_field(field: Field, snapshot: Snapshot) -> Iterator[dict[str, object]]:
    assert field.feed is not None
    head = {"field": field.name, "metric": field.feed.selector.metric}
    if not field.is_per_gpu:
        value = snapshot.labels.get(field.name)
        yield {**head, "of": "node", **_value(field, value, why_missing(field, snapshot) or _NO_PAGE)}
        return
    if not snapshot.gpus:
        yield {**head, "of": "GPUs", "value": None, "reason": "no source lists GPUs; name one, such as nvml, first"}
    for gpu in snapshot.gpus:
        reason = gpu.missing.get(field.name, _NO_PAGE)
        yield {**head, "of": f"GPU {gpu.index}", **_value(field, gpu.labels.get(field.name), reason)}


def _value(field: Field, value: object, reason: str) -> dict[str, object]:
    if value is None:
        return {"value": None, "reason": reason}
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    shown = format_reading(value, field.datatype.dimension) if is_number else str(value).lower()  # type: ignore[arg-type]
    return {"value": value, "shown": shown}
