"""The evaluation plan for history: the rules and signals of a ruleset, in evaluation order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from gpurules.backends.facts import EvaluationContext, SlotKey
from gpurules.engine.state.derived_state import layout_of
from gpurules.engine.state.signals import in_order, signals_read
from gpurules.language.terms import ir
from gpurules.rules import Rule, Ruleset
from gpurules.rules.program import zone_of
from gpurules.rules.rule import Signal

LEAST_LOOK_BACK = 3600.0
"""At least this many seconds before a span are evaluated, so that gaps in a recording matter less."""


@dataclass(frozen=True)
class KernelPlan:
    """A ruleset prepared for evaluation over history; it can be sent to another process."""

    ruleset: Ruleset

    @classmethod
    def of(cls, ruleset: Ruleset) -> "KernelPlan":
        """Return the plan of *ruleset*, without the parts that only decisions need."""
        rules = tuple([replace(rule, actions=(), annotations={}) for rule in ruleset.rules])
        lean = replace(
            ruleset, rules=rules, signals=dict(ruleset.signals), fields=dict(ruleset.fields), inputs={},
            mentioned=dict(ruleset.mentioned), diagnostics=(), built=None,
        )  # fmt: skip
        return cls(lean)

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that are enabled, in order of priority."""
        return tuple(rule for rule in self.ruleset.rules if rule.enabled)

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        """The signals, each after those that it reads."""
        return in_order(self.ruleset.signals)

    @cached_property
    def windows(self) -> dict[SlotKey, ir.Window]:
        """The functions over time that rules and signals read."""
        return dict(layout_of(self.ruleset)[1])

    @cached_property
    def look_back_seconds(self) -> float:
        """The time before a span that windows, signals and lost GPUs in it depend on, in seconds.

        Signals of ``unbounded_signals`` can depend on what was before that, and in a gap as long, which GPUs are lost.
        """
        settings = self.ruleset.settings
        reach: dict[str, float] = {}
        for signal in self.signals:
            terms = [signal.condition] if signal.until is None else [signal.condition, signal.until]
            lasting = signal.for_seconds + signal.keep_for_seconds + settings.stale_after
            reach[signal.name] = lasting + max(_reach(term, reach) for term in terms)
        longest = max((_reach(term, reach) for _, term in self.terms()), default=0.0)
        return max(LEAST_LOOK_BACK, settings.forget_gpu_after + max(longest, *reach.values(), 0.0))

    @cached_property
    def unbounded_signals(self) -> tuple[str, ...]:
        """The signals that stay on without limit after they came on, with the signals and rules that read them."""
        found: list[str] = []
        for signal in self.signals:
            holds = signal.until is not None or self.ruleset.settings.on_stale != "release"
            holds = holds or bool(signal.for_seconds and signal.keep_for_seconds)
            if holds or any(name in found for name in signals_read(signal)):
                found.append(signal.name)
        return tuple(found)

    @cached_property
    def context(self) -> EvaluationContext:
        """The context in which times and files are evaluated."""
        return EvaluationContext(zone_of(self.ruleset.settings.timezone), self.ruleset.file_types)

    def terms(self) -> Iterator[tuple[str, ir.Term]]:
        """Yield every condition with the name of its rule or signal."""
        for signal in self.signals:
            yield signal.name, signal.condition
            if signal.until is not None:
                yield signal.name, signal.until
        for rule in self.rules:
            yield rule.name, rule.term


def _reach(term: ir.Term, signals: Mapping[str, float]) -> float:
    """Return how far back a condition reaches, in seconds, given how far its signals do."""
    windows = [window.seconds for window in ir.windows(term)]
    return max([*windows, *(signals[part.name] for part in ir.walk(term) if isinstance(part, ir.Signal))], default=0.0)
