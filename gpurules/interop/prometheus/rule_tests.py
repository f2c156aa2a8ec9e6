"""Rule tests as a test file of promtool: the same facts as series, and the alerts that fire at each step."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from gpurules.backends.promql import node_series, series_name
from gpurules.interop.prometheus.exporting import Export
from gpurules.interop.prometheus.rule_file import duration
from gpurules.language.terms import ir
from gpurules.rules import Ruleset
from gpurules.ruletest import Case, TestFile, case_facts, time_steps

NODE = "node"
_QUERY = 'group by (alertname, instance, gpu) (ALERTS{{alertstate="firing", alertname=~"{names}"}})'


@dataclass(slots=True)
class TestExport:
    """A test file of promtool as JSON-ready data, and the cases that it leaves out, with the reasons."""

    document: dict[str, object]
    omissions: list[tuple[str, str]] = field(default_factory=list)
    cases: int = 0


def export_tests(tests: TestFile, ruleset: Ruleset, export: Export, rule_file: str) -> TestExport:
    """Return the cases of *tests* for those rules of *ruleset* that *export* has; *rule_file* has them."""
    cases = [case for case in tests.cases if isinstance(case, Case)]
    interval = Counter(case.interval for case in cases if case.series).most_common(1)
    every = interval[0][0] if interval else ruleset.settings.poll_interval
    found = TestExport({"rule_files": [rule_file], "evaluation_interval": duration(every)})
    made: list[dict[str, object]] = []
    for case in cases:
        why = _why_not(case, every)
        names = [] if why else [rule for rule in export.alerts if _is_comparable(ruleset, rule, case)]
        if why or not names:
            found.omissions.append((case.name, why or "none of the exported rules can be tested by it"))
            continue
        made.append(_test(case, ruleset, export, names))
    found.cases = len(made)
    found.document["tests"] = made
    return found


def _why_not(case: Case, every: float) -> str | None:
    if case.series and case.interval != every:
        return f"its interval is not {duration(every)}, and a file of promtool has only one"
    words = {sample.text for samples in case.series.values() for sample in samples}
    if words & {"stale", "gone"}:
        return "it loses telemetry, which Prometheus and the engine bridge differently"
    return None


def _is_comparable(ruleset: Ruleset, name: str, case: Case) -> bool:
    """Whether a rule means the same in the two; a case without a series has no time, and so no timers."""
    rule = ruleset.rule(name)
    if rule is None:
        return False
    if any(part.name in _OF_THE_CLOCK for part in ir.fields(rule.term)):
        return False
    return bool(case.series) or not any(isinstance(part, ir.Signal | ir.Window) for part in ir.walk(rule.term))


_OF_THE_CLOCK = frozenset({"hour", "weekday", "time_of_day", "telemetry_age"})


def _test(case: Case, ruleset: Ruleset, export: Export, names: list[str]) -> dict[str, object]:
    columns: dict[str, list[str]] = {}
    queries: list[dict[str, object]] = []
    wanted = "|".join(export.alerts[name].name for name in names)
    for step, (given, time_step) in enumerate(zip(case_facts(case, ruleset), time_steps(case, ruleset), strict=True)):
        samples = dict(node_series(given.snapshot, NODE, given.node))
        for series in samples.keys() | columns.keys():
            column = columns.setdefault(series, ["stale"] * step)
            column.append(repr(samples[series]) if series in samples else "stale")
        expected = [
            {"labels": series_name("", labels), "value": 1}
            for match in time_step.decision.matched
            if match.rule in names
            for labels in _labels(export.alerts[match.rule].name, match.devices)
        ]
        query: dict[str, object] = {
            "expr": _QUERY.format(names=wanted),
            "eval_time": duration(time_step.at),
            "exp_samples": expected,
        }
        queries.append(query)
    return {
        "name": case.name,
        "interval": duration(case.interval),
        "input_series": [{"series": name, "values": " ".join(values)} for name, values in columns.items()],
        "promql_expr_test": queries,
    }


def _labels(alert: str, devices: tuple[object, ...]) -> Iterator[dict[str, str]]:
    base = {"alertname": alert, "instance": NODE}
    if not devices:
        yield base
    for device in devices:
        yield {**base, "gpu": str(device)}
