"""The algebra of PromQL vectors: what is joined on which labels."""

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """What the series of a vector are: one number, one of all nodes, one for each node, one for each GPU."""

    SCALAR = 0
    GLOBAL = 1
    NODE = 2
    GPU = 3


@dataclass(frozen=True, slots=True)
class Vector:
    """An expression in PromQL and what its series are."""

    text: str
    level: Level
    is_atom: bool = False

    @property
    def operand(self) -> str:
        """The text as it can stand beside an operator."""
        return self.text if self.is_atom else f"({self.text})"


@dataclass(frozen=True, slots=True)
class TruthVectors:
    """Where a condition is TRUE, and where it is FALSE; where neither has a series, it is unknown."""

    true: Vector
    false: Vector

    @property
    def negated(self) -> "TruthVectors":
        """The same of the opposite condition."""
        return TruthVectors(self.false, self.true)


EVERYWHERE = Vector("vector(1)", Level.GLOBAL, is_atom=True)
NOWHERE = Vector("vector(1) == 0", Level.GLOBAL)


@dataclass(frozen=True, slots=True)
class Algebra:
    """Joins vectors on the labels that identify a GPU, or a node.

    ``gpus`` and ``nodes`` are the vectors of all GPUs and nodes that are known.
    """

    gpu_labels: tuple[str, ...]
    node_labels: tuple[str, ...]
    gpus: str
    nodes: str

    def labels(self, level: Level) -> str:
        """Return the labels of series at *level*, in brackets."""
        names = {Level.GPU: self.gpu_labels, Level.NODE: self.node_labels}.get(level, ())
        return f"({', '.join(names)})"

    def every(self, level: Level) -> Vector:
        """Return the vector that has a series, of value 1, for each GPU or node."""
        if level <= Level.GLOBAL:
            return EVERYWHERE
        source = self.gpus if level is Level.GPU else self.nodes
        return Vector(f"group by {self.labels(level)} ({source})", level, is_atom=True)

    def aggregate(self, selector: str, level: Level) -> Vector:
        """Return a metric with nothing but the labels that identify its series."""
        return Vector(f"max by {self.labels(level)} ({selector})", level, is_atom=True)

    def broadcast(self, vector: Vector, level: Level) -> Vector:
        """Return *vector* with a series for each GPU or node that it is about."""
        if vector.level >= level:
            return vector
        every = self.every(level)
        if vector.level is Level.SCALAR:
            return Vector(f"{every.operand} * 0 + {vector.operand}", level)
        return self.both(every, vector)

    def both(self, left: Vector, right: Vector) -> Vector:
        """Return the series of the more detailed vector for which both have one."""
        if left.level < right.level:
            left, right = right, left
        return Vector(f"{left.operand} and on {self.labels(right.level)} {right.operand}", left.level)

    def either(self, left: Vector, right: Vector) -> Vector:
        """Return the series for which one of the two has one, the left first."""
        level = max(left.level, right.level)
        left, right = self.broadcast(left, level), self.broadcast(right, level)
        return Vector(f"{left.operand} or on {self.labels(level)} {right.operand}", level)

    def without(self, left: Vector, right: Vector) -> Vector:
        """Return the series of *left* for which *right* has none."""
        common = min(left.level, right.level)
        return Vector(f"{left.operand} unless on {self.labels(common)} {right.operand}", left.level)

    def combine(self, operator: str, left: Vector, right: Vector) -> Vector:
        """Return two numbers joined by an arithmetic operator, or the left one where a comparison holds."""
        level = max(left.level, right.level)
        if Level.SCALAR in (left.level, right.level):
            return Vector(f"{left.operand} {operator} {right.operand}", level)
        matching = f"on {self.labels(min(left.level, right.level))}"
        if left.level != right.level:
            matching += f" group_{'left' if left.level > right.level else 'right'} ()"
        return Vector(f"{left.operand} {operator} {matching} {right.operand}", level)
