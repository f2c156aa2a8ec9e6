"""What a test file says, read and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from gpurules.diagnostics import Location
from gpurules.rules.yaml import YamlNode

Data: TypeAlias = dict[str, object]
"""Facts as plain data: mappings, lists and texts as they were written."""

OUTCOMES = ("match", "no-match", "unknown", "suppressed")
REASONS = ("for", "cooldown", "stop", "shadow", "disabled")


@dataclass(frozen=True, slots=True)
class Expectation:
    """Expectations at one point in time; what is None is not checked.

    ``written`` has the place of each value, as offsets in the file, by its key (``outcome``, ``decision.delay``).
    Units: ``at`` in seconds from the start of the case.
    """

    location: Location
    at: float | None = None
    rule: str | None = None
    outcome: str | None = None
    because: str | None = None
    devices: tuple[str, ...] | None = None
    decision: Mapping[str, object] | None = None
    matched: tuple[str, ...] | None = None
    written: Mapping[str, tuple[int, int]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class SeriesSample:
    """One step of a series: a text to be read as a fact, or one of the words ``_``, ``stale`` and ``gone``."""

    text: str


@dataclass(frozen=True, slots=True)
class Typed:
    """Facts as written in the file: a mapping of them, or at ``path`` the samples or the cell of ``texts``."""

    node: YamlNode
    path: str | None = None
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One test.

    ``given`` has the facts by kind: snapshot, transfer, workload, node. ``series`` has samples by the path of a fact.
    ``typed`` is where its own facts stand, those of the defaults aside.
    Units: ``interval`` in seconds.
    """

    name: str
    location: Location
    given: Data
    expect: tuple[Expectation, ...]
    series: Mapping[str, tuple[SeriesSample, ...]] = field(default_factory=dict)
    interval: float = 5.0
    typed: tuple[Typed, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Property:
    """A property for all facts: ``never`` says whether the pattern must not, or must, be met.

    Missing: ``condition`` is None where it is about all facts.
    """

    name: str
    location: Location
    never: bool
    condition: str | None = None
    all_match: tuple[str, ...] = ()
    some_match: tuple[str, ...] = ()
    none_match: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplayCase:
    """A recording that is played through the rules.

    Missing: a bound that is None is not looked at.
    """

    name: str
    location: Location
    history: str
    rule: str
    matches: tuple[float, float] | None = None
    max_flaps_per_hour: float | None = None


@dataclass(frozen=True, slots=True)
class TestFile:
    """A whole test file.

    ``require`` has the least coverage that is asked for, by its kind; ``named`` are the rules that it speaks of, and
    where; ``defaults`` are the facts that every case starts from, as written in the file.
    """

    __test__ = False  # for pytest, which takes what starts with Test for its own

    path: str
    rulesets: tuple[str, ...]
    cases: tuple[Case, ...] = ()
    properties: tuple[Property, ...] = ()
    replay: tuple[ReplayCase, ...] = ()
    require: Mapping[str, float] = field(default_factory=dict)
    named: tuple[tuple[str, Location], ...] = field(default=(), compare=False)
    defaults: tuple[Typed, ...] = field(default=(), compare=False)
