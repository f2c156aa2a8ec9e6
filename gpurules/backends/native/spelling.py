"""The syntax that a language provides to the shared emitter."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from gpurules.backends.native.schema import Column
from gpurules.fields import Field

Type = Literal["bool", "truth", "number", "text"]
"""What an expression or function gives."""

MISSING_TRUTHS = {True: "true", False: "false", None: "unknown"}


@dataclass(frozen=True, slots=True)
class NativeFunction:
    """A function of the context, and of one GPU if ``per_gpu``; ``lines`` are its body, indented by one."""

    name: str
    gives: Type
    per_gpu: bool
    lines: Sequence[str]
    comment: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True)
class NativeLoop:
    """The loop of an aggregate over the GPUs in scope.

    ``item`` is the call that returns the value of one GPU; ``of_workload`` excludes the GPUs of other workloads.
    """

    function: str
    item: str
    of_workload: bool


class Spelling(Protocol):
    """The expression syntax that differs between C and Go. Names of functions are given in snake case."""

    def call(self, name: str, *arguments: str) -> str:
        """Return a call of a function of the runtime."""
        ...

    def own(self, name: str, per_gpu: bool) -> str:
        """Return a call of a function that was generated."""
        ...

    def number(self, value: float | None) -> str:
        """Return a constant number, which may be missing."""
        ...

    def limit(self, value: float) -> str:
        """Return a constant as a double."""
        ...

    def text(self, value: str | None) -> str:
        """Return a constant text, which may be missing."""
        ...

    def truth(self, value: bool | None) -> str:
        """Return a constant truth value."""
        ...

    def bool(self, value: bool) -> str:
        """Return a constant bool."""
        ...

    def column(self, column: Column) -> str:
        """Return the expression for a column of the current GPU, or of the node."""
        ...

    def transfer(self, read: Field) -> str:
        """Return the expression for a field of the transfer."""
        ...

    def workload(self, read: Field) -> str:
        """Return the expression for a field of the workload."""
        ...

    def bound_value(self, name: str) -> str:
        """Return the expression for a value that was computed when the state was bound."""
        ...

    def glob(self, pattern: str, name: str, subject: str) -> str:
        """Return the test that a constant glob matches *subject*; *name* is an unused name for the glob."""
        ...

    def matches(self, pattern: str, name: str, subject: str) -> str:
        """Return the test that a pattern occurs in *subject*; *name* is an unused name for the pattern.

        Raises:
            UnsupportedError: the target cannot search for it.
        """
        ...

    def supports(self, function: str) -> str | None:
        """Return why the target does not support a scalar function or kind of test; None if it does."""
        ...

    def returns(self, expression: str) -> str:
        """Return the statement that ends a function."""
        ...

    def returns_joined(self, parts: Sequence[str], word: str) -> list[str]:
        """Return the statement that ends a function with parts joined by ``&&`` or ``||``, one per line."""
        ...

    def returns_if(self, condition: str, expression: str) -> list[str]:
        """Return statements that end a function if *condition* is true."""
        ...

    def declares(self, name: str, expression: str) -> str:
        """Return the statement that declares a variable of a number."""
        ...

    def assigns(self, name: str, expression: str) -> str:
        """Return the statement that sets a variable."""
        ...

    def loop(self, loop: NativeLoop) -> list[str]:
        """Return the body of an aggregate's function."""
        ...
