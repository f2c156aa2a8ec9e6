"""A ruleset as a file of Prometheus rules, and what of it could not be said there."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gpurules.backends.backend import UnsupportedError
from gpurules.backends.promql import MetricNaming
from gpurules.engine.state.signals import in_order
from gpurules.interop.prometheus.rule_file import AlertingRule, RuleGroup
from gpurules.interop.prometheus.signal_rules import RecordingRule, SignalRecorder
from gpurules.language.terms import ir
from gpurules.rules import Ruleset
from gpurules.rules.rule import Rule, Signal

ALERT_NAME, SEVERITY = "alertname", "severity"
"""Annotations that become the name of the alert, and a label."""
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_PLACEHOLDER = re.compile(r"\{(\w*)(?::[^{}]*)?\}")


@dataclass(frozen=True, slots=True)
class Omission:
    """A rule that is not exported, why not, and where it stands."""

    rule: str
    reason: str
    place: str


@dataclass(slots=True)
class Export:
    """The rules of Prometheus for a ruleset; ``notes`` say what else they leave to others."""

    group: RuleGroup
    omissions: list[Omission] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    alerts: dict[str, AlertingRule] = field(default_factory=dict)


def export_rules(ruleset: Ruleset, naming: MetricNaming) -> Export:
    """Return the rules of *ruleset* in PromQL, in the names of *naming*."""
    recorder = SignalRecorder(ruleset.name, naming, ruleset.settings.poll_interval)
    needed, problems = _needed_signals(ruleset), dict[str, str]()
    export = Export(RuleGroup(f"gpurules-{ruleset.name}", ruleset.settings.poll_interval))
    for signal in in_order(ruleset.signals):
        if signal.rule is None and signal.name in needed:
            try:
                export.group.rules.extend(recorder.record(signal))
            except UnsupportedError as error:
                problems[signal.name] = f"signal {signal.name}: {error}"
    stopping: str | None = None
    for rule in ruleset.rules:
        why = _why_not(rule, ruleset, stopping)
        if why is None:
            try:
                alert, recordings = _alert(rule, ruleset.signals, recorder)
                export.group.rules.extend([*recordings, alert])
                export.alerts[rule.name] = alert
                if rule.cooldown is not None:
                    export.notes.append(f"{rule.name}: its cooldown is left to repeat_interval of Alertmanager")
            except UnsupportedError as error:
                why = _explained(rule, ruleset.signals, problems) or str(error)
        if why is not None:
            export.omissions.append(Omission(rule.name, why, f"{rule.path or ruleset.name}:{rule.line}"))
        if rule.stop and rule.enabled and not rule.is_shadow:
            stopping = stopping or rule.name
    return export


def _why_not(rule: Rule, ruleset: Ruleset, stopping: str | None) -> str | None:
    """Return why a rule is not exported whatever its condition says; None where that decides."""
    if not rule.enabled:
        return "it is disabled"
    if rule.is_shadow:
        return "it is in shadow mode"
    if rule.gpus != "node":
        return "it is about the GPUs of one workload, which have no series of their own"
    if stopping is not None:
        return f"it does not apply while {stopping!r} matches, which stops the rules below it"
    if ruleset.settings.on_stale == "hold" and any(isinstance(part, ir.Signal) for part in ir.walk(rule.term)):
        return "on_stale: hold keeps signals on while readings are missing, which Prometheus does not"
    return None


def _explained(rule: Rule, signals: Mapping[str, Signal], problems: Mapping[str, str]) -> str | None:
    """Return why a signal that a rule reads could not be recorded, if that is so."""
    terms = [rule.term]
    if rule.signal is not None:
        own = signals[rule.signal]
        terms = [own.condition, *([own.until] if own.until is not None else [])]
    read = [part.name for term in terms for part in ir.walk(term) if isinstance(part, ir.Signal)]
    return next((problems[name] for name in read if name in problems), None)


def _needed_signals(ruleset: Ruleset) -> set[str]:
    """Return the signals that rules to be exported read, and those that these read."""
    terms = [rule.term for rule in ruleset.rules if _why_not(rule, ruleset, None) is None]
    names: set[str] = set()
    while terms:
        for part in ir.walk(terms.pop()):
            if isinstance(part, ir.Signal) and part.name not in names:
                names.add(part.name)
                signal = ruleset.signals[part.name]
                terms.extend([signal.condition, *([signal.until] if signal.until is not None else [])])
    return names


def _alert(
    rule: Rule, signals: Mapping[str, Signal], recorder: SignalRecorder
) -> tuple[AlertingRule, tuple[RecordingRule, ...]]:
    labels = {"rule": rule.name}
    if severity := rule.annotations.get(SEVERITY):
        labels[SEVERITY] = severity
    named = rule.annotations.get(ALERT_NAME) or rule.name
    if rule.signal is not None and isinstance(rule.term, ir.Signal):
        found = recorder.as_alert(signals[rule.signal])
        alert = AlertingRule(named, found.on.text, found.for_seconds, found.keep_seconds, labels, _annotations(rule))
        return alert, found.rules
    expression = recorder.back_end.emit(rule.term, rule.per_gpu)
    return AlertingRule(named, expression.text, 0.0, 0.0, labels, _annotations(rule)), ()


def _annotations(rule: Rule) -> dict[str, str]:
    """Return what an alert says: the rule's annotations, its description, and the message of its first effect."""
    kept = {name: text for name, text in rule.annotations.items() if name not in (ALERT_NAME, SEVERITY)}
    found = {name: _literal(text) for name, text in kept.items() if _LABEL.fullmatch(name)}
    if rule.description:
        found.setdefault("summary", _literal(rule.description))
    message = next(_messages(rule), None)
    if message is not None:
        found.setdefault("description", message)
    return found


def _messages(rule: Rule) -> Iterator[str]:
    """Yield the messages of effects that a template of Prometheus can say in full."""
    for action in rule.actions:
        message = action.parameters.get("message")
        if isinstance(message, str) and set(_PLACEHOLDER.findall(message)) <= {"devices", "gpu_index", "rule"}:
            parts = re.split(r"(\{\w*(?::[^{}]*)?\})", message)
            yield "".join(_filled(part, rule) for part in parts)


def _filled(part: str, rule: Rule) -> str:
    found = _PLACEHOLDER.fullmatch(part)
    if found is None:
        return _literal(part)
    return rule.name if found[1] == "rule" else "{{ $labels.gpu }}"


def _literal(text: str) -> str:
    """Return *text* as a template of Prometheus that says just that."""
    return text.replace("{{", '{{ "{{" }}')
