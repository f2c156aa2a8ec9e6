"""The dashboard, as Grafana imports it: rows of panels over a data source that is asked for at the import."""

from collections.abc import Iterator
from typing import NamedTuple

_SOURCE = {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}
_WIDTH, _HEIGHT, _COLUMNS = 8, 8, 3
_ON_NODE = 'instance=~"$instance"'


class Panel(NamedTuple):
    """One graph: what it shows, in which unit of Grafana, and how its lines are named.

    Missing: ``maximum`` None: the axis follows the values.
    """

    title: str
    expression: str
    unit: str = "short"
    legend: str = "{{instance}} GPU {{gpu}}"
    maximum: float | None = None
    kind: str = "timeseries"


def _gpu(metric: str) -> str:
    return f"gpurules_gpu_{metric}{{{_ON_NODE}}}"


_RATE = "increase({metric}{{{on}}}[$__rate_interval])"
ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Node",
        (
            Panel("GPUs", f"gpurules_gpus{{{_ON_NODE}}}", legend="{{instance}}", kind="stat"),
            Panel("Lost GPUs", f"gpurules_gpus_lost{{{_ON_NODE}}}", legend="{{instance}}", kind="stat"),
            Panel("Age of telemetry", f"gpurules_telemetry_age_seconds{{{_ON_NODE}}}", "s", "{{instance}}"),
        ),
    ),
    (
        "Rules",
        (
            Panel("Signals that are on", f"gpurules_signals_on{{{_ON_NODE}}} > 0", legend="{{instance}} {{signal}}"),
            Panel(
                "Rule starts",
                _RATE.format(metric="gpurules_rule_starts_total", on=_ON_NODE),
                legend="{{instance}} {{rule}}",
            ),
            Panel("Pending transfers", f"gpurules_pending_transfers{{{_ON_NODE}}}", legend="{{instance}}"),
            Panel(
                "Effects",
                _RATE.format(metric="gpurules_effect_events_total", on=_ON_NODE),
                legend="{{instance}} {{action}} {{result}}",
            ),
            Panel(
                "Polls without telemetry",
                _RATE.format(metric="gpurules_missed_polls_total", on=_ON_NODE),
                legend="{{instance}}",
            ),
            Panel(
                "Missing fields",
                f"topk(10, {_RATE.format(metric='gpurules_field_unknown_total', on=_ON_NODE)})",
                legend="{{instance}} {{field}}",
            ),
        ),
    ),
    (
        "GPUs",
        (
            Panel("Memory in use", _gpu("memory"), "percent", maximum=100),
            Panel("Busy", _gpu("utilization"), "percent", maximum=100),
            Panel("Temperature", _gpu("temperature"), "celsius"),
            Panel("Power", _gpu("power"), "watt"),
            Panel("PCIe, host to GPU", _gpu("pcie_rx"), "binBps"),
            Panel("Throttled", _gpu("throttled"), maximum=1),
        ),
    ),
    (
        "Health",
        (
            Panel("Uncorrected ECC errors", _gpu("ecc_errors")),
            Panel("Last Xid", _gpu("xid")),
            Panel("Rows to be remapped", _gpu("row_remap_pending"), maximum=1),
        ),
    ),
)
"""The rows of the dashboard, each with its panels."""


def dashboard() -> dict[str, object]:
    """Return the dashboard as JSON-ready data."""
    source = {"name": "DS_PROMETHEUS", "label": "Prometheus", "type": "datasource", "pluginId": "prometheus"}
    return {
        "__inputs": [{**source, "description": "", "pluginName": "Prometheus"}],
        "__requires": [
            {"type": "grafana", "id": "grafana", "name": "Grafana", "version": "9.0.0"},
            {"type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0"},
        ],
        "id": None,
        "uid": "gpurules",
        "title": "gpurules",
        "description": "GPUs, rules and transfers of the nodes that run gpurules.",
        "tags": ["gpu", "gpurules"],
        "editable": True,
        "schemaVersion": 36,
        "version": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_instances()]},
        "annotations": {"list": []},
        "panels": list(_panels()),
    }


def _instances() -> dict[str, object]:
    return {
        "name": "instance",
        "label": "Node",
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": "label_values(gpurules_gpus, instance)", "refId": "instances"},
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "sort": 1,
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _panels() -> Iterator[dict[str, object]]:
    number, top = 1, 0
    for title, panels in ROWS:
        yield {"id": number, "type": "row", "title": title, "collapsed": False, "panels": [],
               "gridPos": {"x": 0, "y": top, "w": 24, "h": 1}}  # fmt: skip
        number, top = number + 1, top + 1
        for place, panel in enumerate(panels):
            row, column = divmod(place, _COLUMNS)
            grid = {"x": column * _WIDTH, "y": top + row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
            yield _panel(panel, number, grid)
            number += 1
        top += -(-len(panels) // _COLUMNS) * _HEIGHT


def _panel(panel: Panel, number: int, grid: dict[str, int]) -> dict[str, object]:
    defaults: dict[str, object] = {"unit": panel.unit, "min": 0}
    if panel.maximum is not None:
        defaults["max"] = panel.maximum
    target = {"refId": "A", "datasource": _SOURCE, "expr": panel.expression, "legendFormat": panel.legend}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": grid,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {},
        "targets": [target],
    }
