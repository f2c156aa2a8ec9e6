"""Concretization: domains to a witness, whose values are chosen, made into objects and tried on the real evaluator."""

from collections.abc import Iterator, Sequence
from itertools import islice, product

from gpurules.language.terms import ir
from gpurules.model import Kind, Value
from gpurules.proofs.domains.candidates import literals
from gpurules.proofs.domains.variables import AbstractVariable
from gpurules.proofs.formulas.claims import TruthClaim
from gpurules.proofs.formulas.universe import SCOPE_KEY, Universe, reads_of, unit_key
from gpurules.proofs.solver.backtracking import Domains
from gpurules.proofs.solver.grounding import ground_name, slot_of
from gpurules.proofs.solver.theories import Model
from gpurules.proofs.witnesses.witness import KnownFact, Witness, build_witness

_MOST_TRIES = 600
_MOST_CHOICES = 20_000
_SPREAD = (0, 1, 2, 5, 10, 50, 90, 99, 100, 1000, 1e6, 2**30, 2**33, 2**36, 2**40)


def concretize(universe: Universe, found: tuple[Domains, Model, int], claims: Sequence[TruthClaim]) -> Witness | None:
    """Return a witness within *found* that the real evaluator confirms, None where none was hit on."""
    for witness in islice(_candidates(universe, found), _MOST_TRIES):
        if all(claim.holds(witness.facts) for claim in claims):
            return witness
    return None


def _candidates(universe: Universe, found: tuple[Domains, Model, int]) -> Iterator[Witness]:
    domains, model, count = found
    by_index = {variable.index: variable for variable in universe.variables.values()}
    values: dict[int, Value] = {}
    operands = _operands_of_opaque(universe, domains, count)
    for name, mask in domains.items():
        variable = by_index[name >> 6]
        if mask != variable.full or name in model:
            values[name] = model[name] if name in model else variable.plainest(mask)
    values |= {name: value for name, value in model.items() if name not in values}
    _spread_indexes(by_index, values, domains)
    yield _witness(universe, by_index, values, count)
    names = [*operands]
    candidates = [_candidates_for(by_index[n >> 6], domains.get(n, by_index[n >> 6].full), operands[n]) for n in names]
    for choice in islice(product(*candidates), _MOST_CHOICES):
        changed = values | dict(zip(names, choice, strict=True))
        if _keeps_differences(universe, changed, domains):
            yield _witness(universe, by_index, changed, count)


def _keeps_differences(universe: Universe, values: dict[int, Value], domains: Domains) -> bool:
    """Return whether *values* are as far apart as the domains of differences say."""
    for difference in universe.difference_variables():
        for name in [n for n in domains if n >> 6 == difference.variable.index]:
            sides = (
                values.get(ground_name(variable, slot_of(name))) for variable in (difference.left, difference.right)
            )
            left, right = (value if isinstance(value, int | float) else None for value in sides)
            apart = None if left is None or right is None else left - right
            if apart is not None and not difference.variable.mask_of(apart) & domains[name]:
                return False
    return True


def _spread_indexes(by_index: dict[int, AbstractVariable], values: dict[int, Value], domains: Domains) -> None:
    """Give GPUs whose index is free to vary different ones."""
    used: set[Value] = set()
    for name in sorted(values):
        variable = by_index[name >> 6]
        if variable.key != ("read", "gpu_index"):
            continue
        value = values[name]
        while (
            value in used and isinstance(value, int) and variable.mask_of(value + 1) & domains.get(name, variable.full)
        ):
            value += 1
        used.add(value)
        values[name] = value


def _witness(
    universe: Universe, by_index: dict[int, AbstractVariable], values: dict[int, Value], count: int
) -> Witness:
    known, owned = [], set()
    for name, value in values.items():
        variable, slot = by_index[name >> 6], slot_of(name)
        if variable.key == SCOPE_KEY:
            if value is True and slot is not None:
                owned.add(slot)
        elif isinstance(variable.term, ir.Read | ir.Signal | ir.Window):
            known.append(KnownFact(variable.term, slot, value))
    derived = [d.term for d in universe.builders.values() if isinstance(d.term, ir.Signal | ir.Window)]
    derived = [term for term in derived if unit_key(term) != ("signal", "the workload's")]
    return build_witness(known, count, derived, frozenset(owned))


def _operands_of_opaque(universe: Universe, domains: Domains, count: int) -> dict[int, list[Value]]:
    """Return the variables behind computed facts that the search has narrowed, with candidate texts."""
    found: dict[int, list[Value]] = {}
    for variable in universe.variables.values():
        slots: Sequence[int | None] = range(count) if variable.per_gpu else [None]
        if variable.exact or not any(
            domains.get(ground_name(variable, s), variable.full) != variable.full for s in slots
        ):
            continue
        texts = [*literals(variable.term)]
        for operand in (universe.variables.get(unit_key(unit)) for unit in reads_of(variable.term)):
            if operand is not None:
                places: Sequence[int | None] = range(count) if operand.per_gpu else [None]
                for slot in places:
                    found.setdefault(ground_name(operand, slot), []).extend(texts)
    return found


def _candidates_for(variable: AbstractVariable, mask: int, texts: Sequence[Value]) -> list[Value]:
    """Return values of *variable* within *mask* to try: one of each kind, and some of other sizes."""
    candidates = [value for value in variable.candidates(mask) if value is not None][:12]
    if variable.term.datatype.kind is Kind.NUMBER:
        candidates += [number for number in _SPREAD if variable.mask_of(number) & mask]
    elif variable.term.datatype.kind is Kind.STRING:
        candidates = [*(t for t in texts if isinstance(t, str)), *candidates]
    return list(dict.fromkeys(candidates)) or [None]
