"""How a ruleset is evaluated without history, on a snapshot that is asked about once and on one that is asked often.

One function does all that a decision always needs. Its text is here, with the rules in the midst of it: a call, and an
attribute of the ruleset, take as long as a rule.
"""

from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, TypeAlias, cast

from gpurules.actions.decision import Decision
from gpurules.backends.facts import NO_NODE, NO_TRANSFER, NO_WORKLOAD, Facts
from gpurules.backends.python import CHUNK, GeneratedSource
from gpurules.backends.straight import FunctionFrame, can_unroll, framed_function
from gpurules.model import Snapshot, Transfer, Workload
from gpurules.rules.first_decision import FirstDecision
from gpurules.rules.program import BoundProgram, Program

EvaluateFunction: TypeAlias = Callable[..., Decision]
"""A function of snapshot, transfer, workload and facts of the node, as ``Ruleset.evaluate`` is."""

_HEAD = "evaluate(snapshot, transfer=None, workload=None, node=None)"
_BEFORE = (
    "t = _no_transfer if transfer is None else transfer",
    "w = _no_workload if workload is None else workload",
    "cache = snapshot.cache",
    "if cache:",
    "    if node:",
    "        return _on_node(snapshot, t, w, node)",
    "    try:",
    "        bound = cache[_evaluator]",
    "        residual = bound.residual",
    "        basis = bound.bases[bound.base if residual is None else residual(t, w)]",
    "    except _KeyError:",
    "        return _again(snapshot, t, w)",
    "    d = _Decision()",
    "    d._basis, d._transfer, d._workload = basis, t, w",
    "    return d",
    "cache[_version] = True",
    "s, n = snapshot, node or _no_node",
)
_AFTER = (
    "d = _FirstDecision()",
    "d._program = _program",
    "d._snapshot = s",
    "d._node = n",
    "d._mask = m",
    "d._transfer = t",
    "d._workload = w",
    "return d",
)
MAX_MISFITS = 100
"""How many snapshots may be other than the function is for before one that is for all of them is used."""


class Evaluator:
    """Evaluates a program without history.

    ``evaluate`` is the function to call. From the second time on it is one for just as many GPUs as there are, with all
    readings present; a snapshot that is otherwise is decided by ``_straight``. Any thread may replace the function.
    """

    def __init__(self, program: Program, adopt: Callable[[EvaluateFunction], None]) -> None:
        """Call *adopt* with each new function."""
        self._program, self._adopt = program, adopt
        self._by_count: dict[int, EvaluateFunction] = {}
        self._has_begun = False
        self._misfits = 0
        self.evaluate: EvaluateFunction = self._begin

    def _begin(
        self,
        snapshot: Snapshot,
        transfer: Transfer | None = None,
        workload: Workload | None = None,
        node: Mapping[str, object] | None = None,
    ) -> Decision:
        """Decide the first time, which may be the only one: nothing is compiled but the rules."""
        if self._has_begun:
            self._use(len(snapshot.gpus))
            return self.evaluate(snapshot, transfer, workload, node)
        self._has_begun = True
        snapshot.cache[self._program.version] = True
        return self._straight(snapshot, transfer or NO_TRANSFER, workload or NO_WORKLOAD, node or NO_NODE)

    def _use(self, gpus: int) -> None:
        """Have a function for *gpus* GPUs called from now on, if that is possible."""
        if self._misfits > MAX_MISFITS or not can_unroll(self._program.terms, gpus):
            gpus = 0
        if gpus not in self._by_count:
            self._by_count[gpus] = self._compiled(gpus)
        self.evaluate = self._by_count[gpus]
        self._adopt(self.evaluate)

    def _compiled(self, gpus: int) -> EvaluateFunction:
        program = self._program
        constants: dict[str, object] = {
            "_no_transfer": NO_TRANSFER, "_no_workload": NO_WORKLOAD, "_no_node": NO_NODE, "_KeyError": KeyError,
            "_evaluator": self, "_version": program.version, "_program": program, "z": program.context,
            "_on_node": self._on_node, "_again": self._again, "_misfit": self._misfit, "_straight": self._straight,
            "_Decision": Decision, "_FirstDecision": FirstDecision,
        }  # fmt: skip
        frame = FunctionFrame(_HEAD, _BEFORE, _AFTER, constants)
        if program.is_looked_up or len(program.terms) > CHUNK:  # many rules are looked up, or are several functions
            lines = "".join([f"    {line}\n" for line in (*_BEFORE, "return _straight(s, t, w, n)")])
            found: Any = GeneratedSource(f"def {_HEAD}:\n{lines}", constants).function("evaluate")
        else:
            found = framed_function(program.terms, frame, gpus)
        return cast(EvaluateFunction, found)

    def _misfit(
        self, snapshot: Snapshot, transfer: Transfer, workload: Workload, node: Mapping[str, object]
    ) -> Decision:
        """Decide on a snapshot that the function is not for, and choose the one for the next."""
        self._misfits += 1
        self._use(len(snapshot.gpus))
        return self._straight(snapshot, transfer, workload, node)

    def _straight(
        self, snapshot: Snapshot, transfer: Transfer, workload: Workload, node: Mapping[str, object]
    ) -> Decision:
        program = self._program
        return BoundProgram(program, snapshot, node, program.context).decide_straight(transfer, workload)

    def _again(self, snapshot: Snapshot, transfer: Transfer, workload: Workload) -> Decision:
        """Decide on a snapshot that was asked about, or where other rules match than before.

        Most snapshots are asked about once, and some very often: all is prepared at the second time.
        """
        program, cache = self._program, snapshot.cache
        if self in cache:
            bound: BoundProgram = cache[self]  # type: ignore[assignment]
            return bound.decide(transfer, workload)
        if program.version not in cache:
            cache[program.version] = True
            return self._straight(snapshot, transfer, workload, NO_NODE)
        bound = program.bind(Facts(snapshot, snapshot.gpus, context=program.context))
        cache[self] = bound
        return bound.decide(transfer, workload)

    def _on_node(
        self, snapshot: Snapshot, transfer: Transfer, workload: Workload, node: Mapping[str, object]
    ) -> Decision:
        """Decide with facts of the node that are given; all is prepared when the same are given again in turn."""
        program, cache, key = self._program, snapshot.cache, (self, "node")
        given = [node.get(name) for name in program.given_fields]
        before, bound = cast(tuple[list[object], BoundProgram | None], cache.get(key, ((), None)))
        if len(before) != len(given) or not all(map(_is_same, before, given)):
            cache[key] = given, None
            return self._straight(snapshot, transfer, workload, node)
        if bound is None:
            bound = program.bind(Facts(snapshot, snapshot.gpus, node=dict(node), context=program.context))
            cache[key] = given, bound
        return bound.decide(transfer, workload)


def _is_same(before: object, now: object) -> bool:
    """Return whether two facts are surely one: ``1`` is not ``True``, and what can change is never the same."""
    return type(before) is type(now) and type(now) in _PLAIN and before == now


_PLAIN = frozenset({NoneType, bool, int, float, str})
