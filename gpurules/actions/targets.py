"""The targets of directives: what a decision says, in order. Whatever lists targets elsewhere is made from this table.

A directive that brings a target of its own is two places: its action, and a row here. Decisions, their JSON, the
governor, storage clients, timelines, ``watch``, ``doctor`` and written tests follow. A target that no client carries
out is counted for each transfer that it is required of.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gpurules.model import Dimension, format_amount, format_duration
from gpurules.model.reading import finite


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a transfer is staged, and why.

    Units: ``threshold`` in bytes.
    Missing: ``area`` is None where the rule leaves it to the client.
    """

    area: str | None
    threshold: float
    on_full: str
    rule: str


def _number(neutral: float | None) -> Callable[[object], float | None]:
    def read(value: object) -> float | None:
        number = finite(value)
        return neutral if number is None else number

    return read


def _count(value: object) -> int | None:
    number = finite(value)
    return None if number is None else int(number)


def _stage(value: object) -> Stage | None:
    return value if isinstance(value, Stage) else None


def _is_true(value: object) -> bool:
    return value is True


def _describe_stage(value: object) -> str:
    return f"stage in {value.area}" if isinstance(value, Stage) and value.area else "stage"


def _describe_bandwidth(value: object) -> str:
    return f"at most {format_amount(finite(value) or 0, Dimension.BYTES_PER_SECOND)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing that a decision says.

    ``name`` is the attribute of the decision and the key of its JSON; ``label`` is the word for it in tables.
    ``read`` takes what a directive combined claims to, whatever a plug-in returned, and gives what the decision says;
    ``describe`` puts a value that is not neutral into words.
    ``per_rule``: the governor needs the value of each rule, as each makes a hold or a cap of its own.
    ``governed``: the governor carries it out for every client that asks it for its parts.
    ``of_transfer``, ``of_node``: a change of it concerns a transfer by itself, all transfers alike, or both.
    """

    name: str
    label: str
    neutral: object
    read: Callable[[object], object]
    describe: Callable[[object], str]
    per_rule: bool = False
    governed: bool = True
    of_transfer: bool = True
    of_node: bool = False


PREFETCH = Target(
    name="prefetch_factor",
    label="prefetch",
    neutral=1.0,
    read=_number(1.0),
    describe=lambda value: f"prefetch {value:.2f}",
    governed=False,
    of_transfer=False,
    of_node=True,
)
DELAY = Target(
    name="delay",
    label="delay",
    neutral=0,
    read=_number(0),
    describe=lambda value: f"delay {format_duration(finite(value) or 0)}",
    per_rule=True,
)
PRIORITY = Target(
    name="priority_boost",
    label="priority",
    neutral=0,
    read=_number(0),
    describe=lambda value: f"priority {value:+g}",
)
STAGE = Target(name="stage", label="stage", neutral=None, read=_stage, describe=_describe_stage, governed=False)
BANDWIDTH = Target(
    name="max_bandwidth",
    label="bandwidth",
    neutral=None,
    read=_number(None),
    describe=_describe_bandwidth,
    per_rule=True,
    of_node=True,
)
CONCURRENCY = Target(
    name="max_concurrency",
    label="concurrency",
    neutral=None,
    read=_count,
    describe=lambda value: f"at most {value} at once",
    per_rule=True,
    of_node=True,
)
PAUSED = Target(
    name="paused",
    label="pause",
    neutral=False,
    read=_is_true,
    describe=lambda value: "paused",
    per_rule=True,
    of_node=True,
)

TARGETS: Mapping[str, Target] = MappingProxyType(
    {target.name: target for target in (PREFETCH, DELAY, PRIORITY, STAGE, BANDWIDTH, CONCURRENCY, PAUSED)}
)
"""Every target of the directives that ship, by its name, in the order in which decisions show them."""

NEUTRAL: Mapping[str, object] = MappingProxyType({target.name: target.neutral for target in TARGETS.values()})
"""What each target is where no rule claims it."""
