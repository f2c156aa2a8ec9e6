"""Rules, signals and settings, as a ruleset was checked to have them."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from types import MappingProxyType

from gpurules.actions.decision import RuleAction
from gpurules.language.terms import ir
from gpurules.records import Record, record

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a ruleset.

    Units: seconds, but ``max_priority``, which is a bare number.
    """

    poll_interval: float = 5.0
    stale_after: float = 15.0
    forget_gpu_after: float = 300.0
    on_stale: str = "release"
    timezone: str = "UTC"
    max_delay: float = 300.0
    max_priority: float = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A condition with memory.

    Units: ``for_seconds`` and ``keep_for_seconds`` in seconds.
    Missing: ``until`` None: the signal ends when its condition is not TRUE.
    """

    name: str
    text: str
    condition: ir.Term
    per_gpu: bool
    until: ir.Term | None = None
    until_text: str | None = None
    for_seconds: float = 0.0
    keep_for_seconds: float = 0.0
    rule: str | None = None

    @property
    def fingerprint(self) -> tuple[object, ...]:
        """What the state of the signal depends on: while it stays the same, state survives a reload."""
        terms = (repr(self.condition), repr(self.until))
        return (self.name, *terms, self.for_seconds, self.keep_for_seconds, self.per_gpu)


@record
class Rule(Record):
    """A condition, what it orders, and how.

    ``term`` is the checked condition; where the rule has timers of its own it reads the anonymous signal ``signal``.
    Units: ``cooldown`` in seconds.
    Missing: ``cooldown`` None: every start counts; ``signal`` None: no timers.
    """

    _: KW_ONLY
    name: str
    text: str
    term: ir.Term
    per_gpu: bool
    actions: tuple[RuleAction, ...] = ()
    description: str = ""
    priority: int = 0
    enabled: bool = True
    tags: tuple[str, ...] = ()
    gpus: str = "node"
    stop: bool = False
    cooldown: float | None = None
    mode: str = "enforce"
    annotations: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    signal: str | None = None
    path: str | None = None
    line: int = 1
    column: int = 1

    @property
    def is_shadow(self) -> bool:
        """Whether the rule is evaluated and shown, but orders nothing."""
        return self.mode == "shadow"
