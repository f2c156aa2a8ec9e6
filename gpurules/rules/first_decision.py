"""Decisions on a snapshot that has not been met: the rules that match, and the rest when it is asked for."""

from collections.abc import Mapping

from gpurules.actions.decision import Basis, Decision
from gpurules.model import GPUIndex, Snapshot, Transfer, Workload
from gpurules.rules.explanation.explanation import DecisionExplanation
from gpurules.rules.program import BoundProgram, Program
from gpurules.rules.rule import Settings


class FirstDecisionSource:
    """A program on a snapshot that has not been met: nothing is bound until something asks for it."""

    __slots__ = ("_node", "_program", "_snapshot")

    source = "engine"

    def __init__(self, program: Program, snapshot: Snapshot, node: Mapping[str, object]) -> None:
        self._program, self._snapshot, self._node = program, snapshot, node

    @property
    def limits(self) -> Settings:
        """The settings that bound directives."""
        return self._program.settings

    @property
    def version(self) -> str:
        """The content hash of the ruleset."""
        return self._program.version

    @property
    def timestamp(self) -> float:
        """The time of the snapshot."""
        return self._snapshot.timestamp

    def _bound(self) -> BoundProgram:
        return BoundProgram(self._program, self._snapshot, self._node, self._program.context)

    def devices(self, position: int, transfer: Transfer, workload: Workload) -> tuple[GPUIndex, ...]:
        """Return the GPUs on which the rule at *position* is TRUE."""
        return self._bound().devices(position, transfer, workload)

    def explain(self, transfer: Transfer, workload: Workload) -> DecisionExplanation:
        """Return why each rule did or did not match."""
        return self._bound().explain(transfer, workload)


class FirstDecision(Decision):
    """A decision on a snapshot that has not been met: all but the rules that match is worked out when asked for."""

    __slots__ = ("_made", "_mask", "_node", "_program", "_snapshot")

    _program: Program
    _snapshot: Snapshot
    _node: Mapping[str, object]
    _mask: int
    _made: Basis

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of the rules that matched, in order; cheaper than ``matched``."""
        try:
            return self._program.outcomes[self._mask].names
        except KeyError:
            return self._program.outcome(self._mask).names

    @property
    def _basis(self) -> Basis:  # type: ignore[override]
        try:
            return self._made
        except AttributeError:
            program = self._program
            source = FirstDecisionSource(program, self._snapshot, self._node)
            self._made = Basis(program.outcome(self._mask), source, False)
            return self._made
