"""Decisions on a snapshot that has not been met: the rules that match, and the rest when it is asked for."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from gpurules.actions.decision import Basis, Decision
from gpurules.backends.python import CHUNK
from gpurules.backends.straight import decision_function
from gpurules.model import GPUIndex, Snapshot, Transfer, Workload
from gpurules.rules.explanation.explanation import DecisionExplanation
from gpurules.rules.program import BoundProgram, Program
from gpurules.rules.rule import Settings

DecisionFunction: TypeAlias = Callable[..., Decision]
"""A function of snapshot, GPUs, transfer, workload, facts of the node, and context."""

_ENDING = (
    "d = _FirstDecision()",
    "d._first = _program, s, n, m",
    "d._made, d._transfer, d._workload = None, t, w",
    "return d",
)


def first_decision_function(program: Program) -> DecisionFunction | None:
    """Return the one function that decides all rules of *program* with nothing prepared, without history.

    Missing: there are so many rules that they are looked up, or compiled as several functions.
    """
    if program.is_looked_up or len(program.terms) > CHUNK:
        return None
    constants = {"_FirstDecision": FirstDecision, "_program": program}
    decide: DecisionFunction = decision_function(program.terms, _ENDING, constants)
    return decide


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

    __slots__ = ("_first", "_made")

    _first: tuple[Program, Snapshot, Mapping[str, object], int]
    _made: Basis | None

    @property
    def rules(self) -> tuple[str, ...]:
        """The names of the rules that matched, in order; cheaper than ``matched``."""
        program, _, _, mask = self._first
        return program.outcome(mask).names

    @property
    def _basis(self) -> Basis:  # type: ignore[override]
        basis = self._made
        if basis is None:
            program, snapshot, node, mask = self._first
            basis = self._made = Basis(program.outcome(mask), FirstDecisionSource(program, snapshot, node), False)
        return basis
