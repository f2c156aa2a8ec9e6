"""The syntax that a language provides for the statements that evaluate a ruleset."""

from collections.abc import Sequence
from typing import Protocol

from gpurules.backends.native.program import NativeClaim


class Statements(Protocol):
    """The statement syntax that differs between C and Go.

    ``c`` is the context, ``d`` the decision, ``g`` the current GPU. Sets of rules are ``open`` and ``start`` (of the
    bound state), ``matched`` (for the transfer) and ``decided`` (of the decision).
    """

    none: str
    """What a stage is that is not there."""
    has_gpus: str
    """The test that there are GPUs."""
    uses: str
    """The test that the GPU at hand is one of the workload's own."""
    size: str
    """The size of the transfer."""

    def field(self, target: str) -> str:
        """Return the attribute of the decision for *target*."""
        ...

    def real(self, value: float) -> str:
        """Return a constant as a double."""
        ...

    def comment(self, text: str) -> str:
        """Return a comment of one line."""
        ...

    def when(self, tests: Sequence[str], body: Sequence[str]) -> list[str]:
        """Return *body* under a condition."""
        ...

    def first_gpu(self, tests: Sequence[str], body: Sequence[str]) -> list[str]:
        """Return *body* for the first GPU on which all *tests* are true; it ends the loop."""
        ...

    def switch(self, subject: str, cases: Sequence[tuple[int, Sequence[str]]]) -> list[str]:
        """Return a switch on *subject*; no case falls through."""
        ...

    def fits(self, test: str) -> str:
        """Return the test that *test* is true and had space for all texts."""
        ...

    def is_in(self, rules: str, position: int) -> str:
        """Return the test that a rule is in a set."""
        ...

    def put(self, rules: str, position: int) -> str:
        """Return the statement that adds a rule to a set."""
        ...

    def call(self, name: str, *arguments: str) -> str:
        """Return a call of a function by its name in snake case."""
        ...

    def assign(self, name: str, value: str) -> str:
        """Return the statement that sets a variable."""
        ...

    def increase(self, name: str, value: str) -> str:
        """Return the statement that adds to a variable."""
        ...

    def declare(self, name: str, value: str) -> str:
        """Return the statement that declares a variable of type double."""
        ...

    def run(self, call: str) -> str:
        """Return the statement that only calls a function."""
        ...

    def returns(self, expression: str) -> str:
        """Return the statement that ends a function."""
        ...

    def patience(self, longest: float) -> str:
        """Return the expression for how long a transfer may still wait, in seconds, at most *longest*."""
        ...

    def add_jitter(self, claim: NativeClaim) -> str:
        """Return the statement that raises the delay to at least one with jitter."""
        ...

    def add_scaled(self, sum_of_boosts: str, scaled: tuple[int, int, bool]) -> str:
        """Return the statement that adds a fixed-point number to a sum of boosts."""
        ...

    def stage(self, place: int) -> str:
        """Return the stage at a position of the table of stages."""
        ...

    def stage_row(self, claim: NativeClaim, rule: str) -> str:
        """Return a row of the table of stages."""
        ...
