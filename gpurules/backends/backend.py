"""What a back end is: it makes something of a checked tree that answers what the tree means."""

from collections.abc import Sequence
from typing import Protocol

from gpurules.backends.facts import Facts
from gpurules.diagnostics import Span
from gpurules.errors import GpurulesError
from gpurules.language.terms import ir
from gpurules.model import GPU, GPUIndex, Truth, Value
from gpurules.records import Record, record


class UnsupportedError(GpurulesError):
    """A back end cannot say what a condition asks; another has to.

    Missing: ``span`` (where in the condition) is None where it is not one part of it.
    """

    def __init__(self, message: str, span: Span | None = None) -> None:
        super().__init__(message)
        self.span = span


def unsupported_window(window: ir.Window) -> UnsupportedError:
    """Return the error that says that the samples of *window* are those of a definition, which the engine works out."""
    return UnsupportedError(
        f"a window over the definition {window.field.name}, which only an engine keeps", window.span
    )


@record
class Result(Record):
    """The value of a condition: TRUE, FALSE or None (unknown), and the GPUs on which it is TRUE."""

    value: Truth
    devices: tuple[GPUIndex, ...] = ()


def over_gpus(per_gpu: Sequence[Value], gpus: Sequence[GPU]) -> Result:
    """Return the result of a per-GPU condition: the OR over the GPUs, FALSE over none."""
    devices = tuple(gpu.index for gpu, value in zip(gpus, per_gpu, strict=True) if value is True)
    return Result(True if devices else None if None in per_gpu else False, devices)


class BackEnd(Protocol):
    """A back end that evaluates."""

    @property
    def name(self) -> str:
        """The name of the back end."""
        ...

    def evaluate(self, term: ir.Term, per_gpu: bool, facts: Facts) -> Result:
        """Return the value of the condition *term*; *per_gpu* says whether it is evaluated once for each GPU."""
        ...
