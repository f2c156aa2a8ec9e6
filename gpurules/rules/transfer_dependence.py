"""What of a snapshot decisions on transfers depend on: clients decide again when it is another, and only then."""

from collections.abc import Sequence
from dataclasses import replace

from gpurules.backends.facts import NO_TRANSFER, NO_WORKLOAD, Facts, SlotLayout
from gpurules.backends.python import RuleTerm, arguments
from gpurules.backends.straight import mask_functions
from gpurules.fields import AMBIENT
from gpurules.language.terms import ir

_AGES = ("transfer_age", "workload_age")
"""The fields of transfers and workloads whose value depends on the time of the snapshot."""


class TransferDependence:
    """Shows whether transfers may be decided on differently on two snapshots.

    A rule is open to transfers where all the parts of its condition hold that the snapshot decides by itself. Snapshots
    on which the same rules match and are open are alike, unless an open rule has a part that reads the transfer and
    the snapshot: then each snapshot is another.
    """

    def __init__(self, rules: Sequence[RuleTerm], layout: SlotLayout | None) -> None:
        concerned = [rule for rule in rules if rule.of_workload or rule.contextual]
        self._varying = [rule.of_workload or any(_reads_both(part) for part in rule.contextual) for rule in concerned]
        self._functions = mask_functions([_ambient(rule) for rule in concerned], layout) if concerned else []

    def of(self, facts: Facts) -> tuple[int, bool]:
        """Return the rules that are open, and whether the snapshot is like no other with the same."""
        given, found = arguments(replace(facts, transfer=NO_TRANSFER, workload=NO_WORKLOAD)), 0
        for first, function in self._functions:
            found |= function(*given) << first
        return found, any(found >> place & 1 for place, is_varying in enumerate(self._varying) if is_varying)


def _ambient(rule: RuleTerm) -> RuleTerm:
    """Return the rule without what transfers decide; on a workload's GPUs nothing is known without the workload."""
    if rule.of_workload or not rule.ambient:
        return RuleTerm(ir.TRUE, False)
    return RuleTerm(ir.And(rule.ambient) if len(rule.ambient) > 1 else rule.ambient[0], rule.per_gpu)


def _reads_both(part: ir.Term) -> bool:
    return not ir.scopes(part).isdisjoint(AMBIENT) or any(ir.reads(part, name) for name in _AGES)
