"""Merged nodes to rules, signals and settings: parses, checks, and reports at every place."""

from collections.abc import Mapping, Set
from dataclasses import replace
from math import isfinite
from types import MappingProxyType

from gpurules.actions import Action
from gpurules.diagnostics import Diagnostic, Severity
from gpurules.fields import FIELDS, Field, Scope, declared_field
from gpurules.fields.field import with_feed
from gpurules.language import Checked, Environment
from gpurules.language.terms import ir
from gpurules.model import Dimension, QuantityError, parse_amount
from gpurules.registry import Registry
from gpurules.rules.building import expression
from gpurules.rules.building.action_building import ActionBuilder
from gpurules.rules.building.expression import Expression, Placed
from gpurules.rules.building.feeds import feed_of, feed_problems
from gpurules.rules.building.inputs import FIELD_TYPES, read_inputs
from gpurules.rules.building.rule_reuse import RuleReuse, environment_of, placed_again
from gpurules.rules.building.soundness import words_of
from gpurules.rules.building.timers import scope_problems
from gpurules.rules.building.zones import zone_problem
from gpurules.rules.files.merge import Merged, MergedRule
from gpurules.rules.reuse import BuiltRules
from gpurules.rules.rule import Rule, Settings, Signal
from gpurules.rules.schema.conversion import Converter
from gpurules.rules.schema.schema import structure
from gpurules.rules.yaml.nodes import YamlMapping, YamlNode, YamlScalar, YamlSequence, plain_value, problem_at


def _text(node: YamlNode | None, default: str = "") -> str:
    return node.text if isinstance(node, YamlScalar) else default


def _seconds(node: YamlNode | None) -> float | None:
    """Return a duration that the schema has been held against; None where there is none or it is wrong."""
    if not isinstance(node, YamlScalar):
        return None
    try:
        return parse_amount(node.text.strip()).value
    except QuantityError:
        return None


def _flag(node: YamlNode | None, default: bool) -> bool:
    value = plain_value(node.text) if isinstance(node, YamlScalar) and not node.style else None
    return value if isinstance(value, bool) else default


def _whole(node: YamlNode | None) -> int:
    value = plain_value(node.text) if isinstance(node, YamlScalar) and not node.style else 0
    return int(value) if isinstance(value, int | float) and isfinite(value) else 0


def declared_fields(section: Mapping[str, YamlNode]) -> dict[str, Field]:
    """Return the fields that a ruleset declares under ``fields``; those that are wrong are left out."""
    fields: dict[str, Field] = {}
    for name, node in section.items():
        if isinstance(node, YamlMapping):
            kind, scope = _text(node.get("type")), _text(node.get("scope"))
            dimension = _text(node.get("dimension"), "number")
            if kind in FIELD_TYPES and scope in set(Scope) and dimension in set(Dimension):
                described, feed = _text(node.get("description")), feed_of(node.get("from"))
                field = declared_field(name, kind, Dimension(dimension), Scope(scope), described)
                fields[name] = field if feed is None else with_feed(field, feed)
    return fields


class RulesetBuilder:
    """Builds the parts of a ruleset; ``problems`` collects whatever is wrong."""

    def __init__(self, merged: Merged, actions: Registry[Action], previous: BuiltRules | None = None) -> None:
        self.problems: list[Diagnostic] = []
        self.placed: list[Placed] = []
        self.mentioned: dict[str, ir.Term] = {}
        self._merged = merged
        self._actions = actions
        self._used: set[str] = set()
        self._mentioned: set[str] = set()
        self._wrong_inputs: set[str] = set(merged.unset)
        self.declared = declared_fields(merged.sections["fields"])
        self.problems += feed_problems(merged.sections["fields"])
        self.inputs = read_inputs(merged, self.problems, self._wrong_inputs)
        self.file_types = tuple((glob, _text(kind)) for glob, kind in merged.sections["file_types"].items())
        self._definitions = {
            name: parsed
            for name, node in merged.sections["define"].items()
            if (parsed := expression.definition(node)) is not None
        }
        self._conditions: dict[str, Expression] = {
            name: expression.condition(node.values["condition"])  # type: ignore[arg-type]
            for name, node in merged.sections["signals"].items()
            if isinstance(node, YamlMapping) and isinstance(node.get("condition"), YamlScalar)
        }
        self._endings: dict[str, Expression] = {
            name: expression.condition(until)
            for name, node in merged.sections["signals"].items()
            if isinstance(node, YamlMapping) and isinstance(until := node.get("until"), YamlScalar)
        }
        self.environment = Environment(
            {**FIELDS, **self.declared},
            {name: found.parsed for name, found in self._definitions.items()},
            {name: found.parsed for name, found in self._conditions.items()},
            self.inputs,
            {name: found.parsed for name, found in self._endings.items()},
        )
        self.environment.note_broken(self._broken())
        self._reuse = RuleReuse(environment_of(merged, actions, self.environment.broken), previous)

    def _broken(self) -> frozenset[str]:
        """Return the names that are declared, and wrongly: to say nothing of their uses."""
        used: dict[str, Set[str]] = {
            "fields": self.declared.keys(),
            "define": self._definitions.keys(),
            "signals": self._conditions.keys(),
            "inputs": self.inputs.keys() - self._wrong_inputs,
        }
        declared = {name for section, known in used.items() for name in self._merged.sections[section].keys() - known}
        return frozenset(declared | (self._merged.misplaced - {name for known in used.values() for name in known}))

    @property
    def texts(self) -> list[tuple[str, str]]:
        """What definitions, inputs and fields say; rulesets that differ in it are different."""
        found = [(name, expression.text) for name, expression in self._definitions.items()]
        return [*found, *((name, repr(given)) for name, given in (*self.inputs.items(), *self.declared.items()))]

    def build(self) -> tuple[tuple[Rule, ...], dict[str, Signal], Settings]:
        """Return rules in the order of the files, signals by name, and the settings."""
        settings = self._settings()
        for name, found in self._definitions.items():
            self._report(found, self.environment.definition(name), name=name)
        signals = self._signals()
        orders = ActionBuilder(
            self._actions,
            self.inputs,
            frozenset([*FIELDS, *self.declared, *signals, *self._definitions, *self.inputs]),
            self.problems,
            self.environment.broken,
        )
        rules = [self._rule(rule, orders, signals) for rule in self._merged.rules.values()]
        self.mentioned = {name: self.environment.as_text(name) for name in self._definitions if name in self._mentioned}
        self._warn_of_names()
        return tuple(rule for rule in rules if rule is not None), signals, settings

    @property
    def meanings(self) -> dict[str, str]:
        """What each name that conditions can use stands for, but for the fields that every ruleset has."""
        return {
            **{f"define {name}": found.text for name, found in self._definitions.items()},
            **{f"input {name}": repr(given) for name, given in self.inputs.items()},
            **{f"field {name}": f"{field.datatype} {field.scope}" for name, field in self.declared.items()},
        }

    def _report(self, found: Expression, checked: Checked, rule: str | None = None, name: str | None = None) -> None:
        self._used |= checked.used
        self.placed.append(Placed(found, checked, rule, name))
        self.problems += [found.diagnostic(finding, rule) for finding in checked.findings]

    def _settings(self) -> Settings:
        schema = structure()["properties"]["settings"]["properties"]
        given: dict[str, object] = {}
        for key, node in self._merged.sections["settings"].items():
            if key in schema:
                value = Converter().data(node, schema[key])
                if value is not None and not isinstance(value, dict | list):
                    given[key] = value
        zone = self._merged.sections["settings"].get("timezone")
        problem = zone_problem(zone) if isinstance(zone, YamlScalar) else None
        if problem is not None:
            self.problems.append(problem)
            if problem.severity is Severity.ERROR:
                del given["timezone"]
        try:
            return replace(Settings(), **given)  # type: ignore[arg-type]
        except TypeError:
            return Settings()

    def _signals(self) -> dict[str, Signal]:
        signals = {}
        for name, node in self._merged.sections["signals"].items():
            if not isinstance(node, YamlMapping) or name not in self._conditions:
                continue
            found, checked = self._conditions[name], self.environment.signal(name)
            self._report(found, checked, name=name)
            self.problems += scope_problems(found, checked, name)
            signals[name] = self._signal(name, (found, checked), node.values, None)
        return signals

    def _signal(
        self, name: str, start: tuple[Expression, Checked], values: Mapping[str, YamlNode], rule: str | None
    ) -> Signal:
        found, checked = start
        until, until_checked = self._ending(name, values.get("until"), rule)
        if until is not None and until_checked is not None:
            self._report(until, until_checked, rule)
            self.problems += scope_problems(until, until_checked, name)
        return Signal(
            name=name,
            text=found.text,
            condition=checked.term,
            per_gpu=checked.per_gpu or bool(until_checked and until_checked.per_gpu),
            until=until_checked.term if until_checked else None,
            until_text=until.text if until else None,
            for_seconds=_seconds(values.get("for")) or 0.0,
            keep_for_seconds=_seconds(values.get("keep_for")) or 0.0,
            rule=rule,
        )

    def _ending(self, name: str, node: YamlNode | None, rule: str | None) -> tuple[Expression | None, Checked | None]:
        """Return the ``until`` of a named signal, or of a rule's own."""
        if rule is None:
            return self._endings.get(name), self.environment.until_condition(name)
        if not isinstance(node, YamlScalar):
            return None, None
        until = expression.condition(node)
        return until, self.environment.condition(until.parsed)

    @property
    def built(self) -> BuiltRules:
        """The rules without findings, for the next time that they are built."""
        return self._reuse.built

    def _rule(self, merged: MergedRule, orders: ActionBuilder, signals: dict[str, Signal]) -> Rule | None:
        """Return a rule: as it was built before, if nothing that it depends on has changed."""
        known = self._reuse.find(merged, self.environment)
        if known is not None:
            self.placed += placed_again(known, merged)
            self._used.update(known.used, *(checked.used for _, checked in known.conditions))
            self._mentioned |= known.mentioned
            if known.signal is not None:
                signals[known.signal.name] = known.signal
            return known.rule
        before, placed, terms = len(self.problems), len(self.placed), self.environment.terms
        rule = self._built(merged, orders, signals)
        used, mentioned = orders.take_names()
        self._used |= used
        self._mentioned |= mentioned
        if rule is not None and len(self.problems) == before:
            conditions = tuple([(p.expression.content, p.checked) for p in self.placed[placed:]])
            signal = signals[rule.signal] if rule.signal else None
            share = self.environment.terms - terms
            self._reuse.keep(merged, rule, (conditions, signal, used, mentioned, share))
        return rule

    def _built(self, merged: MergedRule, orders: ActionBuilder, signals: dict[str, Signal]) -> Rule | None:
        values, name = merged.values, merged.name.text
        before = len(self.problems)
        ordered = orders.of_rule(values)
        for index in range(before, len(self.problems)):
            self.problems[index] = replace(self.problems[index], rule=name)
        node = values.get("condition")
        if not isinstance(node, YamlScalar):
            return None
        found = expression.condition(node)
        checked = self.environment.try_fast_path(node.text) or self.environment.condition(found.parsed)
        self._report(found, checked, name)
        term, per_gpu, signal = checked.term, checked.per_gpu, None
        if any(key in values for key in ("for", "until", "keep_for")):
            self.problems += scope_problems(found, checked, name)
            signal = f"rule:{name}"
            signals[signal] = self._signal(signal, (found, checked), values, name)
            per_gpu = signals[signal].per_gpu
            term = ir.Signal(signal, per_gpu, span=term.span)
        place = merged.name.location()
        return Rule(
            name=name,
            text=found.text,
            term=term,
            per_gpu=per_gpu,
            actions=ordered,
            description=_text(values.get("description")),
            priority=_whole(values.get("priority")),
            enabled=_flag(values.get("enabled"), True),
            tags=_texts(values.get("tags")),
            gpus=_text(values.get("gpus"), "node"),
            stop=_flag(values.get("stop"), False),
            cooldown=_seconds(values.get("cooldown")),
            mode=_text(values.get("mode"), "enforce"),
            annotations=_annotations(values.get("annotations")),
            signal=signal,
            path=merged.name.source.path,
            line=place.line,
            column=place.column,
        )

    def _warn_of_names(self) -> None:
        """Warn of names that nothing uses, and of those that hide a field."""
        is_sound = not any(problem.severity is Severity.ERROR for problem in self.problems)
        used = self._used if is_sound else self._used | words_of(self._merged)
        for section, word in (
            ("define", "definition"),
            ("inputs", "input"),
            ("signals", "signal"),
            ("fields", "field"),
        ):
            unused: list[str] = []
            for name in self._merged.sections[section]:
                key = self._merged.keys[section, name]
                if (key.source.path or "<text>") != self._merged.files[-1]:
                    continue  # a base has its own lint; an extending ruleset cannot fix it, and need not use all of it
                if name in FIELDS:
                    message = f"the {word} {name!r} hides the field of that name"
                    self.problems.append(problem_at(key, "GPR112", message, "rename it"))
                if section in ("define", "inputs") and name not in used and self._merged.rules:
                    unused.append(name)
            # an extending ruleset may set an input, and the message must not deny that it exists
            removals = self._merged.removals(section, unused) if is_sound and unused else {}
            for name in unused:
                message = f"the {word} {name!r} is never used"
                problem = problem_at(self._merged.keys[section, name], "GPR111", message, "remove it")
                edits = removals.get(name, ())
                self.problems.append(replace(problem, edits=edits, safe=section == "define"))


def _texts(node: YamlNode | None) -> tuple[str, ...]:
    return tuple(_text(item) for item in node.items) if isinstance(node, YamlSequence) else ()


def _annotations(node: YamlNode | None) -> Mapping[str, str]:
    return MappingProxyType({k: _text(v) for k, v in node.values.items()} if isinstance(node, YamlMapping) else {})
