"""What a back end raises for a term that its target cannot say."""

from gpurules.diagnostics import Span
from gpurules.errors import GpurulesError


class UnsupportedError(GpurulesError):
    """A back end cannot say this term; ``span`` is where it is in the condition."""

    def __init__(self, message: str, span: Span | None = None) -> None:
        super().__init__(message)
        self.span = span
