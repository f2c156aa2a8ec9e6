"""From domains to a witness: values are chosen, made into objects, and tried on the real evaluator."""

from collections.abc import Iterator, Sequence
from itertools import islice, product

from gpurules.language import ir
from gpurules.model import Kind, Value
from gpurules.proofs.cells import Cell
from gpurules.proofs.claims import Claim
from gpurules.proofs.grounding import slot_of, variable
from gpurules.proofs.options import literals
from gpurules.proofs.relations import Chosen
from gpurules.proofs.search import Domains
from gpurules.proofs.universe import SCOPE_KEY, Universe, reads_of, unit_key
from gpurules.proofs.witness import Known, Witness, build

_MOST_TRIES = 600
_MOST_CHOICES = 20_000
_SPREAD = (0, 1, 2, 5, 10, 50, 90, 99, 100, 1000, 1e6, 2**30, 2**33, 2**36, 2**40)


def realised(universe: Universe, found: tuple[Domains, Chosen, int], claims: Sequence[Claim]) -> Witness | None:
    """Return a witness within *found* that the real evaluator confirms, None where none was hit on."""
    for witness in islice(_candidates(universe, found), _MOST_TRIES):
        if all(claim.holds(witness.facts) for claim in claims):
            return witness
    return None


def _candidates(universe: Universe, found: tuple[Domains, Chosen, int]) -> Iterator[Witness]:
    domains, chosen, count = found
    by_index = {cell.index: cell for cell in universe.cells.values()}
    values: dict[int, Value] = {}
    operands = _operands_of_opaque(universe, domains, count)
    for name, mask in domains.items():
        cell = by_index[name >> 6]
        if mask != cell.full or name in chosen:
            values[name] = chosen[name] if name in chosen else cell.plainest(mask)
    values |= {name: value for name, value in chosen.items() if name not in values}
    _spread_indexes(by_index, values, domains)
    yield _witness(universe, by_index, values, count)
    names = [*operands]
    options = [_options(by_index[n >> 6], domains.get(n, by_index[n >> 6].full), operands[n]) for n in names]
    for choice in islice(product(*options), _MOST_CHOICES):
        changed = values | dict(zip(names, choice, strict=True))
        if _keeps_differences(universe, changed, domains):
            yield _witness(universe, by_index, changed, count)


def _keeps_differences(universe: Universe, values: dict[int, Value], domains: Domains) -> bool:
    """Return whether *values* are as far apart as the domains of differences say."""
    for gap in universe.all_gaps():
        for name in [n for n in domains if n >> 6 == gap.cell.index]:
            sides = (values.get(variable(cell, slot_of(name))) for cell in (gap.left, gap.right))
            left, right = (value if isinstance(value, int | float) else None for value in sides)
            apart = None if left is None or right is None else left - right
            if apart is not None and not gap.cell.mask_of(apart) & domains[name]:
                return False
    return True


def _spread_indexes(by_index: dict[int, Cell], values: dict[int, Value], domains: Domains) -> None:
    """Give GPUs whose index is free to vary different ones."""
    used: set[Value] = set()
    for name in sorted(values):
        cell = by_index[name >> 6]
        if cell.key != ("read", "gpu_index"):
            continue
        value = values[name]
        while value in used and isinstance(value, int) and cell.mask_of(value + 1) & domains.get(name, cell.full):
            value += 1
        used.add(value)
        values[name] = value


def _witness(universe: Universe, by_index: dict[int, Cell], values: dict[int, Value], count: int) -> Witness:
    known, owned = [], set()
    for name, value in values.items():
        cell, slot = by_index[name >> 6], slot_of(name)
        if cell.key == SCOPE_KEY:
            if value is True and slot is not None:
                owned.add(slot)
        elif isinstance(cell.term, ir.Read | ir.Signal | ir.Window):
            known.append(Known(cell.term, slot, value))
    derived = [d.term for d in universe.drafts.values() if isinstance(d.term, ir.Signal | ir.Window)]
    derived = [term for term in derived if unit_key(term) != ("signal", "the workload's")]
    return build(known, count, derived, frozenset(owned))


def _operands_of_opaque(universe: Universe, domains: Domains, count: int) -> dict[int, list[Value]]:
    """Return the variables behind computed facts that the search has narrowed, with texts worth trying."""
    found: dict[int, list[Value]] = {}
    for cell in universe.cells.values():
        slots: Sequence[int | None] = range(count) if cell.per_gpu else [None]
        if cell.exact or not any(domains.get(variable(cell, s), cell.full) != cell.full for s in slots):
            continue
        texts = [*literals(cell.term)]
        for operand in (universe.cells.get(unit_key(unit)) for unit in reads_of(cell.term)):
            if operand is not None:
                places: Sequence[int | None] = range(count) if operand.per_gpu else [None]
                for slot in places:
                    found.setdefault(variable(operand, slot), []).extend(texts)
    return found


def _options(cell: Cell, mask: int, texts: Sequence[Value]) -> list[Value]:
    """Return values of *cell* within *mask* to try: one of each kind, and some of other sizes."""
    options = [value for value in cell.options(mask) if value is not None][:12]
    if cell.term.datatype.kind is Kind.NUMBER:
        options += [number for number in _SPREAD if cell.mask_of(number) & mask]
    elif cell.term.datatype.kind is Kind.STRING:
        options = [*(t for t in texts if isinstance(t, str)), *options]
    return list(dict.fromkeys(options)) or [None]
