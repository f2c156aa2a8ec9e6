"""Rule files of Prometheus as a ruleset; what has no exact counterpart is left out with its reason."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from gpurules.errors import GpurulesError
from gpurules.interop.prometheus.importing.numbers import TranslationContext
from gpurules.interop.prometheus.importing.operands import GPU, FedField, Untranslatable, duration, refuse
from gpurules.interop.prometheus.importing.rules import PrometheusRule
from gpurules.interop.prometheus.importing.syntax import (
    Binary,
    FunctionCall,
    Number,
    Promql,
    SeriesPattern,
    parse_promql,
)
from gpurules.interop.prometheus.importing.translation import Translator
from gpurules.rules import RulesetError, loads
from gpurules.strict_json import dumps

_EXPORTER = re.compile(r"gpu|dcgm|nvidia|rocm|amd|xpu|smi", re.IGNORECASE)
_STALE_AFTER = 15.0
_WARNINGS = ("warning", "warn", "info", "none", "low")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A rule that was not translated: which, where, why, and the original."""

    name: str
    place: str
    reason: str
    expression: str


@dataclass(frozen=True, slots=True)
class ImportedRule:
    """A rule of the ruleset, and the alert that it comes from; ``notes`` say what is lost."""

    name: str
    condition: str
    original: PrometheusRule
    for_seconds: float
    notes: tuple[str, ...] = ()
    feeds: tuple[FedField, ...] = ()


@dataclass(slots=True)
class Import:
    """What became of the rules of some files."""

    rules: list[ImportedRule] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    total: int = 0


@dataclass(slots=True)
class _Importer:
    recordings: dict[str, Promql] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    vendors: set[str] = field(default_factory=set)
    feeds: dict[str, FedField] = field(default_factory=dict)

    def translated(self, rule: PrometheusRule) -> tuple[ImportedRule, set[str]]:
        """Return the rule, and the vendors of the metrics that it reads.

        Raises:
            GpurulesError: it has no exact counterpart.
        """
        if rule.problem is not None:
            refuse(rule.problem)
        expression = parse_promql(rule.expression)
        absent = _absence(expression, rule.for_seconds)
        if absent is not None:
            return ImportedRule(self.name(rule.name), absent, rule, 0.0), set()
        context = TranslationContext(self.recordings, self.feeds)
        condition = Translator(context).condition(expression)
        self.used |= context.used_recordings
        self.vendors |= context.vendors
        feeds = tuple(context.used_feeds)
        if rule.keep_seconds:
            context.notes.append("it ends where its series are gone for settings.stale_after, keep_for or not")
        found = ImportedRule(
            self.name(rule.name), condition.text, rule, rule.for_seconds, tuple(dict.fromkeys(context.notes)), feeds
        )
        return found, context.vendors if condition.level == GPU else set()

    def name(self, alert: str) -> str:
        """Return the name of an alert as rules are named, once for each."""
        words = re.sub(r"([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3_\2\4", alert)
        plain = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_") or "alert"
        plain = plain if plain[0].isalpha() else f"alert_{plain}"
        name, number = plain, 2
        while name in self.names:
            name, number = f"{plain}_{number}", number + 1
        self.names.add(name)
        return name


def import_rules(rules: Sequence[PrometheusRule]) -> Import:
    """Return what becomes of *rules*; a rule that the loader refuses is left out too."""
    importer, found = _Importer(), Import(total=len(rules))
    for rule in rules:
        if rule.is_recording and rule.problem is None:
            try:
                importer.recordings[rule.name] = parse_promql(rule.expression)
            except GpurulesError:
                continue
    made: list[tuple[ImportedRule, set[str]]] = []
    for rule in rules:
        if rule.is_recording:
            continue
        try:
            made.append(importer.translated(rule))
        except GpurulesError as error:
            found.left_out.append(LeftOut(rule.name, rule.place, str(error), rule.expression))
    for imported, vendors in made:
        if len(importer.vendors) > 1 and len(vendors) == 1:
            text = f"gpu_vendor == '{next(iter(vendors))}' AND ({imported.condition})"
            imported = replace(imported, condition=text)
        problem = _problem(imported)
        if problem is None:
            found.rules.append(imported)
        else:
            original = imported.original
            found.left_out.append(LeftOut(original.name, original.place, problem, original.expression))
    for rule in rules:
        if rule.is_recording and rule.name not in importer.used:
            why = rule.problem or "no alert that was translated reads this recording rule"
            found.left_out.append(LeftOut(rule.name, rule.place, why, rule.expression))
    return found


def _problem(rule: ImportedRule) -> str | None:
    """Return why the ruleset with *rule* alone does not load; None where it does."""
    try:
        loads(render_ruleset([rule], (), "imported"))
    except RulesetError as error:
        return f"the language refuses its translation `{rule.condition}`: {error.diagnostics[0].message}"
    return None


def _absence(expression: Promql, seconds: float) -> str | None:
    """Return the condition of an expression that is about telemetry which does not come; None where it is not."""
    match expression:
        case FunctionCall(function="absent", arguments=(SeriesPattern(name=name) as selector,)) if _is_of_gpus(
            selector, name
        ):
            return f"telemetry_age > {duration(seconds or _STALE_AFTER)}"
        case FunctionCall(
            function="absent_over_time", arguments=(SeriesPattern(name=name, seconds=float(window)) as selector,)
        ):
            if _is_of_gpus(selector, name):
                return f"telemetry_age > {duration(window + seconds)}"
        case Binary("==", SeriesPattern(name="up") as selector, Number(0.0)) if _is_of_gpus(selector, ""):
            return f"telemetry_age > {duration(seconds or _STALE_AFTER)}"
    return None


def _is_of_gpus(selector: SeriesPattern, name: str) -> bool:
    """Whether a selector is about the exporter of GPUs.

    Raises:
        Untranslatable: it is about another program.
    """
    if _EXPORTER.search(name) or any(_EXPORTER.search(value) for _, _, value in selector.matchers):
        return True
    raise Untranslatable("it is about a program that is not an exporter of GPUs")


def render_ruleset(rules: Iterable[ImportedRule], left_out: Iterable[LeftOut], name: str) -> str:
    """Return the ruleset as text, what was left out as comments at its end."""
    made = list(rules)
    lines = ["version: 1", f"name: {dumps(name)}", 'description: "Imported from Prometheus rules."']
    feeds = {feed.name: feed for rule in made for feed in rule.feeds}
    if feeds:
        lines += ["", "fields:", *map(_feed_line, feeds.values())]
    lines += ["", "rules:" if made else "rules: []"]
    for rule in made:
        lines += _rule_lines(rule)
    for omission in left_out:
        lines += ["", f"# left out: {_plain(omission.name)} ({_plain(omission.place)}): {_plain(omission.reason)}"]
        lines += [f"#   expr: {_plain(line)}" for line in omission.expression.splitlines()]
    return "\n".join([*lines, ""])


def _feed_line(feed: FedField) -> str:
    aggregate = f", aggregate: {feed.aggregate}" if feed.aggregate else ""
    source = f"{{prometheus: {dumps(feed.selector)}{aggregate}}}"
    return f"  {feed.name}: {{type: number, scope: {feed.scope}, from: {source}}}"


def _rule_lines(rule: ImportedRule) -> list[str]:
    original = rule.original
    severity = original.labels.get("severity", "")
    level = "warning" if severity.lower() in _WARNINGS else "error"
    annotations = {"alertname": original.name, **({"severity": severity} if severity else {})}
    annotations |= {key: text for key, text in original.annotations.items() if key not in annotations}
    annotations |= {key: text for key, text in original.labels.items() if key not in annotations}
    parameters = f"{{level: {level}, message: {dumps(_message(original.name))}, on: [start, stop]}}"
    timers = [("for", rule.for_seconds), ("keep_for", original.keep_seconds)]
    return [
        f"  - name: {rule.name}",
        *(f"    # {_plain(note)}" for note in rule.notes),
        f"    condition: {dumps(rule.condition)}",
        *(f"    {key}: {duration(seconds)}" for key, seconds in timers if seconds),
        "    action: log",
        f"    parameters: {parameters}",
        "    annotations:",
        *(f"      {dumps(key)}: {dumps(text)}" for key, text in annotations.items()),
    ]


def _message(alert: str) -> str:
    return alert.replace("{", "(").replace("}", ")")


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
