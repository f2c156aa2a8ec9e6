"""The state of an agent as JSON-ready data, in sections that are shown and streamed."""

from collections.abc import Mapping

from gpurules.backends.facts import NO_TRANSFER, NO_WORKLOAD
from gpurules.engine import Coordinator
from gpurules.engine.effects.events import contextual_rules
from gpurules.engine.inspection import last_reading, queued_events, steady_clock, suppressed_rules, wall_clock
from gpurules.rules.program import BoundProgram
from gpurules.rules.rule import Rule
from gpurules.service.state.recorder import Recorder
from gpurules.service.wire.redaction import shown_action

_MOVING = frozenset({"snapshot", "signals", "telemetry_age"})


def status(coordinator: Coordinator) -> dict[str, object]:
    """Return the status of the agent, without values that change with time, nor snapshot and signals."""
    data, counts = coordinator.status().to_dict(), coordinator.collect()
    ruleset = coordinator.engine.ruleset
    shown = {name: value for name, value in data.items() if name not in _MOVING}
    return shown | {
        "telemetry_at": last_reading(coordinator),
        "stale_after": ruleset.settings.stale_after,
        "poll_interval": ruleset.settings.poll_interval,
        "dry_run": coordinator.options.dry_run,
        "polls": counts.polls,
        "missed_polls": counts.missed_polls,
        "reloads": counts.reloads,
        "reload_failures": counts.reload_failures,
        "decisions_failed": counts.decisions_failed,
        "state_failures": counts.state_failures,
        "effects": {
            name: {
                "sent": of.sent,
                "failed": of.failed,
                "dropped": of.dropped,
                "superseded": of.superseded,
                "retried": of.retried,
            }
            for name, of in counts.effects.items()
        },
        "queued_events": dict(queued_events(coordinator)),
    }


def snapshot(coordinator: Coordinator) -> dict[str, object] | None:
    """Return the latest snapshot with the reasons of missing readings; None before the first."""
    seen = coordinator.engine.snapshot
    if seen is None:
        return None
    data = seen.to_dict()
    gpus = [{**gpu.to_dict(), "missing": dict(gpu.missing)} if gpu.missing else gpu.to_dict() for gpu in seen.gpus]
    return {**data, "gpus": gpus} | ({"problems": list(seen.problems)} if seen.problems else {})


def signals(coordinator: Coordinator) -> list[dict[str, object]]:
    """Return the state of every signal of each GPU, or of the node."""
    known = coordinator.engine.ruleset.signals
    return [
        {
            "name": state.name,
            "owner": state.owner,
            "device": state.device,
            "on": state.on,
            "since": state.since,
            "rule": known[state.name].rule if state.name in known else None,
        }
        for state in coordinator.engine.signals()
    ]


def workloads(coordinator: Coordinator) -> list[dict[str, object]]:
    """Return the registered workloads whose lease has not expired."""
    return [workload.to_dict() for workload in coordinator.schedule.workloads(steady_clock(coordinator)())]


def rule_states(coordinator: Coordinator, recorder: Recorder) -> dict[str, dict[str, object]]:
    """Return the state of every rule, by name.

    ``state`` is ``match``, ``no-match``, ``unknown``, ``suppressed`` (``because`` is then ``stop``, ``shadow``,
    ``disabled`` or ``agent-disabled``), or ``transfer`` for a rule that is evaluated per transfer.
    """
    engine, now = coordinator.engine, wall_clock(coordinator)()
    bound, ruleset = engine.bound, engine.ruleset
    states = _node_states(bound) if bound.program.all_rules == ruleset.rules else {}
    contextual, since = contextual_rules(ruleset), recorder.since()
    quiet = suppressed_rules(coordinator)
    found: dict[str, dict[str, object]] = {}
    for rule in ruleset.rules:
        state, because, devices = states.get(rule.name, ("suppressed", "disabled", ()))
        if rule.name in contextual:
            state, because = "transfer", None
        elif state == "match" and not coordinator.is_enabled:
            state, because = "suppressed", "agent-disabled"
        found[rule.name] = {
            "state": state,
            "because": because,
            "devices": list(devices),
            "since": since.get(rule.name),
            "quiet": rule.name in quiet,
            "starts_last_hour": recorder.starts_last_hour(rule.name, now),
        }
    return found


def _node_states(bound: BoundProgram) -> Mapping[str, tuple[str, str | None, tuple[object, ...]]]:
    program, facts = bound.program, bound.facts
    mask = bound.mask(NO_TRANSFER, NO_WORKLOAD)
    effective = set(program.effective(mask))
    found: dict[str, tuple[str, str | None, tuple[object, ...]]] = {}
    for position, rule in enumerate(program.rules):
        if mask >> position & 1:
            because = "shadow" if rule.is_shadow else None if position in effective else "stop"
            state = "match" if because is None else "suppressed"
            found[rule.name] = state, because, program.devices(position, facts)
        else:
            unknown = None in program.truths(position, facts)
            found[rule.name] = "unknown" if unknown else "no-match", None, ()
    return found


def rule_definition(rule: Rule) -> dict[str, object]:
    """Return the definition of a rule, JSON-ready."""
    return {
        "name": rule.name,
        "description": rule.description,
        "condition": rule.text,
        "actions": [shown_action(ordered) for ordered in rule.actions],
        "priority": rule.priority,
        "enabled": rule.enabled,
        "mode": rule.mode,
        "gpus": rule.gpus,
        "stop": rule.stop,
        "cooldown": rule.cooldown,
        "tags": list(rule.tags),
        "annotations": dict(rule.annotations),
        "per_gpu": rule.per_gpu,
        "path": rule.path,
        "line": rule.line,
        "column": rule.column,
    }
