"""A real Prometheus server and the engine judge the same series, and agree on imported and exported rules."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from gpurules.engine import Engine
from gpurules.interop.prometheus import NAMINGS, export_rules, render_group
from gpurules.interop.prometheus.importing import import_rules, read_rules, render_ruleset
from gpurules.interop.prometheus.rule_file import AlertingRule
from gpurules.model import Snapshot
from gpurules.rules import Ruleset, load, loads, shipped_names
from gpurules.telemetry.formats.prometheus.dcgm import gpus_from_samples
from gpurules.telemetry.formats.prometheus.samples import Sample
from tests.factories import NEW_YEAR
from tests.http_server import QuietHTTPServer
from tests.integration.interop import test_import_agreement as imports
from tests.integration.interop import test_promql_agreement as exports
from tests.prometheus_server import ask, backfill, needs_prometheus, prometheus_server, sample_line
from tests.promtool import node_samples, series_name
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, needs_prometheus]
SEED = 20261201
Firing = set[tuple[int, str | None]]
"""At which evaluations an alert fires, on which GPU; None: on the node."""

INTERVAL = 0.2
"""Between scrapes, and between evaluations, in seconds."""

LIVE = """
version: 1
name: live
settings: {poll_interval: 200ms}
signals:
  warm: {condition: gpu_temperature > 80, until: gpu_temperature < 70}
  held: {condition: gpu_power > 500W, keep_for: 700ms}
  band: {condition: gpu_utilization > 90, until: gpu_utilization < 50, for: 500ms}
rules:
  - {name: plain, condition: gpu_temperature > 80, action: log}
  - {name: delayed, condition: gpu_temperature > 80, for: 500ms, action: log}
  - {name: kept, condition: gpu_temperature > 80, keep_for: 700ms, action: log}
  - {name: latched, condition: gpu_memory > 85, until: gpu_memory < 75, action: log}
  - {name: latched_later, condition: gpu_memory > 85, until: gpu_memory < 75, for: 500ms, action: log}
  - {name: by_signal, condition: warm AND NOT held, action: log}
  - {name: by_band, condition: any(band), action: log}
  - {name: some, condition: any(gpu_temperature > 80), for: 300ms, action: log}
"""


def firing(server: str, expression: str, steps: int, every: float) -> Firing:
    """Return where *expression* has a sample."""
    end = NEW_YEAR + (steps - 1) * every
    found = ask(server, "query_range", query=expression, start=NEW_YEAR, end=end, step=every)
    return {(round((at - NEW_YEAR) / every), one["metric"].get("gpu")) for one in found for at, _ in one["values"]}


def matching(matched: Iterable[Any], step: int, into: Mapping[str, Firing], names: Mapping[str, str]) -> None:
    """Note what an engine matches at a step."""
    for match in matched:
        if match.rule in names:
            devices = [str(device) for device in match.devices] or [None]
            into[names[match.rule]].update((step, device) for device in devices)


def only_between(every: float) -> str:
    """Return the option by which a sample that is missing is missing: by default it would be taken as the last."""
    return f"--query.lookback-delta={round(every * 900)}ms"


@pytest.mark.parametrize("gaps", [0.0, 0.15])
def test_imported_rules_match_where_the_expressions_of_the_alerts_hold(gaps: float, tmp_path: Path) -> None:
    found = import_rules(read_rules(imports.rule_file(False).encode(), "rules.yml"))
    names = {rule.name: rule.original.name for rule in found.rules if rule.original.name != "Recorded"}
    engine = Engine(loads(render_ruleset(found.rules, (), "imported")), clock=lambda: 0.0)
    expected: dict[str, Firing] = {name: set() for name in names.values()}
    families: dict[str, list[str]] = {}
    for step, readings in enumerate(imports.values(random.Random(SEED), gaps)):
        samples = [Sample(n, imports.labels_of(gpu), v) for gpu, own in enumerate(readings) for n, v in own.items()]
        engine.observe(Snapshot(timestamp=NEW_YEAR + step * imports.EVERY, gpus=gpus_from_samples(samples)))
        matching(engine.decide().matched, step, expected, names)
        for one in samples:
            line = sample_line(series_name(one.name, one.labels), one.value, NEW_YEAR + step * imports.EVERY)
            families.setdefault(one.name, []).append(line)
    backfill(tmp_path, families)
    with prometheus_server(tmp_path, "global: {}\n", only_between(imports.EVERY)) as server:
        for name, fires in expected.items():
            assert firing(server, imports.ALERTS[name], imports.STEPS, imports.EVERY) == fires, name
            assert fires, f"{name} never fires here"


def stateless(ruleset: Ruleset) -> dict[str, AlertingRule]:
    """Return the exported alerts that an expression alone decides, by their rules."""
    export = export_rules(ruleset, NAMINGS["gpurules"])
    recorded = [rule.name for rule in export.group.rules if not isinstance(rule, AlertingRule)]
    return {
        rule: alert
        for rule, alert in export.alerts.items()
        if not (alert.for_seconds or alert.keep_seconds or any(name in alert.expression for name in recorded))
    }


@pytest.mark.parametrize("name", ["plain", *shipped_names()])
def test_expressions_of_exported_alerts_hold_where_the_rules_match(name: str, tmp_path: Path) -> None:
    ruleset = loads(exports.PLAIN) if name == "plain" else load(f"gpurules:{name}")
    alerts, every = stateless(ruleset), ruleset.settings.poll_interval
    if not alerts:
        pytest.skip(f"every alert of {name} has a timer or a record, which test_promql_agreement.py judges")
    engine = Engine(ruleset, clock=lambda: 0.0)
    expected: dict[str, Firing] = {rule: set() for rule in alerts}
    families: dict[str, list[str]] = {}
    for step, snapshot in enumerate(exports.snapshots(ruleset, 0.2 if name == "plain" else 0.0, random.Random(SEED))):
        engine.observe(snapshot)
        matching(engine.decide().matched, step, expected, {rule: rule for rule in alerts})
        for series, value in node_samples(snapshot):
            line = sample_line(series, value, NEW_YEAR + step * every)
            families.setdefault(series.partition("{")[0], []).append(line)
    backfill(tmp_path, families)
    with prometheus_server(tmp_path, "global: {}\n", only_between(every)) as server:
        for rule, alert in alerts.items():
            assert firing(server, alert.expression, exports.STEPS, every) == expected[rule], rule
    assert name != "plain" or all(expected.values())


class Exporter(BaseHTTPRequestHandler):
    """Serves the next step at each scrape; after the last one nothing more."""

    def __init__(self, steps: Sequence[str], served: list[int], *arguments: Any) -> None:
        self._steps, self._served = steps, served
        super().__init__(*arguments)

    def do_GET(self) -> None:
        step = min(len(self._served), len(self._steps) - 1)
        self._served.append(step)
        body = self._steps[step].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def exporter(steps: Sequence[str], served: list[int]) -> Iterator[str]:
    with QuietHTTPServer(("127.0.0.1", 0), partial(Exporter, steps, served)) as http:
        thread = Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{http.server_port}"
        finally:
            http.shutdown()
            thread.join()


def raw(server: str, selector: str) -> dict[tuple[str | None, str | None], dict[float, float]]:
    """Return all samples of a metric by their times, by the alert and the GPU that they are of."""
    found: dict[tuple[str | None, str | None], dict[float, float]] = {}
    for one in ask(server, "query", query=f"{selector}[1h]"):
        key = one["metric"].get("alertname"), one["metric"].get("gpu")
        found.setdefault(key, {}).update((at, float(value)) for at, value in one["values"])
    return found


def steps_seen(server: str) -> Iterator[tuple[float, int]]:
    """Yield each evaluation and the step that all its rules saw.

    It ends at the first of which that is not so: a scrape came in between, or failed.
    """
    (first,), (last,) = raw(server, "seen_first").values(), raw(server, "seen_last").values()
    before = None
    for at in sorted(first.keys() | last.keys()):
        if first.get(at) != last.get(at) or (before is not None and at - before > 1.5 * INTERVAL):
            return
        before = at
        yield at, int(first[at])


def watched(folder: Path, rules: str, pages: Sequence[str]) -> tuple[list[tuple[float, int]], dict[Any, Any]]:
    """Have a server scrape *pages* one by one; return its evaluations with the step they saw, and the alerts fired."""
    folder.mkdir()
    (folder / "rules.yml").write_text(rules)
    served: list[int] = []
    every = f"{INTERVAL * 1000:.0f}ms"
    with exporter(pages, served) as target:
        config = f"""
global: {{scrape_interval: {every}, scrape_timeout: {every}, evaluation_interval: {every}}}
rule_files: [rules.yml]
scrape_configs:
  - {{job_name: node, honor_labels: true, static_configs: [{{targets: ['{target}']}}]}}
"""
        with prometheus_server(folder, config) as server:
            wait_until(lambda: len(served) > len(pages), 60, "every step is scraped")
            return list(steps_seen(server)), raw(server, 'ALERTS{alertstate="firing"}')


def test_a_server_that_scrapes_fires_exported_alerts_with_timers_where_the_rules_match(tmp_path: Path) -> None:
    ruleset = loads(LIVE)
    export = export_rules(ruleset, NAMINGS["gpurules"])
    assert export.omissions == []
    rules = render_group(export.group).replace(
        "    rules:\n", "    rules:\n      - {record: seen_first, expr: step}\n", 1
    )
    rules += "      - {record: seen_last, expr: step}\n"
    steps = list(exports.snapshots(ruleset, 0.0, random.Random(SEED)))[:45]
    pages = [
        "".join(f"{series} {value!r}\n" for series, value in node_samples(one)) + f"step {number}\n"
        for number, one in enumerate(steps)
    ]
    for attempt in range(4):  # when it scrapes and when it evaluates is random, and may coincide
        evaluations, fired = watched(tmp_path / str(attempt), rules, pages)
        if len(evaluations) > 20:
            break
    engine, matches = Engine(ruleset, clock=lambda: 0.0), 0
    names = {rule: alert.name for rule, alert in export.alerts.items()}
    for at, step in evaluations:
        engine.observe(Snapshot(timestamp=at, gpus=steps[step].gpus))
        expected: dict[str, Firing] = {name: set() for name in names.values()}
        matching(engine.decide().matched, 0, expected, names)
        found = {key for key, times in fired.items() if at in times}
        assert found == {(name, gpu) for name, fires in expected.items() for _, gpu in fires}, step
        matches += len(found)
    assert len(evaluations) > 20 and matches > 20
