"""A small world whose facts can be enumerated: conditions over it, and the truth of each on all of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from random import Random

from gpurules.backends import Facts
from gpurules.language.terms import ir
from gpurules.model import GPU, Transfer, Truth
from gpurules.proofs.formulas.claims import ExpectedTruth, ScopedCondition, TruthClaim, evaluate
from tests.factories import checked, facts

MEMORIES = (None, 10, 50, 90)
"""gpu_memory, which conditions compare with 50 alone: missing, less, equal, more."""
TRUTHS = (None, False, True)
FILE_TYPES = (None, "model", "tensor", "log")
"""file_type, of which conditions name the model and the tensor alone."""
PENDING = (0, 1, 2)
"""pending_transfers, which conditions compare with 1 alone, and which is never missing."""
MOST_GPUS = 2
SMALL = f"count(gpu_memory IS MISSING OR gpu_memory >= 0) <= {MOST_GPUS}"
"""TRUE where a node is no larger than those of this world."""

_COMPARATORS = ("<", "<=", ">", ">=", "==", "!=")


@cache
def all_facts() -> tuple[Facts, ...]:
    """Return all facts of the world: 0 to 2 GPUs, each with a memory and a throttling, a file type, a queue."""
    kinds = [{"memory": memory, "throttled": throttled} for memory, throttled in product(MEMORIES, TRUTHS)]
    nodes = [pair for count in range(MOST_GPUS + 1) for pair in product(kinds, repeat=count)]
    return tuple(
        facts(
            *(GPU(index=index, **kind) for index, kind in enumerate(node)),  # type: ignore[arg-type]
            transfer=Transfer(file_type=file_type),
            node={"pending_transfers": pending},
        )
        for node, file_type, pending in product(nodes, FILE_TYPES, PENDING)
    )


class SmallConditions:
    """Writes conditions that distinguish no more values than the world has; the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def _pick(self, *options: str) -> str:
        return self._random.choice(options)

    def condition(self, depth: int = 2) -> str:
        """Return a condition: of each GPU, of all of them, or of the transfer and the node."""
        kind = self._random.random()
        if depth and kind < 0.7:
            parts = [f"({self.condition(depth - 1)})" for _ in range(self._random.choice((1, 2, 2, 3)))]
            return f"NOT {parts[0]}" if len(parts) == 1 else self._pick(" AND ", " OR ").join(parts)
        return self._pick(self._of_one_gpu(), self._of_one_gpu(), self._of_all_gpus(), self._of_node())

    def _of_one_gpu(self) -> str:
        return self._pick(
            f"gpu_memory {self._pick(*_COMPARATORS)} 50", f"gpu_memory {self._pick(*_COMPARATORS)} 50",
            "gpu_throttled", "gpu_memory IS MISSING", "gpu_throttled IS MISSING", "coalesce(gpu_throttled, false)",
            "(gpu_memory > 50) IS MISSING", f"coalesce(gpu_memory, 50) {self._pick(*_COMPARATORS)} 50",
            f"gpu_memory + 10 {self._pick(*_COMPARATORS)} 60", f"-gpu_memory {self._pick(*_COMPARATORS)} -50",
        )  # fmt: skip

    def _of_all_gpus(self) -> str:
        inner = " AND ".join(self._of_one_gpu() for _ in range(self._random.choice((1, 1, 2))))
        return self._pick(
            f"any({inner})", f"all({inner})",
            f"count({inner}) {self._pick(*_COMPARATORS)} {self._pick('0', '1', '2', '3')}",
            f"max(gpu_memory) {self._pick(*_COMPARATORS)} 50", f"min(gpu_memory) {self._pick(*_COMPARATORS)} 50",
        )  # fmt: skip

    def _of_node(self) -> str:
        return self._pick(
            f"file_type {self._pick('==', '!=')} 'model'", "file_type IS MISSING", "file_type IN ('model', 'tensor')",
            f"pending_transfers {self._pick(*_COMPARATORS)} 1", "pending_transfers BETWEEN 1 AND 7",
        )  # fmt: skip


@dataclass(frozen=True)
class Enumerated:
    """A condition with its truth on all facts, in order."""

    text: str
    stated: ScopedCondition
    truths: tuple[Truth, ...]

    def where(self, want: ExpectedTruth) -> frozenset[int]:
        """Return the places of the facts on which it is as wanted."""
        return frozenset(n for n, value in enumerate(self.truths) if want.fits(value))


def enumerated(text: str) -> Enumerated:
    """Return the condition *text* with its truth on all facts, by the real evaluator."""
    stated = ScopedCondition(checked(text).term)
    return Enumerated(text, stated, tuple(evaluate(stated, current) for current in all_facts()))


def small_conditions(seed: int, count: int) -> Iterator[Enumerated]:
    """Yield random conditions."""
    writer = SmallConditions(seed)
    for _ in range(count):
        yield enumerated(writer.condition())


def is_in_world(current: Facts) -> bool:
    """Return whether *current* has no more GPUs than this world has."""
    return len(current.gpus) <= MOST_GPUS


def small() -> TruthClaim:
    """Return the claim that a node is no larger than those of this world."""
    return TruthClaim(_small(), ExpectedTruth.TRUE)


@cache
def _small() -> ScopedCondition:
    term: ir.Term = checked(SMALL).term
    return ScopedCondition(term)
