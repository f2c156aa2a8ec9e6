"""The tunable parameters: numbers at known positions in a ruleset file, so that a proposal is a patch."""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from gpurules.errors import GpurulesError
from gpurules.model.reading import sum_in_order
from gpurules.registry import did_you_mean
from gpurules.rules import Ruleset, RulesetError, loads
from gpurules.rules.yaml.nodes import YamlMapping, YamlNode, YamlScalar
from gpurules.rules.yaml.reader import read_yaml

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")
_DURATION = re.compile(r"\s*(?:\d+(?:\.\d+)?(?:ms|us|s|m|h|d))+\s*")
_SCALES = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
SECONDS = (0.0, 5.0, 10.0, 15.0, 30.0, 60.0, 90.0, 120.0, 300.0, 600.0)
REACH = 15
"""How many steps a number is varied up and down."""
PREFIX = "gpurules:"


class TuningError(GpurulesError):
    """There is nothing to tune, or something named does not exist."""


@dataclass(frozen=True, slots=True)
class Knob:
    """A number in the text of a ruleset: its position, its value and its range.

    Units: those in which it is written; of a duration, seconds.
    """

    name: str
    start: int
    end: int
    value: float
    is_duration: bool = False

    def text_of(self, value: float) -> str:
        """Return *value* as the text that takes the place of the number."""
        return f"{value:g}s" if self.is_duration else f"{value:g}"

    @property
    def choices(self) -> tuple[float, ...]:
        """The candidate values: common durations, and numbers around the present one."""
        if self.is_duration:
            return tuple(sorted({*SECONDS, self.value}))
        step = 1.0 if self.value >= 10 else abs(self.value) / 20 or 0.05
        around = (self.value + step * n for n in range(-REACH, REACH + 1))
        return tuple(round(value, 6) for value in around if value >= 0)


@dataclass(frozen=True)
class Draft:
    """The text of a ruleset with its knobs; a proposal is an edit of it.

    Missing: ``path`` None: it is an overlay of a shipped ruleset, and the proposal is a new file.
    """

    text: str
    path: str | None
    knobs: tuple[Knob, ...]

    def with_values(self, values: Mapping[str, float]) -> str:
        """Return the text with other numbers, otherwise unchanged."""
        text = self.text
        for knob in sorted(self.knobs, key=lambda knob: -knob.start):
            if knob.name in values and values[knob.name] != knob.value:
                text = text[: knob.start] + knob.text_of(values[knob.name]) + text[knob.end :]
        return text

    def ruleset(self, values: Mapping[str, float]) -> Ruleset:
        """Return the ruleset with other numbers.

        Raises:
            RulesetError: the numbers are not valid in it.
        """
        return loads(self.with_values(values), self.path)


def draft_of(text: str, path: str | None, ruleset: Ruleset) -> Draft:
    """Return the draft of a ruleset file; of a shipped one (``gpurules:NAME``) an overlay that sets its inputs."""
    if path is not None and path.startswith(PREFIX):
        text, path = _overlay(path, ruleset), None
    root = read_yaml(text).root
    return Draft(text, path, tuple(_knobs(root)) if isinstance(root, YamlMapping) else ())


def _overlay(path: str, ruleset: Ruleset) -> str:
    from gpurules.model import Kind

    lines = ["version: 1", f"name: {ruleset.name}-tuned", "extends:", f"  - from: {path}", "    with:"]
    for name, given in ruleset.inputs.items():
        if given.datatype.kind is Kind.NUMBER and isinstance(given.value, int | float):
            unit = {"seconds": "s", "percent": "%", "celsius": "C"}.get(given.datatype.dimension.value, "")
            lines.append(f"      {name}: {given.value:g}{unit}")
    return "\n".join(lines) + "\n"


def _knobs(root: YamlMapping) -> Iterator[Knob]:
    for name, node in _entries(root.values.get("inputs")):
        default = node.values.get("default") if isinstance(node, YamlMapping) else None
        yield from _of_scalar(name, default)
    for name, node in _entries(root.values.get("signals")):
        if isinstance(node, YamlMapping):
            for key in ("for", "keep_for", "until", "condition"):
                yield from _of_scalar(f"{name}.{key}", node.values.get(key))
    for base in getattr(root.values.get("extends"), "items", ()):
        if isinstance(base, YamlMapping):
            for name, node in _entries(base.values.get("with")):
                yield from _of_scalar(name, node)


def _entries(node: YamlNode | None) -> Iterator[tuple[str, YamlNode]]:
    if isinstance(node, YamlMapping):
        yield from node.values.items()


def _of_scalar(name: str, node: YamlNode | None) -> Iterator[Knob]:
    if not isinstance(node, YamlScalar):
        return
    source = node.source.text[node.start : node.end]
    if _DURATION.fullmatch(node.text) and node.text in source:
        start = node.start + source.index(node.text)
        yield Knob(name, start, start + len(node.text), _seconds(node.text), True)
        return
    numbers = list(_NUMBER.finditer(source))
    if len(numbers) == 1:
        found = numbers[0]
        yield Knob(name, node.start + found.start(), node.start + found.end(), float(found[0]))


def _seconds(text: str) -> float:
    pieces = re.findall(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d)", text)
    return sum_in_order(float(number) * _SCALES[unit] for number, unit in pieces)


def chosen_knobs(draft: Draft, names: Sequence[str], signals: Sequence[str]) -> list[Knob]:
    """Return the named knobs; without names, those that affect one of *signals*.

    Raises:
        TuningError: one does not exist, or there are none.
    """
    by_name = {knob.name: knob for knob in draft.knobs}
    for name in names:
        if name not in by_name:
            hint = did_you_mean(name, by_name) or f"there are {', '.join(by_name) or 'none'}"
            raise TuningError(f"no input or number of a signal is named {name!r}; {hint}")
    if names:
        return [by_name[name] for name in names]
    before = _definitions(draft.ruleset({}), signals)
    found = [knob for knob in draft.knobs if _changes(draft, knob, signals, before)]
    if not found:
        raise TuningError("nothing in the file changes these signals; name what may be varied with --vary")
    return found


def _changes(draft: Draft, knob: Knob, signals: Sequence[str], before: list[object]) -> bool:
    """Return whether another value of *knob*, the first that the ruleset accepts, changes one of *signals*."""
    for value in reversed(knob.choices):
        if value != knob.value:
            try:
                return _definitions(draft.ruleset({knob.name: value}), signals) != before
            except RulesetError:
                continue
    return False


def _definitions(ruleset: Ruleset, signals: Sequence[str]) -> list[object]:
    return [ruleset.signals[name].fingerprint for name in signals if name in ruleset.signals]


def candidates(knobs: Sequence[Knob], most: int) -> list[dict[str, float]]:
    """Return the candidates, the present values first: each knob alone, then combinations, up to *most*."""
    present = {knob.name: knob.value for knob in knobs}
    found = {tuple(present.values()): present}
    alone = [{**present, knob.name: value} for knob in knobs for value in knob.choices]
    size = 1
    for knob in knobs:
        size *= len(knob.choices)
    if size <= most:
        together = [dict(zip(present, values, strict=True)) for values in product(*(k.choices for k in knobs))]
    else:
        rng = random.Random(0)
        together = [{knob.name: rng.choice(knob.choices) for knob in knobs} for _ in range(most)]
    for one in (*alone, *together):
        if len(found) >= most:
            break
        found.setdefault(tuple(one.values()), one)
    return list(found.values())
