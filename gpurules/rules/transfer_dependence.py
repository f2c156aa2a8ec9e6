"""What of a snapshot decisions on transfers depend on: clients decide again when it is another, and only then."""

from collections.abc import Sequence
from dataclasses import replace

from gpurules.backends.facts import NO_TRANSFER, NO_WORKLOAD, Facts, SlotLayout
from gpurules.backends.python import RuleTerm
from gpurules.backends.specialization import Specializer
from gpurules.bitset import iter_bits, mask_of
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

    def __init__(
        self, rules: Sequence[RuleTerm], layout: SlotLayout | None, before: "TransferDependence | None" = None
    ) -> None:
        """Take *rules*; what is the same as *before* is taken from there."""
        known = {id(one.rule): one for one in before._openings} if before is not None else {}
        concerned = [rule for rule in rules if rule.of_workload or rule.contextual]
        self._openings: list[_Opening] = [known.get(id(rule)) or _Opening(rule) for rule in concerned]
        width = len(self._openings)
        self._always = mask_of([n for n, one in enumerate(self._openings) if one.ambient is None], width)
        self._varying = mask_of([n for n, one in enumerate(self._openings) if one.is_varying], width)
        self._sometimes = [n for n, one in enumerate(self._openings) if one.ambient is not None]
        ambient = [one.ambient for one in self._openings if one.ambient is not None]
        same = before._specializer if before is not None else None
        self._specializer: Specializer = Specializer(ambient, layout, before=same)

    def of(self, facts: Facts) -> tuple[int, bool]:
        """Return the rules that are open, and whether the snapshot is like no other with the same."""
        found, _ = self._specializer.specialize(replace(facts, transfer=NO_TRANSFER, workload=NO_WORKLOAD))
        opened = self._always | mask_of([self._sometimes[n] for n in iter_bits(found)], len(self._openings))
        return opened, bool(opened & self._varying)


class _Opening:
    """When one rule is open to transfers: where its ``ambient`` parts hold.

    ``is_varying`` says that a part of it reads the transfer and the snapshot.
    Missing: ``ambient`` is None where it always is; on a workload's GPUs nothing is known without the workload.
    """

    __slots__ = ("ambient", "is_varying", "rule")

    def __init__(self, rule: RuleTerm) -> None:
        self.rule = rule
        self.is_varying = rule.of_workload or any(_reads_both(part) for part in rule.contextual)
        self.ambient: RuleTerm | None = None
        if rule.ambient and not rule.of_workload:
            term = ir.And(rule.ambient) if len(rule.ambient) > 1 else rule.ambient[0]
            self.ambient = RuleTerm(term, rule.per_gpu, name=rule.name)


def _reads_both(part: ir.Term) -> bool:
    return not ir.scopes(part).isdisjoint(AMBIENT) or any(ir.reads(part, name) for name in _AGES)
