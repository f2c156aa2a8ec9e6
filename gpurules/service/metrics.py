"""The only user of prometheus_client: exports the counters of a coordinator."""

from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from gpurules.backends.promql import GPU_METRICS, gpu_samples
from gpurules.diagnostics.excerpt import visible
from gpurules.engine import Coordinator, Metrics
from gpurules.engine.effects.metrics import OUTCOMES
from gpurules.engine.inspection import queued_events
from gpurules.errors import UnavailableError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric


class Plain(NamedTuple):
    """A metric without labels: its attribute of ``Metrics``, its name and its help text."""

    attribute: str
    name: str
    text: str
    is_counter: bool = True


PLAIN = (
    Plain("total_gpus", "gpurules_gpus", "GPUs in the latest snapshot.", False),
    Plain("active_workloads", "gpurules_active_workloads", "Registered workloads.", False),
    Plain("pending_transfers", "gpurules_pending_transfers", "Pending transfers.", False),
    Plain("coordination_events", "gpurules_coordination_events", "Rule starts."),
    Plain("memory_pressure_events", "gpurules_memory_pressure_events", "Starts of rules that read GPU memory."),
    Plain("temperature_limit_events", "gpurules_temperature_limit_events", "Starts of rules that read a temperature."),
    Plain("coordination_misses", "gpurules_coordination_misses", "Polls without usable telemetry."),
    Plain(
        "last_gpu_update",
        "gpurules_last_gpu_update_timestamp_seconds",
        "Unix time of the last telemetry reading.",
        False,
    ),
    Plain("polls", "gpurules_polls", "Polls."),
    Plain("missed_polls", "gpurules_missed_polls", "Polls that failed to read the source."),
    Plain("ignored_snapshots", "gpurules_ignored_snapshots", "Snapshots that were not newer than the last."),
    Plain("clock_steps", "gpurules_clock_steps", "Steps of the system clock."),
    Plain("decisions_failed", "gpurules_decisions_failed", "Failed decisions, which impose nothing."),
    Plain("poll_seconds", "gpurules_last_poll_seconds", "Processing time of the last snapshot.", False),
    Plain("poll_seconds_total", "gpurules_poll_seconds", "Total processing time of all snapshots."),
    Plain("reloads", "gpurules_reloads", "Successful ruleset reloads."),
    Plain("reload_failures", "gpurules_reload_failures", "Rejected rulesets."),
    Plain("reloaded_at", "gpurules_reload_timestamp_seconds", "Unix time of the last successful ruleset load.", False),
    Plain("state_failures", "gpurules_state_failures", "Failed writes of the state file."),
    Plain(
        "history_unwritten",
        "gpurules_history_unwritten_snapshots",
        "Snapshots that could not be written to the history yet.",
        False,
    ),
    Plain(
        "history_lost",
        "gpurules_history_lost_snapshots",
        "Snapshots missing from the history: they could not be written, and were dropped.",
    ),
    Plain("refused_transfers", "gpurules_refused_transfers", "Transfers rejected because the schedule was full."),
    Plain("telemetry_age", "gpurules_telemetry_age_seconds", "Age of the latest telemetry.", False),
)
"""The figures without labels; the first eight are those of the system that gpurules comes from."""


def _library() -> Any:  # a foreign door
    try:
        import prometheus_client
        import prometheus_client.core
    except ImportError:
        raise UnavailableError(
            "metrics need the module prometheus_client; install it with pip install 'gpurules[metrics]'"
        ) from None
    return prometheus_client


class Collector:
    """Reads the counts of a coordinator on each scrape."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator
        self._core = _library().core

    def collect(self) -> "Iterator[Metric]":
        """Yield the current metrics."""
        counts = self._coordinator.collect()
        for plain in PLAIN:
            value = getattr(counts, plain.attribute)
            if value is not None:
                yield self._plain(plain, value)
        yield from self._of_gpus()
        yield from self._states(counts)
        yield from self._of_rules(counts)
        yield from self._of_effects(counts)
        unknown = self._counter(
            "gpurules_field_unknown", "GPUs on which a field was missing, summed over polls.", "field"
        )
        for name, count in counts.unknown_fields.items():
            _add(unknown, (name,), count)
        yield unknown

    def _of_gpus(self) -> "Iterator[Metric]":
        """Yield the readings of GPUs; none while telemetry is stale, so that no old reading looks current."""
        engine = self._coordinator.engine
        snapshot = engine.snapshot
        if snapshot is None or engine.is_stale:
            return
        yield self._core.GaugeMetricFamily(
            "gpurules_gpus_lost", "GPUs that did not answer.", value=snapshot.gpu_lost_count
        )
        texts = {metric.name: metric.text for metric in GPU_METRICS}
        for name, grouped in groupby(gpu_samples(snapshot), lambda sample: sample.metric):
            samples = list(grouped)
            text = texts.get(name, "Identity and attributes of a GPU.")
            labels = [label for label, _ in samples[0].labels]
            family: Metric = self._core.GaugeMetricFamily(name, text, labels=labels)
            for sample in samples:
                family.add_metric([value for _, value in sample.labels], sample.value)  # type: ignore[attr-defined]
            yield family

    def _plain(self, plain: Plain, value: float) -> "Metric":
        family = self._core.CounterMetricFamily if plain.is_counter else self._core.GaugeMetricFamily
        made: Metric = family(plain.name, plain.text, value=value)
        return made

    def _counter(self, name: str, text: str, *labels: str) -> Any:
        return self._core.CounterMetricFamily(name, text, labels=labels)

    def _states(self, counts: Metrics) -> "Iterator[Metric]":
        ruleset, gauge = self._coordinator.engine.ruleset, self._core.GaugeMetricFamily
        yield gauge("gpurules_enabled", "Whether the rules are enabled.", value=int(self._coordinator.is_enabled))
        yield gauge("gpurules_reload_ok", "Whether the last reload succeeded.", value=int(counts.reload_error is None))
        yield gauge(
            "gpurules_telemetry_ok", "Whether the last poll read the source successfully.",
            value=int(counts.polls > 0 and counts.last_source_error is None),
        )  # fmt: skip
        if counts.source_form is not None:
            yield self._core.InfoMetricFamily(
                "gpurules_telemetry_form",
                "Form in which the source is read, and why a better one is not used.",
                value={"form": counts.source_form, "why": visible(counts.source_form_reason or "")},
            )
        yield self._core.InfoMetricFamily(
            "gpurules",
            "Version and ruleset in use.",
            value={"version": _version(), "ruleset": visible(ruleset.name), "hash": ruleset.version},
        )
        signals = gauge(
            "gpurules_signals_on",
            "Number of GPUs on which a signal is on; 1 for a signal of the node.",
            labels=["signal"],
        )
        on: dict[str, int] = dict.fromkeys(ruleset.signals, 0)
        for state in self._coordinator.engine.signals():
            on[state.name] = on.get(state.name, 0) + state.on
        for name, count in on.items():
            _add(signals, (name,), count)
        yield signals

    def _of_rules(self, counts: Metrics) -> "Iterator[Metric]":
        outcomes = self._counter("gpurules_rule_outcomes", "Rule outcomes per poll.", "rule", "outcome")
        starts = self._counter("gpurules_rule_starts", "Rule starts, by rule.", "rule")
        for name, of in counts.rules.items():
            for outcome in OUTCOMES:
                _add(outcomes, (name, outcome), getattr(of, outcome))
            _add(starts, (name,), of.starts)
        yield outcomes
        yield starts

    def _of_effects(self, counts: Metrics) -> "Iterator[Metric]":
        events = self._counter("gpurules_effect_events", "Effect events, by result.", "action", "result")
        retries = self._counter("gpurules_effect_retries", "Failed attempts that were repeated.", "action")
        for name, of in counts.effects.items():
            for result in ("sent", "failed", "dropped", "superseded"):
                _add(events, (name, result), getattr(of, result))
            _add(retries, (name,), of.retried)
        yield events
        yield retries
        queued = self._core.GaugeMetricFamily(
            "gpurules_effect_queue", "Effect events that are queued or in flight, by receiver.", labels=["receiver"]
        )
        for receiver, count in queued_events(self._coordinator).items():
            _add(queued, (receiver,), count)
        yield queued
        uncarried = self._counter(
            "gpurules_uncarried_orders",
            "Directives that a storage client could not carry out.",
            "client",
            "target",
        )
        for client, targets in counts.uncarried.items():
            for target, count in targets.items():
                _add(uncarried, (client, target), count)
        yield uncarried
        faults = self._counter("gpurules_transfer_faults", "Transfer problems that were handled, by kind.", "fault")
        for fault, count in counts.faults.items():
            _add(faults, (fault,), count)
        yield faults
        stuck = len(self._coordinator.status().stuck_effects)
        yield self._core.GaugeMetricFamily("gpurules_effects_stuck", "Workers whose handler hangs.", value=stuck)


def _add(family: Any, labels: tuple[str, ...], value: float) -> None:
    """Add a sample; control characters in names of plug-ins and clients are made visible for terminals."""
    family.add_metric([visible(label) for label in labels], value)


def _version() -> str:
    try:
        return version("gpurules")
    except PackageNotFoundError:
        return "unknown"


def registry_of(coordinator: Coordinator) -> "CollectorRegistry":
    """Return a registry with the counts of *coordinator* and the metrics of its process.

    Raises:
        UnavailableError: prometheus_client is not installed.
    """
    library = _library()
    registry: CollectorRegistry = library.CollectorRegistry()
    registry.register(Collector(coordinator))
    library.ProcessCollector(registry=registry)
    return registry


def text_of(coordinator: Coordinator) -> str:
    """Return the metrics in the text format of Prometheus.

    Raises:
        UnavailableError: prometheus_client is not installed.
    """
    library = _library()
    registry = library.CollectorRegistry()
    registry.register(Collector(coordinator))
    text: str = library.generate_latest(registry).decode()
    return text


def exposition(coordinator: Coordinator, accept: str) -> tuple[bytes, str]:
    """Return the metrics in the format that *accept* requests, OpenMetrics or Prometheus' text, and its media type.

    Raises:
        UnavailableError: prometheus_client is not installed.
    """
    registry = registry_of(coordinator)
    if "application/openmetrics-text" in accept:
        from prometheus_client.openmetrics import exposition as open_metrics

        text: bytes = open_metrics.generate_latest(registry)  # type: ignore[no-untyped-call]
        return text, open_metrics.CONTENT_TYPE_LATEST
    return _library().generate_latest(registry), "text/plain; version=0.0.4; charset=utf-8"


def serve(coordinator: Coordinator, port: int, address: str = "127.0.0.1") -> Callable[[], None]:
    """Serve ``/metrics`` on *port* of *address*, by default the loopback; return a function that stops it.

    Raises:
        UnavailableError: prometheus_client is not installed.
        OSError: the port is taken.
    """
    registry = registry_of(coordinator)
    server, thread = _library().start_http_server(port, address, registry)

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join(1.0)

    return end
