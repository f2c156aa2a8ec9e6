"""Reads what single nodes of a test file say: texts, numbers, durations, lists and names, each problem at its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpurules.diagnostics import Diagnostic, Location
from gpurules.model import Dimension, QuantityError, parse_amount
from gpurules.registry import did_you_mean
from gpurules.rules.yaml import (
    YamlMapping,
    YamlNode,
    YamlScalar,
    YamlSequence,
    plain_value,
    problem_at,
    with_correction,
)


@dataclass(slots=True)
class ValueReader:
    """Reads values of a file; ``problems`` collects whatever is wrong, ``rules`` the rules that are named and where."""

    path: str
    problems: list[Diagnostic] = field(default_factory=list)
    rules: list[tuple[str, Location]] = field(default_factory=list)

    def complain(self, node: YamlNode, code: str, message: str, hint: str | None = None) -> None:
        """Note a finding at *node*."""
        self.problems.append(problem_at(node, code, message, hint))

    def keys(self, node: YamlNode | None, known: tuple[str, ...]) -> Mapping[str, YamlNode]:
        """Return the values of a mapping that may have only *known* keys."""
        if node is None:
            return {}
        if not isinstance(node, YamlMapping):
            self.complain(node, "GPR403", "expected a mapping", f"its keys are {', '.join(known)}")
            return {}
        for name, key in node.keys.items():
            if name not in known and not name.startswith("x-"):
                hint = did_you_mean(name, known) or f"known keys: {', '.join(known)}"
                problem = problem_at(key, "GPR401", f"unknown key {name[:60]!r}", hint)
                self.problems.append(with_correction(problem, key, [name for name in known if name not in node.keys]))
        return node.values

    def items(self, node: YamlNode | None) -> list[YamlNode]:
        """Return the items of a list, none where there is none."""
        if node is None:
            return []
        if isinstance(node, YamlSequence):
            return node.items
        self.complain(node, "GPR403", "expected a list", "write [first, second], or one item per line after '- '")
        return []

    def text(self, node: YamlNode | None, default: str = "") -> str:
        """Return a text, *default* where there is none."""
        if isinstance(node, YamlScalar):
            return node.text
        if node is not None:
            self.complain(node, "GPR403", "expected a string", "write one value, in quotes if it contains ': ' or ' #'")
        return default

    def rule(self, node: YamlNode | None) -> str:
        """Return the name of a rule, and remember where it stands."""
        if isinstance(node, YamlScalar):
            self.rules.append((node.text, node.location(0)))
        return self.text(node)

    def rule_names(self, node: YamlNode | None) -> tuple[str, ...]:
        """Return the names of rules, one or a list of them, and remember where they stand."""
        listed = [node] if isinstance(node, YamlScalar) else self.items(node)
        return tuple(self.rule(item) for item in listed)

    def texts(self, node: YamlNode | None) -> tuple[str, ...]:
        """Return texts, one or a list of them."""
        if isinstance(node, YamlScalar):
            return (node.text,)
        return tuple(self.text(item) for item in self.items(node))

    def seconds(self, node: YamlNode | None, default: float) -> float:
        """Return a duration, *default* where there is none. Units: seconds."""
        if node is None:
            return default
        try:
            amount = parse_amount(self.text(node).strip())
        except QuantityError as error:
            self.complain(node, "GPR403", f"not a duration: {error}", "write 30s")
            return default
        if amount.dimension not in (Dimension.NONE, Dimension.SECONDS):
            self.complain(node, "GPR104", f"expected a duration, got a value in {amount.dimension}", "write 30s")
        return float(amount.value)

    def step(self, node: YamlNode | None, default: float) -> float:
        """Return the time between two samples."""
        seconds = self.seconds(node, default)
        if node is not None and seconds <= 0:
            self.complain(node, "GPR403", "the interval must be above 0", "write 5s")
        return seconds

    def number(self, node: YamlNode | None) -> float:
        """Return a number, or a truth value as one; 0 where there is none."""
        value = plain_value(self.text(node)) if isinstance(node, YamlScalar) else None
        if isinstance(value, int | float):
            return float(value)
        if node is not None:
            self.complain(node, "GPR403", "expected a number, true or false", "write 5, without a unit")
        return 0.0

    def percent(self, node: YamlNode) -> float:
        """Return a share in percent; ``true`` is all, ``false`` nothing."""
        value = plain_value(self.text(node)) if isinstance(node, YamlScalar) else None
        if isinstance(value, bool):
            return 100.0 if value else 0.0
        number = self.number(node)
        if not 0 <= number <= 100:
            self.complain(node, "GPR403", f"a share is 0 to 100 (percent), true or false, not {number:g}")
        return number

    def one_of(self, node: YamlNode | None, choices: tuple[str, ...]) -> str | None:
        """Return a text that must be among *choices*; None where there is none."""
        if node is None:
            return None
        text = self.text(node)
        if text not in choices:
            hint = did_you_mean(text, choices) or f"it is one of {', '.join(choices)}"
            problem = problem_at(node, "GPR403", f"{text[:60]!r} is not a known value", hint)
            self.problems.append(with_correction(problem, node, choices) if isinstance(node, YamlScalar) else problem)
        return text


def plain(node: YamlNode) -> object:
    """Return a node as plain data, texts as they were written; a plain ``null`` is None."""
    match node:
        case YamlScalar():
            is_null = not node.style and node.text in ("", "~", "null")
            return None if is_null else node.text
        case YamlSequence():
            return [plain(item) for item in node.items]
        case YamlMapping():
            return {key: plain(value) for key, value in node.values.items()}
