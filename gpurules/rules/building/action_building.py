"""What rules order: actions looked up, and their parameters held against the actions' schemas."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from gpurules.actions import ACTIONS, Action
from gpurules.actions.action import ActionError
from gpurules.actions.decision import RuleAction
from gpurules.diagnostics import Diagnostic, diagnostic_at
from gpurules.language import Input
from gpurules.language.terms import ir
from gpurules.language.terms.printer import spell
from gpurules.plugins import PluginError, contain
from gpurules.registry import Registry, did_you_mean
from gpurules.rules.building.messages import faults, names_in
from gpurules.rules.files.document import meant_key, missing_keys, node_at
from gpurules.rules.schema.conversion import Converter
from gpurules.rules.schema.fixes import with_schema_fix
from gpurules.rules.schema.remedies import explain_violation
from gpurules.rules.schema.schema import Violation, structure, violations
from gpurules.rules.yaml.edits import without_item
from gpurules.rules.yaml.nodes import (
    YamlMapping,
    YamlNode,
    YamlScalar,
    YamlSequence,
    problem_at,
    with_correction,
    with_part_correction,
    with_rewrite,
)

_INPUT = re.compile(r"\$\{([^{}]*)\}")


@dataclass(slots=True)
class ActionBuilder:
    """Reads the actions of rules. ``problems`` collects what is wrong with them."""

    actions: Registry[Action]
    inputs: Mapping[str, Input]
    names: frozenset[str]
    problems: list[Diagnostic]
    broken: frozenset[str] = frozenset()
    """Names that are declared, and wrongly: nothing is said of their uses."""
    _used: set[str] = field(default_factory=set)
    _mentioned: set[str] = field(default_factory=set)
    _unfilled: set[int] = field(default_factory=set)
    _known: dict[object, tuple[RuleAction, frozenset[str]]] = field(default_factory=dict)
    """What rules have ordered so far, by what they wrote, and the names in its messages: many order the same."""

    def take_names(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return the names that actions used since the last call, and those that their messages name."""
        found = frozenset(self._used), frozenset(self._mentioned)
        self._used.clear()
        self._mentioned.clear()
        return found

    def of_rule(self, values: Mapping[str, YamlNode]) -> tuple[RuleAction, ...]:
        """Return what a rule with these keys orders."""
        listed = values.get("actions")
        if isinstance(listed, YamlSequence):
            found = [self._listed(listed, number) for number in range(len(listed.items))]
        else:
            named = values.get("action")
            found = [self._action(named, _parameters(values), named)] if named is not None else []
        return tuple(action for action in found if action is not None)

    def _listed(self, listed: YamlSequence, number: int) -> RuleAction | None:
        """Return one of several actions; one that does nothing can go without a change of any decision."""
        item = listed.items[number]
        if not isinstance(item, YamlMapping):
            return None
        before = len(self.problems)
        found = self._action(item.get("action"), _parameters(item.values), item)
        is_fixed = "${" not in item.source.text[item.start : item.end]
        for at, problem in enumerate(self.problems[before:], before):
            if problem.code == "GPR506" and is_fixed:
                self.problems[at] = replace(problem, edits=without_item(listed, number), safe=True)
        return found

    def _action(self, named: YamlNode | None, parameters: YamlNode | None, at: YamlNode | None) -> RuleAction | None:
        if not isinstance(named, YamlScalar) or at is None:
            return None
        if parameters is not None and not isinstance(parameters, YamlMapping):
            return None  # the shape of the file has been found wrong there
        written = _written(named.text, parameters)
        known = self._known.get(written)
        if known is not None:
            self._note(known[1])
            return known[0]
        before, mentioned = len(self.problems), self._mentioned
        self._mentioned = set()
        made = self._made(named, parameters)
        own, self._mentioned = frozenset(self._mentioned), mentioned
        self._note(own)
        if made is not None and written is not None and len(self.problems) == before:
            self._known[written] = made, own
        return made

    def _note(self, mentioned: frozenset[str]) -> None:
        """Note the names in the messages of an action."""
        self._mentioned |= mentioned
        self._used |= mentioned

    def _made(self, named: YamlScalar, parameters: YamlMapping | None) -> RuleAction | None:
        action = self.actions.get(named.text)
        if action is None:
            meant = _meant_action(named.text, self.actions.names)
            hint = did_you_mean(named.text, self.actions.names) if meant is None else f"did you mean {meant!r}?"
            known = f"known actions: {', '.join(self.actions.names)}"
            problem = problem_at(named, "GPR501", f"no action is named {named.text[:100]!r}", hint or known)
            is_part = meant is not None and named.text.lower() in meant.split("_")
            slip = with_correction(problem, named, self.actions.names)
            self.problems.append(with_rewrite(problem, named, meant) if is_part and meant is not None else slip)
            return None
        given = parameters
        if given is None:
            given = YamlMapping(named.source, named.start)
            given.end = named.end
        try:
            check = self._checked if named.text in ACTIONS else contain(self._checked, "its schema")
            data = check(action, given)
        except PluginError as error:
            self.problems.append(
                problem_at(named, "GPR505", f"the parameters of {named.text} cannot be checked: {error}")
            )
            return None
        return RuleAction(action, MappingProxyType(data))

    def _checked(self, action: Action, node: YamlMapping) -> dict[str, object]:
        """Return the parameters in canonical units, defaults filled in."""
        before = len(self.problems)
        substituted = self._substituted(node)
        converter = Converter()
        data = converter.data(substituted, action.schema)
        self.problems += converter.problems
        broken = converter.broken_places
        for violation in violations(data, action.schema):
            for found in self._diagnosed(action, substituted, violation):
                if (found.line, found.column) not in broken:
                    self.problems.append(found)
        is_whole = all(value.start not in self._unfilled for value in node.values.values())
        if len(self.problems) == before and is_whole:
            self._complain(action, data, substituted)
        self._check_messages(action, substituted)
        defaults = {k: s["default"] for k, s in _properties(action).items() if "default" in s}
        return {**defaults, **data}

    def _complain(self, action: Action, data: Mapping[str, object], node: YamlMapping) -> None:
        """Add what the action itself finds wrong; one that cannot say so has not checked its parameters."""
        try:
            for complaint in action.check(data):
                at = node.get(complaint.parameter) or node
                self.problems.append(problem_at(at, complaint.code, complaint.message))
        except ActionError as error:
            self.problems.append(problem_at(node, "GPR505", f"the parameters cannot be checked: {error}"))

    def _substituted(self, node: YamlMapping) -> YamlMapping:
        """Return *node* without keys of the user's own (``x-``), each ``${input}`` replaced by its value."""
        copy = YamlMapping(node.source, node.start)
        copy.end, copy.keys = node.end, node.keys
        copy.values = {k: self._filled(v) for k, v in node.values.items() if not k.startswith("x-")}
        return copy

    def _filled(self, node: YamlNode) -> YamlNode:
        match node:
            case YamlScalar():
                return self._filled_scalar(node) if "${" in node.text else node
            case YamlSequence():
                items = YamlSequence(node.source, node.start)
                items.end, items.items = node.end, [self._filled(item) for item in node.items]
                return items
            case YamlMapping():
                return self._substituted(node)

    def _filled_scalar(self, node: YamlScalar) -> YamlScalar:
        whole = _INPUT.fullmatch(node.text.strip())
        only = self.inputs.get(whole[1]) if whole else None
        # what is more than one number or bool is a text, whatever it looks like
        style = "" if only is not None and not isinstance(only.value, str) else '"'

        def value(match: re.Match[str]) -> str:
            given = self.inputs.get(match[1])
            if match[1] in self.broken:
                self._unfilled.add(node.start)
                return "0"
            if given is None:
                place = node.location(match.start(1), match.end(1))
                hint = did_you_mean(match[1], self.inputs)
                message = f"no input is named {match[1]!r}"
                problem = diagnostic_at("GPR409", message, node.source.path, place, hint)
                self.problems.append(with_part_correction(problem, match[1], self.inputs))
                self._unfilled.add(node.start)
                return "0"
            self._used.add(match[1])
            return _input_text(given)

        return YamlScalar(node.source, node.start, node.end, _INPUT.sub(value, node.text), style)

    def _diagnosed(self, action: Action, node: YamlMapping, violation: Violation) -> Iterator[Diagnostic]:
        place = node_at(node, violation.path)
        if place.start in self._unfilled:
            return  # it is not what is written there that does not fit
        known = _properties(action)
        match violation.keyword:
            case "additionalProperties" if not violation.path:
                for text, key in node.keys.items():
                    if text not in known and not text.startswith("x-"):
                        hint = did_you_mean(text, known)
                        hint = f"{hint} {_signature(action)}" if hint else _signature(action)
                        problem = problem_at(key, "GPR502", f"{action.name} has no parameter {text[:60]!r}", hint)
                        yield with_correction(problem, key, [name for name in known if name not in node.keys])
            case "required":
                assert isinstance(violation.wanted, Sequence)
                assert isinstance(place, YamlMapping)
                for name in missing_keys(place, violation.wanted, known):
                    yield problem_at(place, "GPR503", f"{action.name} needs the parameter {name!r}", _signature(action))
            case "type":
                message, hint = explain_violation(violation)
                problem = problem_at(place, "GPR403", message, hint or _signature(action))
                yield with_schema_fix(problem, place, violation)
            case "anyOf":
                yield problem_at(place, "GPR403", *explain_violation(violation))
            case _:
                yield problem_at(place, "GPR504", *explain_violation(violation))

    def _check_messages(self, action: Action, node: YamlMapping) -> None:
        for name, schema in _properties(action).items():
            value = node.get(name)
            for text in _texts(value) if schema.get("x-template") and value is not None else ():
                self.problems += faults(text, self.names, self.broken)
                self._mentioned |= names_in(text.text) & self.names


def _texts(node: YamlNode) -> Iterator[YamlScalar]:
    """Yield every text in a parameter, which may be nested."""
    match node:
        case YamlScalar():
            yield node
        case YamlSequence():
            for item in node.items:
                yield from _texts(item)
        case YamlMapping():
            for value in node.values.values():
                yield from _texts(value)


_OTHER_WORDS = {
    "pause_transfer": ("hold", "stop", "suspend", "block", "wait"),
    "delay_transfer": ("defer", "postpone", "sleep", "backoff"),
    "limit_bandwidth": ("throttle", "rate_limit", "ratelimit", "slow_down"),
    "increase_priority": ("boost", "prioritize", "prioritise", "raise_priority", "promote"),
    "stage_transfer": ("cache", "spool"),
    "webhook": ("notify", "http", "post", "hook"),
    "alertmanager": ("alert", "prometheus"),
    "pagerduty": ("page", "incident", "pager"),
    "email": ("mail", "smtp"),
    "exec": ("run", "script", "command", "shell"),
    "kubernetes": ("k8s", "cordon", "taint"),
    "slurm": ("drain", "scontrol"),
    "log": ("print", "echo", "message"),
}
"""What other systems call an action."""


def _meant_action(name: str, known: Sequence[str]) -> str | None:
    """Return the action that *name* abbreviates (``delay``: ``delay_transfer``), or is a synonym of."""
    word = name.lower()
    parts = [action for action in known if word in action.split("_")]
    if len(parts) == 1:
        return parts[0]
    return next((action for action, words in _OTHER_WORDS.items() if word in words and action in known), None)


def _parameters(values: Mapping[str, YamlNode]) -> YamlNode | None:
    """Return what is written as parameters; if their key is misspelled (already reported), the value of that key."""
    if "parameters" in values:
        return values["parameters"]
    known = ("parameters", *structure()["properties"]["rules"]["items"]["properties"])
    return next((node for key, node in values.items() if key not in known and meant_key(key, known) == known[0]), None)


def _written(name: str, parameters: YamlMapping | None) -> object:
    """Return what was written where an action is ordered; None where it is more than names and plain values."""
    if parameters is None:
        return (name,)
    values = parameters.values.items()
    found = [(key, value.text, value.style) for key, value in values if isinstance(value, YamlScalar)]
    return (name, *found) if len(found) == len(values) and not any("${" in text for _, text, _ in found) else None


def _properties(action: Action) -> Mapping[str, Any]:
    properties = action.schema.get("properties", {})
    return properties if isinstance(properties, Mapping) else {}


def _signature(action: Action) -> str:
    required = action.schema.get("required", ())
    names = [n if isinstance(required, Sequence) and n in required else f"[{n}]" for n in _properties(action)]
    return f"{action.name} takes {', '.join(names) or 'no parameters'}"


def _input_text(given: Input) -> str:
    if isinstance(given.value, str):
        return given.value
    return spell(ir.Constant(given.value, given.datatype))
